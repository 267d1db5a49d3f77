import { createRestManager } from "@discordeno/rest";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { OutboundFile, OutboundMessage } from "../../../../src/core/outbound/outbound.ts";
import { componentsOf, createMessages } from "../../../../src/discord/rest/requests/messages.ts";
import { bodyOf } from "../../../../src/discord/rest/client/client.ts";
import { channelId, messageId, roleId, userId } from "../../../support/discord/builders.ts";
import { outboundMessage } from "../../../support/discord/builders.ts";
import { fakeApi } from "../fake_api.ts";

const discordeno = createRestManager({ token: "t", applicationId: "0" });

const text = fc.string({ unit: "binary", maxLength: 40 });
const id = fc.bigInt({ min: 10n ** 17n, max: 2n ** 63n }).map(String);
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const few = <Value>(value: fc.Arbitrary<Value>) => fc.array(value, { maxLength: 7 });
const on = maybe(fc.constant(true as const));

const button = fc.record({
  customId: text,
  label: text,
  style: fc.constantFrom("primary", "secondary", "success", "danger"),
});
const menu = fc.record({
  customId: text,
  placeholder: text,
  max: fc.nat(25),
  options: few(fc.record({ value: text, label: text })),
});
const voice = fc.record({ durationSec: fc.double({ min: 0, max: 60 }), waveform: text });
const messages = fc.record({
  channelId: id.map(channelId),
  nonce: text,
  content: text,
  pings: fc.record({
    users: few(id.map(userId)),
    roles: few(id.map(roleId)),
    quotedAuthor: fc.boolean(),
  }),
  quote: maybe(id.map(messageId)),
  suppressesEmbeds: on,
  isSilent: on,
  card: maybe(fc.record({ blocks: few(text), isOpen: fc.boolean() })),
  buttons: maybe(few(button)),
  menus: maybe(few(menu)),
  voice: maybe(voice),
}).map(outboundMessage);
const files = few(
  fc.record({ name: text, alt: maybe(text), bytes: fc.constant(new Uint8Array()) }),
);

/** What Discordeno writes for a new message, and for an edit, of its own types. */
function discordenos(message: OutboundMessage, files: readonly OutboundFile[], isEdit: boolean) {
  const { content, nonce, quote, card, voice, suppressesEmbeds, isSilent, pings } = message;
  const allowedMentions = {
    parse: [],
    users: pings.users.map(BigInt),
    roles: pings.roles.map(BigInt),
    repliedUser: pings.quotedAuthor,
  };
  const silent = isSilent ? 1 << 12 : 0;
  const layout = card ? 1 << 15 : suppressesEmbeds ? 1 << 2 : 0;
  const flags = (voice ? 1 << 13 : layout) | silent;
  const body = isEdit
    ? { content: card ? null : content, allowedMentions, flags: layout, ...componentsOf(message) }
    : {
      ...(!card && { content }),
      nonce,
      enforceNonce: true,
      allowedMentions,
      ...(flags !== 0 && { flags }),
      ...(quote && { messageReference: { messageId: quote, failIfNotExists: false } }),
      ...componentsOf(message),
    };
  const attachments = files.map(({ name, alt }, index) => ({
    id: String(index),
    filename: name,
    title: [...name].every((one) => /[\w.-]/.test(one)) && name !== ""
      ? undefined
      : name.lastIndexOf(".") > 0
      ? name.slice(0, name.lastIndexOf("."))
      : name,
    description: alt,
    durationSecs: isEdit ? undefined : voice?.durationSec,
    waveform: isEdit ? undefined : voice?.waveform,
  }));
  return discordeno.createRequestBody("POST", {
    body: files.length > 0 ? { ...body, attachments } : body,
  }).body;
}

describe("[D2] createMessages() writes byte by byte what Discordeno would write", () => {
  for (const isEdit of [false, true]) {
    it(isEdit ? "for each edit" : "for each new message", async () => {
      await fc.assert(fc.asyncProperty(messages, files, async (message, files) => {
        const { api, asked } = fakeApi({ id: "1400000000000000077" });
        const { create, edit } = createMessages(api);
        await (isEdit
          ? edit(messageId("1400000000000000009"), message, files, undefined)
          : create(message, files, 0));
        const [, , options = {}] = asked[0] ?? [];
        const sent = bodyOf(options);
        const json = sent instanceof FormData ? sent.get("payload_json") : sent;
        assert.equal(json, discordenos(message, files, isEdit));
      }));
    });
  }
});
