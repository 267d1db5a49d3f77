import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MessageId, UserId } from "../../src/core/ids.ts";
import { nonceOf } from "../../src/core/nonce.ts";
import type { Quote } from "../../src/core/outbound.ts";
import {
  type AllowedMentions,
  composeFailure,
  composeReply,
  freeze,
  type ModelAnswer,
} from "../../src/render/reply.ts";
import {
  channelId,
  directMessage,
  guildMessage,
  messageId,
  overheard,
  reply,
  roleId,
  userId,
} from "../support/builders.ts";

const ADA = userId("123456789012345678");
const BOB = userId("987654321098765432");
const STRANGER = userId("555555555555555555");
const MODS = roleId("1400000000000000003");

const twoChunks = reply({
  chunks: ["one", "two"],
  mayPing: { users: [ADA, BOB], roles: [MODS] },
});
const quote: Quote = {
  messageId: messageId("1400000000000000009"),
  authorId: BOB,
  on: "first",
};

describe("freeze()", () => {
  it("[D1] keeps the chunks in order, and where they go", () => {
    const { accountId, channelId } = twoChunks;
    assert.deepEqual(
      freeze(twoChunks).map((m) => [m.accountId, m.channelId, m.content]),
      [[accountId, channelId, "one"], [accountId, channelId, "two"]],
    );
  });

  it("[D2] gives each chunk the nonce of its place", () => {
    assert.deepEqual(freeze(twoChunks).map(({ answers }) => answers), [twoChunks.cause, undefined]);
    const nonces = freeze(twoChunks).map((message) => message.nonce);
    assert.deepEqual(nonces, [nonceOf(twoChunks, 0), nonceOf(twoChunks, 1)]);
  });

  const pings: readonly [name: string, text: string, users: string[], roles: string[]][] = [
    ["nobody in a text without mentions", "hello", [], []],
    ["a user of the turn whom the text mentions", `hello <@${ADA}>`, [ADA], []],
    ["one mentioned in the old form", `hello <@!${BOB}>`, [BOB], []],
    ["both, once each", `<@${BOB}> <@${ADA}> <@${ADA}>`, [ADA, BOB], []],
    ["a listed role", `<@&${MODS}>`, [], [MODS]],
    ["no stranger", `<@${STRANGER}>`, [], []],
    ["no role that is not listed", `<@&${STRANGER}>`, [], []],
    ["no user by a role's mention", `<@&${ADA}> <#${BOB}> ${BOB}`, [], []],
    ["not everyone", "@everyone @here", [], []],
  ];
  for (const [name, text, users, roles] of pings) {
    it(`[R4] pings ${name}`, () => {
      const [message] = freeze({ ...twoChunks, chunks: [text] });
      assert.deepEqual(message?.pings, { users, roles, quotedAuthor: false });
    });
  }

  const quotedAuthors: readonly [name: string, authorId: UserId, pinged: boolean][] = [
    ["the quoted author of the turn", BOB, true],
    ["no quoted stranger", STRANGER, false],
  ];
  for (const [name, authorId, pinged] of quotedAuthors) {
    it(`[R4] pings ${name}, by the quoting chunk only`, () => {
      const messages = freeze({ ...twoChunks, quote: { ...quote, authorId } });
      assert.deepEqual(messages.map((m) => m.pings.quotedAuthor), [pinged, false]);
    });
  }

  const quoting: readonly [
    name: string,
    quote: Quote | undefined,
    quoted: (MessageId | undefined)[],
  ][] = [
    ["nothing without a reply tag", undefined, [undefined, undefined]],
    ["with the first chunk", quote, [quote.messageId, undefined]],
    ["with all chunks", { ...quote, on: "all" }, [quote.messageId, quote.messageId]],
  ];
  for (const [name, asked, quoted] of quoting) {
    it(`[R3] quotes ${name}`, () => {
      const messages = freeze({ ...twoChunks, ...(asked && { quote: asked }) });
      assert.deepEqual(messages.map((m) => m.quote), quoted);
    });
  }
});

