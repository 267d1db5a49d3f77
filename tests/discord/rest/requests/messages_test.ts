import assert from "node:assert/strict";
import fc from "fast-check";
import { createRestManager } from "@discordeno/rest";
import { describe, it } from "node:test";
import { toSnowflake } from "../../../../simulator/world/snowflake.ts";
import type {
  OutboundFile,
  OutboundMessage,
  PostOutcome,
} from "../../../../src/core/outbound/outbound.ts";
import { bodyOf, type RestApi } from "../../../../src/discord/rest/client/client.ts";
import {
  RestError,
  routeOf,
  toNoAnswer,
  toRestError,
} from "../../../../src/discord/rest/exchange/exchange.ts";
import {
  componentsOf,
  createMessage,
  deleteMessage,
  deleteReaction,
  editMessage,
  putReaction,
  sendTyping,
  UPLOAD_TIMEOUT_MS,
} from "../../../../src/discord/rest/requests/messages.ts";
import {
  channelId,
  messageId,
  outboundMessage,
  roleId,
  userId,
} from "../../../support/discord/builders.ts";
import { sameData } from "../../../support/same_data.ts";
import { checkedApi, type Sent } from "../checked_api.ts";
import { type Asked, fakeApi } from "../fake_api.ts";
import { withDiscord } from "../simulated.ts";

const CREATED = { id: "1400000000000000077" };
const NOT_AFTER = 1_800_000_000_000;
const ADA = userId("123456789012345678");
const MODS = roleId("1400000000000000003");
const QUOTED = messageId("1400000000000000009");
const message = outboundMessage({
  nonce: "frozen",
  pings: { users: [ADA], roles: [MODS], quotedAuthor: true },
});
const PATH = `/channels/${message.channelId}/messages`;
const route = routeOf("POST", PATH);
const refused = (status: number, code: number) =>
  toRestError(route, status, { code, message: "Words of Discord's" });

const file = (name: string, text: string, fields: Partial<OutboundFile> = {}): OutboundFile => ({
  name,
  bytes: new TextEncoder().encode(text),
  ...fields,
});

/** The bodies of requests, as Discord reads them. */
const bodiesOf = (asked: readonly Asked[]) =>
  asked.map(([, , options]) => JSON.parse(String(options?.body)));

const create = (api: RestApi, sent = message, files: readonly OutboundFile[] = []) =>
  createMessage(api, sent, files, NOT_AFTER);

