/** Tests that a message is read the same way wherever it comes from: itself, a quote, a menu, a forward. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { withExtras } from "../../../../src/core/inbound/mentions.ts";
import type { InboundMessage } from "../../../../src/core/inbound/inbound.ts";
import { decodeMessage } from "../../../../src/discord/gateway/decode/decode.ts";
import { decodeInteraction } from "../../../../src/discord/gateway/decode/decode_interaction.ts";
import { applyDispatch } from "../../../../src/discord/gateway/read/reader.ts";
import { ACCOUNT } from "../../../support/discord/builders.ts";
import {
  ADA,
  CHANNEL,
  GUILD,
  guildData,
  messageData,
  pressData,
  SELF,
} from "../../../support/discord/payloads.ts";
import { cases } from "../../../support/long_form.ts";

type Fields = Readonly<Record<string, unknown>>;

const CONTEXT = {
  accountId: ACCOUNT,
  self: SELF,
  index: applyDispatch(new Map(), { t: "GUILD_CREATE", s: 2, d: guildData() }, SELF.userId).index,
};
const ID = "1400000000000000055";

function decoded(fields: Fields): InboundMessage {
  const event = decodeMessage(messageData(fields), CONTEXT);
  assert.ok(event?.kind === "message", JSON.stringify(event));
  return event;
}

/** A message as the model gets it in each way: sent, quoted, by a message command, and forwarded. */
function inEachWay(fields: Fields) {
  const message = messageData({ id: ID, ...fields });
  const { text, extras, attachments } = decoded({ id: ID, ...fields });
  const { quoted } = decoded({
    type: 19,
    content: "",
    message_reference: { message_id: ID },
    referenced_message: message,
  });
  const call = decodeInteraction(
    pressData({
      type: 2,
      guild_id: GUILD,
      channel_id: CHANNEL,
      member: { user: ADA, roles: [] },
      user: undefined,
      message: undefined,
      data: {
        ...{ id: "1", type: 3, name: "Ask Barnacle" },
        target_id: ID,
        resolved: { messages: { [ID]: message } },
      },
    }),
    CONTEXT,
  );
  assert.ok(call?.kind === "slash", JSON.stringify(call));
  const forward = decoded({
    content: "",
    message_reference: { type: 1, channel_id: CHANNEL, message_id: ID },
    message_snapshots: [{ message: fields }],
  });
  return {
    sent: { text: withExtras({ text, extras }), attachments },
    quoted: { text: quoted?.text, attachments: quoted?.attachments },
    asked: { text: call.target?.text, attachments: call.target?.attachments },
    forwarded: { text: forward.extras[0]?.text ?? "", attachments: forward.attachments },
  };
}

const CDN = "https://cdn.discordapp.com/attachments/1/2/map.png?ex=1";
const PROXY = "https://images-ext-1.discordapp.net/external/x/https/example.org/a.png";