const answer = (fields: Partial<ModelAnswer> = {}): ModelAnswer => ({
  message: directMessage(),
  agentId: "main",
  text: "hello, Ada",
  overheard: [],
  chunks: { limit: 2_000, maxLines: 17, mode: "length", maxChunks: 12 },
  allowedMentions: { users: "context", roles: [] },
  ...fields,
});

describe("composeReply()", () => {
  it("[S3] answers the message, in the channel that it came from", () => {
    const message = guildMessage({ channelId: channelId("1400000000000000012"), revision: 2 });
    assert.deepEqual(composeReply(answer({ message })), {
      kind: "reply",
      text: "hello, Ada",
      reply: {
        accountId: message.accountId,
        channelId: message.channelId,
        cause: message.id,
        revision: 2,
        agentId: "main",
        kind: "reply",
        chunks: ["hello, Ada"],
        mayPing: { users: [ADA], roles: [] },
      },
    });
  });

  it("[R1] cuts it", () => {
    const composed = composeReply(answer({ text: "a".repeat(2_001) }));
    assert.ok(composed.kind === "reply");
    assert.deepEqual(composed.reply.chunks.map(({ length }) => length), [2_000, 1]);
  });

  const endings: readonly [text: string, kind: string][] = [
    ["NO_REPLY", "declined"],
    [" `NO_REPLY`\n", "declined"],
    ["<think>hm</think>NO_REPLY", "declined"],
    ["I say NO_REPLY", "reply"],
    ["<think>only thoughts</think>", "blank"],
    [" \n", "blank"],
  ];
  for (const [text, kind] of endings) {
    it(`[R10] ${JSON.stringify(text)} is ${kind}`, () => {
      assert.equal(composeReply(answer({ text })).kind, kind);
    });
  }

  const quotedBob = directMessage({
    quoted: { id: messageId("1400000000000000009"), author: { id: BOB, tag: "bob" }, text: "x" },
  });
  const MODS_ONLY = [MODS];
  const mayPing: readonly [
    name: string,
    fields: Partial<ModelAnswer>,
    allowed: AllowedMentions,
    users: readonly string[],
  ][] = [
    ["the author", {}, { users: "context", roles: [] }, [ADA]],
    ["the quoted", { message: quotedBob }, { users: "context", roles: [] }, [ADA, BOB]],
    [
      "the overheard, each once",
      { overheard: [overheard(), overheard(), overheard({ authorId: ADA })] },
      { users: "context", roles: [] },
      [ADA, BOB],
    ],
    ["nobody without an id", { overheard: [overheard({ authorId: "x" })] }, {
      users: "context",
      roles: [],
    }, [ADA]],
    ["only the author", { message: quotedBob }, { users: "author", roles: [] }, [ADA]],
    ["nobody", { message: quotedBob }, { users: "none", roles: MODS_ONLY }, []],
  ];
  for (const [name, fields, allowedMentions, users] of mayPing) {
    it(`[R4] may ping ${name}`, () => {
      const composed = composeReply(answer({ ...fields, allowedMentions }));
      assert.ok(composed.kind === "reply");
      assert.deepEqual(composed.reply.mayPing, { users, roles: allowedMentions.roles });
    });
  }

  it("[SEC-R5] pings nobody for everyone, a role and a stranger", () => {
    const text = `@everyone @here <@&${MODS}> <@${STRANGER}>`;
    const composed = composeReply(answer({ text }));
    assert.ok(composed.kind === "reply");
    const [message] = freeze(composed.reply);
    assert.deepEqual(message?.pings, { users: [], roles: [], quotedAuthor: false });
  });
});

describe("[R11] composeFailure()", () => {
  const failure = composeFailure(answer(), "f7k2", {});

  it("is one message with the id, and pings nobody", () => {
    assert.equal(failure.kind, "failure");
    assert.equal(failure.chunks.length, 1);
    assert.match(failure.chunks[0] ?? "", /f7k2/);
    assert.deepEqual(failure.mayPing, { users: [], roles: [] });
  });

  it("[D2] has another nonce than the reply would have had", () => {
    const composed = composeReply(answer());
    assert.ok(composed.kind === "reply");
    assert.notEqual(freeze(failure)[0]?.nonce, freeze(composed.reply)[0]?.nonce);
  });
});