describe("createMessage()", () => {
  it("[D2] sends the frozen content with its frozen nonce and its deadline", async () => {
    const { api, asked } = fakeApi(CREATED);
    assert.deepEqual(await create(api), { kind: "created", messageId: CREATED.id });
    assert.deepEqual(asked, [["POST", PATH, {
      notAfter: NOT_AFTER,
      body: JSON.stringify({
        content: message.content,
        nonce: "frozen",
        enforce_nonce: true,
        allowed_mentions: { parse: [], users: [ADA], roles: [MODS], replied_user: true },
      }),
    }]]);
  });

  it("[R12] sends files in order, with alt text, and gives an upload more time", async () => {
    const { api, asked } = fakeApi(CREATED);
    const files = [
      file("a.md", "one", { alt: "all of it", contentType: "text/markdown" }),
      file("b.bin", "two"),
    ];
    await create(api, message, files);
    const options = asked[0]?.[2];
    sameData(bodiesOf(asked)[0].attachments, [
      { id: "0", filename: "a.md", description: "all of it" },
      { id: "1", filename: "b.bin" },
    ]);
    const sent = options?.files ?? [];
    assert.deepEqual(sent.map(({ name, blob }) => [name, blob.type]), [
      ["a.md", "text/markdown"],
      ["b.bin", ""],
    ]);
    assert.deepEqual(await Promise.all(sent.map(({ blob }) => blob.text())), ["one", "two"]);
    assert.equal(Object(options).timeoutMs, UPLOAD_TIMEOUT_MS);
  });

  it("[R12] marks a spoiler by its field, and leaves the name as it is", async () => {
    const { api, asked } = fakeApi(CREATED);
    await create(api, message, [file("end.png", "one", { isSpoiler: true }), file("b.bin", "two")]);
    sameData(bodiesOf(asked)[0].attachments, [
      { id: "0", filename: "end.png", is_spoiler: true },
      { id: "1", filename: "b.bin" },
    ]);
  });

  const failures: readonly [status: number, code: number, outcome: PostOutcome["kind"]][] = [
    [404, 10008, "already_gone"], // Unknown Message: created by this nonce, deleted since
    [404, 10003, "refused"], // Unknown Channel
    [403, 50013, "refused"],
    [403, 50007, "refused"],
    [413, 40005, "refused"],
    [400, 50035, "refused"],
    [400, 160002, "refused"],
    [401, 0, "refused"],
    [429, 0, "refused"],
    [500, 0, "unanswered"],
    [302, 0, "unanswered"],
  ];
  for (const [status, code, kind] of failures) {
    it(`[D5] returns ${kind} for ${status} with code ${code}, without a retry`, async () => {
      const { api, asked } = fakeApi(refused(status, code));
      const outcome = await create(api);
      assert.equal(outcome.kind, kind);
      if (outcome.kind === "refused") assert.equal(outcome.code, code);
      assert.equal(asked.length, 1);
    });
  }

  for (const code of [160002, 160009, 160010, 50035]) {
    it(`[R3] sends a message without the quote that Discord refuses: ${code}`, async () => {
      const { api, asked } = fakeApi(refused(400, code), CREATED);
      const files = [file("a.md", "one")];
      const quoting = { ...message, quote: QUOTED };
      assert.deepEqual(await create(api, quoting, files), {
        kind: "created",
        messageId: CREATED.id,
      });
      const bodies = bodiesOf(asked);
      assert.deepEqual(bodies.map(({ nonce }) => nonce), ["frozen", "frozen"]);
      assert.deepEqual(bodies.map((body) => !!body.message_reference), [true, false]);
      assert.deepEqual(bodies.map(({ attachments }) => attachments.length), [1, 1]);
      assert.equal(bodies[1].allowed_mentions.replied_user, false, "the reply's ping is gone too");
      assert.deepEqual(asked.map(([, , options]) => options?.notAfter), [NOT_AFTER, NOT_AFTER]);
    });
  }

  it("[D1] sends no second request without the quote if Discord may have carried out the first", async () => {
    for (
      const failure of [
        refused(500, 0),
        refused(403, 50013),
        toNoAnswer(route, new Error("broken")),
      ]
    ) {
      const { api, asked } = fakeApi(failure);
      await create(api, { ...message, quote: QUOTED });
      assert.equal(asked.length, 1);
    }
  });

  it("[D5] returns the second refusal if it has another cause", async () => {
    const { api, asked } = fakeApi(refused(400, 50035), refused(400, 50006));
    const outcome = await create(api, { ...message, quote: QUOTED });
    assert.equal(outcome.kind === "refused" && outcome.code, 50006);
    assert.equal(asked.length, 2);
  });

  it("[D5] returns the code and the reason of a refusal", async () => {
    const { api } = fakeApi(
      toRestError(route, 403, { code: 50013, message: "Missing Permissions" }),
    );
    sameData(await create(api), {
      kind: "refused",
      why: "forbidden",
      reason: "POST /channels/:id/messages failed with 403: Missing Permissions (50013)",
      code: 50013,
    });
  });

  it("[D3] returns the duration of a rate limit if Discord names it", async () => {
    const details = { kind: "rate_limited", route: "POST /channels/:id/messages" } as const;
    const limited = new RestError("was not sent", { ...details, retryAfterMs: 90_000 });
    sameData(await create(fakeApi(limited).api), {
      kind: "refused",
      why: "rate_limited",
      reason: "POST /channels/:id/messages was not sent",
      retryAfterMs: 90_000,
    });
    const mute = await create(fakeApi(new RestError("no", details)).api);
    assert.equal(Object(mute).retryAfterMs, undefined);
  });

  for (const answer of [undefined, {}, { id: null }, { id: "abc" }, []]) {
    it(`[D2] returns unanswered for a malformed success: ${JSON.stringify(answer)}`, async () => {
      assert.equal((await create(fakeApi(answer).api)).kind, "unanswered");
    });
  }
});