describe("[H3] [H7] readQuoted()", () => {
  const rows: readonly (readonly [string, Fields, string, readonly Fields[]])[] = [
    ["a text of 4,000 characters", { content: "é".repeat(4_000) }, "é".repeat(4_000), []],
    [
      "a file with a title",
      {
        content: "",
        attachments: [{
          ...{ id: "2", filename: "Ubersicht_2026.pdf", title: "Übersicht 2026", size: 5 },
          url: CDN,
        }],
      },
      "[attachment: Übersicht 2026.pdf (unknown type, 5 bytes)]",
      [{ id: "2", name: "Übersicht 2026.pdf", url: CDN, size: 5 }],
    ],
    [
      "a poll with the longest answers",
      {
        content: "",
        poll: {
          question: { text: "q".repeat(300) },
          answers: Array.from({ length: 10 }, () => ({ poll_media: { text: "a".repeat(55) } })),
        },
      },
      `[poll: ${"q".repeat(300)} (${Array(10).fill("a".repeat(55)).join(" / ")})]`,
      [],
    ],
    [
      "stickers",
      {
        content: "",
        sticker_items: [
          { id: "1400000000000000003", name: "Wave", format_type: 1 },
          { id: "1400000000000000004", name: "Dance", format_type: 4 },
          { id: "1400000000000000005", name: "Vector", format_type: 3 },
        ],
      },
      "[sticker: Wave]\n[sticker: Dance]\n[sticker: Vector]",
      [
        {
          ...{ id: "1400000000000000003", name: "Wave.png" },
          url: "https://media.discordapp.net/stickers/1400000000000000003.png",
        },
        {
          ...{ id: "1400000000000000004", name: "Dance.gif" },
          url: "https://media.discordapp.net/stickers/1400000000000000004.gif",
        },
      ],
    ],
    [
      "the picture of an embed, by Discord's proxy",
      {
        content: "",
        embeds: [{ title: "A", image: { url: "https://example.org/a.png", proxy_url: PROXY } }],
      },
      "[embed: A]",
      [{ id: "134864031496329778", name: "a.png", url: PROXY }],
    ],
    [
      "pictures of a gallery, with the one that is an attachment once",
      {
        content: "",
        attachments: [{ id: "2", filename: "map.png", size: 5, url: CDN }],
        components: [{
          type: 17,
          components: [{
            type: 12,
            items: [
              { media: { url: CDN }, description: "a map" },
              { media: { url: CDN.replaceAll("2", "3"), proxy_url: null }, spoiler: true },
            ],
          }, { type: 13, file: { url: CDN.replaceAll("2", "4") } }],
        }],
      },
      "[attachment: map.png (unknown type, 5 bytes)]\n" +
      "[components: [picture: a map]\n[picture: behind a spoiler]\n[file]]",
      [
        { id: "2", name: "map.png", url: CDN },
        { id: "3", name: "map.png", url: CDN.replaceAll("2", "3") },
        { id: "4", name: "map.png", url: CDN.replaceAll("2", "4") },
      ],
    ],
  ];
  for (const [what, fields, text, files] of rows) {
    it(`reads ${what} in a message, a quote, a target of a menu and a forward`, () => {
      for (const [way, read] of Object.entries(inEachWay(fields))) {
        assert.equal(read.text, text, way);
        const attachments = (read.attachments ?? []).map(({ id, name, url }) => ({
          id,
          name,
          url,
        }));
        assert.deepEqual(attachments, files.map(({ id, name, url }) => ({ id, name, url })), way);
      }
    });
  }

  it("[H9] gives no file behind a spoiler to another channel", () => {
    const { attachments } = decoded({
      content: "",
      message_reference: { type: 1, channel_id: "1700000000000000099", message_id: ID },
      message_snapshots: [{
        message: {
          content: "||https://example.org||",
          attachments: [{ id: "3", filename: "b.png", size: 5, url: CDN.replaceAll("2", "3") }],
          components: [{
            ...{ type: 17, spoiler: true },
            components: [{ type: 12, items: [{ media: { url: CDN.replaceAll("2", "3") } }] }],
          }],
          embeds: [{ image: { url: "https://example.org/a.png", proxy_url: PROXY } }],
          sticker_items: [{ id: "1400000000000000003", name: "Wave", format_type: 1 }],
        },
      }],
    });
    assert.deepEqual(attachments?.map(({ name }) => name), ["Wave.png"]);
  });

  it("reads each message alike in all ways, with any fields", () => {
    const url = fc.oneof(fc.webUrl(), fc.constant(CDN), fc.string());
    const id = fc.oneof(fc.bigInt(1n, 2n ** 63n).map(String), fc.string());
    const media = fc.record({ url, proxy_url: url, description: fc.string() }, {
      requiredKeys: [],
    });
    const odd = fc.jsonValue();
    const item = fc.record({ media, description: fc.string(), spoiler: fc.boolean() });
    const { component } = fc.letrec<{ component: unknown }>((tie) => ({
      component: fc.oneof(
        odd,
        fc.record({
          type: fc.integer({ min: 1, max: 18 }),
          content: fc.string(),
          media,
          file: media,
          items: fc.array(item),
          components: fc.array(tie("component"), { maxLength: 3 }),
          accessory: tie("component"),
        }, { requiredKeys: ["type"] }),
      ),
    }));
    const content = fc.record({
      content: fc.string({ maxLength: 5_000 }),
      attachments: fc.array(
        fc.oneof(
          odd,
          fc.record({ id, url, filename: fc.string(), title: fc.string(), size: fc.nat() }),
        ),
      ),
      embeds: fc.array(
        fc.oneof(odd, fc.record({ title: fc.string(), image: media, thumbnail: media })),
      ),
      sticker_items: fc.array(
        fc.oneof(odd, fc.record({ id, name: fc.string(), format_type: fc.nat(5) })),
      ),
      components: fc.array(component, { maxLength: 4 }),
    }, { requiredKeys: ["content"] });
    fc.assert(
      fc.property(content, (fields) => {
        const { sent, ...others } = inEachWay(fields);
        for (const [way, read] of Object.entries(others)) {
          assert.deepEqual(read.attachments ?? [], sent.attachments ?? [], way);
          assert.equal(read.text, sent.text.slice(0, read.text?.length), way);
          assert.ok(sent.text.length <= 10_000 ? read.text === sent.text : true, way);
        }
        for (const file of sent.attachments ?? []) {
          assert.match(file.id, /^\d{1,20}$/);
          assert.ok(file.name !== "" && file.name.length <= 270);
        }
      }),
      { numRuns: cases(100, 5_000) },
    );
  });
});
