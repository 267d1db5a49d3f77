import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MessageId, UserId } from "../../src/core/discord/ids.ts";
import { nonceOf } from "../../src/core/outbound/outbound.ts";
import type { OutboundFile, Quote } from "../../src/core/outbound/outbound.ts";
import { freeze } from "../../src/render/reply.ts";
import {
  channelId,
  guildId,
  messageId,
  reply,
  roleId,
  userId,
} from "../support/discord/builders.ts";

const ADA = userId("123456789012345678");
const BOB = userId("987654321098765432");
const STRANGER = userId("555555555555555555");
const MODS = roleId("1400000000000000003");

const twoChunks = reply({
  chunks: ["one", "two"],
  mayPing: { users: [ADA, BOB], roles: [MODS] },
});
const messages = (...given: Parameters<typeof freeze>) =>
  freeze(...given).map((one) => one.message);
const file = (name: string): OutboundFile => ({ name, bytes: new Uint8Array() });

const quoted = messageId("1400000000000000009");
const quote: Quote = { messageId: quoted, authorId: BOB, on: "first" };

describe("freeze()", () => {
  it("[D1] [SEC-R7] keeps the chunks in order, each with the fields that they share", () => {
    const guild = guildId("1400000000000000010");
    const shared = { channelId: channelId("2"), guildId: guild, suppressesEmbeds: true } as const;
    const frozen = messages({ ...twoChunks, ...shared });
    assert.deepEqual(frozen.map(({ content }) => content), ["one", "two"]);
    for (const message of frozen) assert.deepEqual({ ...message, ...shared }, message);
  });

  it("[D2] gives each chunk the nonce of its index, and names its answer", () => {
    const { cause, revision, agentId, kind } = twoChunks;
    const answer = { cause, revision, agentId, kind };
    assert.deepEqual(messages(twoChunks).map(({ nonce, of }) => [nonce, of]), [
      [nonceOf(twoChunks, 0), { ...answer, part: 0, parts: 2 }],
      [nonceOf(twoChunks, 1), { ...answer, part: 1, parts: 2 }],
    ]);
  });

  it("[R14] lets only the first message notify", () => {
    assert.deepEqual(messages(twoChunks).map((m) => m.suppressesNotifications), [undefined, true]);
  });

  const eleven = Array.from({ length: 11 }, (_, index) => file(`${index}.txt`));
  const filed: readonly [name: string, chunks: string[], files: OutboundFile[], frozen: unknown][] =
    [
      ["with the last words", ["one", "two"], eleven.slice(0, 2), [["one", 0], ["two", 2]]],
      ["without words", [], eleven.slice(0, 2), [["", 2]]],
      ["ten in one message", ["one"], eleven, [["one", 10], ["", 1]]],
    ];
  for (const [name, chunks, files, expected] of filed) {
    it(`[R12] sends files ${name}, in order`, () => {
      const frozen = freeze({ ...twoChunks, chunks, files });
      assert.deepEqual(frozen.map((f) => [f.message.content, f.files.length]), expected);
      assert.deepEqual(frozen.flatMap((f) => f.files), files);
      assert.deepEqual(frozen.map((f) => f.message.of?.parts), frozen.map(() => frozen.length));
    });
  }

  const pings: readonly [name: string, text: string, users: string[], roles: string[]][] = [
    ["no one in a text without mentions", "hello", [], []],
    ["a user of the turn, if the text mentions them", `hello <@${ADA}>`, [ADA], []],
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
      const [message] = messages({ ...twoChunks, chunks: [text] });
      assert.deepEqual(message?.pings, { users, roles, quotedAuthor: false });
    });
  }

  const quotedAuthors: readonly [name: string, authorId: UserId | undefined, pinged: boolean][] = [
    ["the quoted author of the turn", BOB, true],
    ["no quoted stranger", STRANGER, false],
    ["no author who is unknown", undefined, false],
  ];
  for (const [name, authorId, pinged] of quotedAuthors) {
    it(`[R4] pings ${name}, with the quoting chunk only`, () => {
      const { authorId: _, ...rest } = quote;
      const quoting = { ...rest, ...(authorId && { authorId }) };
      assert.deepEqual(
        messages({ ...twoChunks, quote: quoting }).map((m) => m.pings.quotedAuthor),
        [pinged, false],
      );
    });
  }

  const quoting: readonly [string, Quote | undefined, (MessageId | undefined)[]][] = [
    ["nothing without a reply tag", undefined, [undefined, undefined]],
    ["with the first chunk", quote, [quote.messageId, undefined]],
    ["with all chunks", { ...quote, on: "all" }, [quote.messageId, quote.messageId]],
  ];
  for (const [name, asked, quoted] of quoting) {
    it(`[R3] quotes ${name}`, () => {
      const frozen = messages({ ...twoChunks, ...(asked && { quote: asked }) });
      assert.deepEqual(frozen.map((m) => m.quote), quoted);
    });
  }
});

it("[T13a] freeze() › marks each message of a personal reply, but a spoken one, and no other reply", () => {
  const voice = { file: file("a.ogg"), durationSec: 1, waveform: "" };
  const files = Array.from({ length: 11 }, (_, at) => file(`${at}`));
  const given = { chunks: ["one", "two"], files, voice };
  const contents = (isPersonal?: true) =>
    messages(reply({ ...given, isPersonal })).map(({ content }) => content);
  assert.deepEqual(contents(true), ["one\n-# 🔒", "two\n-# 🔒", "-# 🔒", ""]);
  assert.deepEqual(contents(), ["one", "two", "", ""]);
});

describe("[R17] [R16] freeze()", () => {
  const sized = (bytes: number) => ({ name: "a.bin", bytes: new Uint8Array(bytes) });
  const MIB = 1024 * 1024;

  it("sends at most 25 MiB of files with one request", () => {
    const frozen = freeze(reply({ files: [10, 10, 10, 1].map((size) => sized(size * MIB)) }));
    assert.deepEqual(frozen.map(({ files }) => files.map(({ bytes }) => bytes.length / MIB)), [
      [10, 10],
      [10, 1],
    ]);
  });

  it("sends the spoken text as a message of its own, after the text", () => {
    const voice = { file: sized(3), durationSec: 2, waveform: "AAAA" };
    const [text, spoken] = freeze(reply({ voice }));
    assert.equal(text?.message.voice, undefined);
    assert.deepEqual(spoken?.message.voice, { durationSec: 2, waveform: "AAAA" });
    assert.equal(spoken?.message.content, "");
    assert.notEqual(spoken?.message.nonce, text?.message.nonce);
  });
});