describe("editMessage()", () => {
  const edit = (api: RestApi, sent = message, files: readonly OutboundFile[] = []) =>
    editMessage(api, QUOTED, sent, files);

  const failures: readonly [status: number, code: number, outcome: PostOutcome["kind"]][] = [
    [404, 10008, "already_gone"],
    [403, 50005, "refused"],
    [400, 50083, "refused"],
    [503, 0, "unanswered"],
  ];
  for (const [status, code, kind] of failures) {
    it(`[D5] returns ${kind} for ${status} with code ${code}`, async () => {
      assert.equal((await edit(fakeApi(refused(status, code)).api)).kind, kind);
    });
  }
});

describe("[P3] createMessage() and buttons", () => {
  const buttons: OutboundMessage["buttons"] = [
    { customId: "yes-1", label: "Let in", style: "success" },
    { customId: "no-1", label: "Keep out", style: "danger" },
  ];
  const row = {
    type: 1,
    components: [
      { type: 2, style: 3, label: "Let in", custom_id: "yes-1" },
      { type: 2, style: 4, label: "Keep out", custom_id: "no-1" },
    ],
  };
  const components = (request: Sent | undefined) => Object(request?.body)["components"];

  it("replaces the buttons, removes them for an empty list, and keeps them if the edit has none", async () => {
    const { api, sent } = checkedApi(CREATED);
    for (const fields of [{ buttons }, { buttons: [] }, {}]) {
      await editMessage(api, QUOTED, outboundMessage(fields), []);
    }
    assert.deepEqual(sent.map(components), [[row], [], undefined]);
  });
});

describe("[T10] createMessage() and cards", () => {
  const card = { blocks: ["Which tide?", "Expires soon"], isOpen: true };
  const menus: OutboundMessage["menus"] = [{
    customId: "ask:1",
    placeholder: "Choose",
    max: 2,
    options: [{ value: "0", label: "high" }, { value: "1", label: "low" }],
  }];
  const shown = outboundMessage({ content: "Which tide?\nExpires soon", card, buttons: [], menus });
  const box = {
    type: 17,
    accent_color: 0x5865F2,
    components: [
      { type: 10, content: "Which tide?" },
      { type: 10, content: "Expires soon" },
      { type: 14 },
      {
        type: 1,
        components: [{
          type: 3,
          custom_id: "ask:1",
          placeholder: "Choose",
          min_values: 1,
          max_values: 2,
          options: [{ value: "0", label: "high" }, { value: "1", label: "low" }],
        }],
      },
    ],
  };
  const parts = ({ body }: Sent) => {
    const { content, flags, components } = Object(body);
    return { content, flags, components };
  };

  it("creates a card in the second layout, without a text of its own", async () => {
    const { api, sent } = checkedApi(CREATED);
    await create(api, shown);
    assert.deepEqual(sent.map(parts), [{ content: undefined, flags: 1 << 15, components: [box] }]);
  });

  it("edits a card, which stays one", async () => {
    const { api, sent } = checkedApi(CREATED);
    const settled = { ...shown, card: { blocks: ["Decided"], isOpen: false }, menus: [] };
    await editMessage(api, QUOTED, settled, []);
    assert.deepEqual(sent.map(parts), [{
      content: null,
      flags: 1 << 15,
      components: [{ type: 17, components: [{ type: 10, content: "Decided" }] }],
    }]);
  });

  it("sends text with the same components if Discord refuses the card", async () => {
    const { api, sent } = checkedApi(refused(400, 50035), CREATED, refused(400, 50035), CREATED);
    const created = await create(api, shown);
    const edited = await editMessage(api, QUOTED, shown, []);
    assert.deepEqual([created.kind, edited.kind], ["created", "created"]);
    assert.deepEqual(sent.map(({ body }) => Object(body)["content"]), [
      undefined,
      shown.content,
      null,
      shown.content,
    ]);
    assert.deepEqual(Object(sent[1]?.body)["components"], [box.components[3]]);
    const nonces = [sent[0], sent[1]].map((one) => Object(one?.body)["nonce"]);
    assert.equal(nonces[0], nonces[1], "a repeated request creates no second message");
  });

  it("gives up a refused quote before the card", async () => {
    const { api, sent } = checkedApi(refused(400, 50035), CREATED);
    await create(api, { ...shown, quote: QUOTED });
    assert.deepEqual(sent.map(({ body }) => Object(body)["flags"]), [1 << 15, 1 << 15]);
    assert.equal(Object(sent[1]?.body)["message_reference"], undefined);
  });
});

const remove = (api: RestApi) => deleteMessage(api, message.channelId, QUOTED);

it("[R8] deleteMessage() › deletes a message", async () => {
  const { api, asked } = fakeApi(undefined);
  assert.deepEqual(await remove(api), { kind: "created", messageId: QUOTED });
  assert.deepEqual(asked, [["DELETE", `${PATH}/${QUOTED}`]]);
});

describe("createMessage() and a strict Discord", () => {
  it("[D2] [R12] creates a message with two files once, despite repeated requests", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const { id } = demo.channels.general;
      const asked = sim.say({ as: "ada", in: "#general", text: "?" });
      const sent = outboundMessage({
        channelId: id,
        quote: asked.id,
        suppressesEmbeds: true,
        pings: { users: [demo.people.ada.id], roles: [], quotedAuthor: true },
      });
      const files = [file("a.md", "one", { alt: "all" }), file('quo"te ü.txt', "zwei")];
      const [first, second] = [await create(api, sent, files), await create(api, sent, files)];
      assert.equal(first.kind, "created");
      assert.deepEqual(first, second);
      const [posted, ...others] = sim.posted();
      assert.deepEqual(others, []);
      assert.equal(posted?.flags, 1 << 2);
      assert.equal(posted?.reference?.messageId, asked.id);
      assert.deepEqual(
        posted?.attachments.map(({ filename, description, bytes }) => [
          filename,
          description,
          new TextDecoder().decode(bytes),
        ]),
        [["a.md", "all", "one"], ["quote_u.txt", undefined, "zwei"]],
      );
    }));

  it("[R3] posts exactly once, without the quote, if the bot may not read the history", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const asked = sim.say({ as: "ada", in: "#general", text: "?" });
      const history = { to: "@everyone", what: "readMessageHistory", in: "#general" } as const;
      sim.permit({ ...history, as: "denied" });
      const sent = outboundMessage({ channelId: demo.channels.general.id, quote: asked.id });
      assert.equal((await create(api, sent)).kind, "created");
      assert.equal(sim.posted()[0]?.reference, undefined);
      sim.permit({ ...history, as: "allowed" });
      assert.equal((await create(api, sent)).kind, "created", "Discord would accept the quote now");
      assert.equal(sim.posted().length, 1);
      assert.equal(sim.account().creates.get(sent.nonce)?.messages.size, 1);
    }));

  it("[R8] edits a message, keeps or replaces its files, and deletes it", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const channel = demo.channels.general.id;
      const sent = outboundMessage({ channelId: channel, suppressesEmbeds: true });
      const posted = await create(api, sent, [file("a.md", "one")]);
      assert.ok(posted.kind === "created");
      const names = () => sim.posted()[0]?.attachments.map(({ filename }) => filename);
      const { suppressesEmbeds: _, ...plain } = sent;
      await editMessage(api, posted.messageId, { ...plain, content: "longer" }, []);
      assert.deepEqual([sim.posted()[0]?.content, sim.posted()[0]?.flags], ["longer", 0]);
      assert.deepEqual(names(), ["a.md"]);
      for (const _ of [1, 2]) {
        await editMessage(api, posted.messageId, plain, [file("b.md", "two")]);
      }
      assert.deepEqual(names(), ["b.md"], "requested twice, posted once");
      assert.equal((await deleteMessage(api, channel, posted.messageId)).kind, "created");
      assert.deepEqual(await deleteMessage(api, channel, posted.messageId), {
        kind: "already_gone",
      });
      assert.deepEqual(await editMessage(api, posted.messageId, plain, []), {
        kind: "already_gone",
      });
      assert.deepEqual(await create(api, sent), { kind: "already_gone" });
    }));

  it("[R12] reports a file that is too large for the place, and sends it where the limit is higher", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const sent = outboundMessage({ channelId: demo.channels.general.id });
      const large = file("large.bin", "x".repeat(10 * 1024 * 1024 + 1));
      const outcome = await create(api, sent, [large]);
      assert.equal(outcome.kind === "refused" && outcome.code, 40005);
      sim.boost({ tier: 2 });
      assert.equal((await create(api, sent, [large])).kind, "created");
    }));
});

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
  suppressesNotifications: on,
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
  const { content, nonce, quote, card, voice, suppressesEmbeds, suppressesNotifications, pings } =
    message;
  const allowedMentions = {
    parse: [],
    users: pings.users.map(BigInt),
    roles: pings.roles.map(BigInt),
    repliedUser: pings.quotedAuthor,
  };
  const silent = suppressesNotifications ? 1 << 12 : 0;
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

describe("[D2] createMessage() writes byte by byte what Discordeno would write", () => {
  for (const isEdit of [false, true]) {
    it(isEdit ? "for each edit" : "for each new message", async () => {
      await fc.assert(fc.asyncProperty(messages, files, async (message, files) => {
        const { api, asked } = fakeApi({ id: "1400000000000000077" });
        await (isEdit
          ? editMessage(api, messageId("1400000000000000009"), message, files, undefined)
          : createMessage(api, message, files, 0));
        const [, , options = {}] = asked[0] ?? [];
        const sent = bodyOf(options);
        const json = sent instanceof FormData ? sent.get("payload_json") : sent;
        assert.equal(json, discordenos(message, files, isEdit));
      }));
    });
  }
});

const CHANNEL = channelId("7");
const MESSAGE = messageId("8");

describe("putReaction()", () => {
  const emoji: readonly [written: string, inPath: string][] = [
    ["👀", "%F0%9F%91%80"],
    ["1️⃣", "1%EF%B8%8F%E2%83%A3"],
    ["<:krill:1400000000000000001>", "krill%3A1400000000000000001"],
    ["<a:krill:1400000000000000001>", "krill%3A1400000000000000001"],
    ["krill:1400000000000000001", "krill%3A1400000000000000001"],
    ["../../@me", "..%2F..%2F%40me"],
  ];
  for (const [written, inPath] of emoji) {
    it(`[R7] requests ${written} once, with spare priority`, async () => {
      const { api, asked } = fakeApi(undefined);
      await putReaction(api, CHANNEL, MESSAGE, written);
      await deleteReaction(api, CHANNEL, MESSAGE, written);
      const path = `/channels/7/messages/8/reactions/${inPath}/@me`;
      assert.deepEqual(asked, [
        ["PUT", path, { priority: "spare" }],
        ["DELETE", path, { priority: "spare" }],
      ]);
    });
  }

  it("[R7] adds a reaction, and removes it", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const { id, channelId } = sim.say({ as: "ada", in: "#general", text: "look" });
      const own = "1400000000000000001";
      demo.krill.things.emojis.set(own, { id: toSnowflake(own), name: "krill", bytes: 1 });
      for (const emoji of ["👀", "<:krill:1400000000000000001>"]) {
        await putReaction(api, channelId, id, emoji);
      }
      const shown = sim.channel("#general").messages.get(id)?.reactions;
      assert.deepEqual([...shown?.keys() ?? []], ["👀", "krill:1400000000000000001"]);
      assert.ok(shown?.get("👀")?.has(demo.barnacle.userId));
      await deleteReaction(api, channelId, id, "👀");
      assert.deepEqual([...shown?.keys() ?? []], ["krill:1400000000000000001"]);
      sim.permit({ to: "Barnacle", what: "addReactions", as: "denied", in: "#general" });
      await assert.rejects(putReaction(api, channelId, id, "🦐"), {
        kind: "forbidden",
        code: 50013,
      });
    }));
});

it("[R7] sendTyping() › shows typing, and is refused where the bot may not post", () =>
  withDiscord(async ({ api, sim, demo }) => {
    const seen: string[] = [];
    sim.subscribe((event) => {
      if (event.kind === "typing_started") seen.push(event.userId);
    });
    await sendTyping(api, demo.channels.general.id);
    sim.permit({ to: "@everyone", what: "sendMessages", as: "denied", in: "#general" });
    await assert.rejects(sendTyping(api, demo.channels.general.id), { kind: "forbidden" });
    assert.deepEqual(seen, [demo.barnacle.userId]);
  }));
