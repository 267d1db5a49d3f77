import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DispatchBatch } from "../../../src/discord/gateway/protocol.ts";
import { createReader, READ_TYPES, type ReadProblem } from "../../../src/discord/gateway/reader.ts";
import { ACCOUNT } from "../../support/builders.ts";
import { readyData } from "../../support/fake_gateway.ts";
import { BARNACLE, GUILD, guildData, messageData, SELF } from "../../support/payloads.ts";

const READY = {
  t: "READY",
  s: 1,
  op: 0,
  d: { ...readyData(1, "ws://r") as object, guilds: [{ id: GUILD, unavailable: true }] },
};
const CREATE = { t: "GUILD_CREATE", s: 2, op: 0, d: guildData() };
const MESSAGE = { t: "MESSAGE_CREATE", s: 3, op: 0, d: messageData() };

function batch(...dispatches: readonly { readonly s: number }[]): DispatchBatch {
  const seq = dispatches.at(-1)?.s ?? 0;
  return { number: 1, epoch: 1, seq, text: JSON.stringify(dispatches) };
}

function open(start: Partial<Parameters<typeof createReader>[0]> = {}) {
  const problems: ReadProblem[] = [];
  const reader = createReader({ accountId: ACCOUNT, guilds: [], ...start }, (problem) => {
    problems.push(problem);
  });
  return { reader, problems };
}

describe("[G5] createReader()", () => {
  it("reads a session's begin, its guilds and its messages from one batch", () => {
    const { reader, problems } = open();
    const read = reader.read(batch(READY, CREATE, MESSAGE));
    assert.deepEqual(problems, []);
    assert.deepEqual(read.started, {
      session: { sessionId: "session-1", resumeUrl: "ws://r/resume", seq: 1 },
      self: SELF,
    });
    assert.equal(read.seq, 3);
    assert.deepEqual(read.guilds.map(({ guildId }) => guildId), [GUILD]);
    const [event] = read.events;
    assert.ok(event?.kind === "message" && event.place.kind === "guild");
    assert.equal(event.place.channel.name, "help-desk");
  });

  it("goes on after a restart with what was stored", () => {
    const first = open();
    const { guilds } = first.reader.read(batch(READY, CREATE));
    const { reader, problems } = open({ self: SELF, guilds });
    const read = reader.read(batch(MESSAGE));
    assert.deepEqual(problems, []);
    assert.deepEqual(read, { ...first.reader.read(batch(MESSAGE)) });
    assert.equal(read.started, undefined);
    assert.deepEqual(read.guilds, []);
  });

  it("says that a guild was left", () => {
    const { reader } = open();
    reader.read(batch(READY, CREATE));
    const left = reader.read(batch({ t: "GUILD_DELETE", s: 4, d: { id: GUILD } } as never));
    assert.deepEqual(left.guilds, [{ guildId: GUILD, text: undefined }]);
  });

  it("keeps the order of messages, our own among them", () => {
    const { reader } = open({ self: SELF });
    const own = { ...MESSAGE, s: 4, d: messageData({ author: BARNACLE, nonce: "n" }) };
    const kinds = reader.read(batch(MESSAGE, own, MESSAGE)).events.map(({ kind }) => kind);
    assert.deepEqual(kinds, ["message", "own_message", "message"]);
  });

  it("passes over what does not fit, counts it, and takes the rest", () => {
    const { reader, problems } = open({ self: SELF });
    const misfit = { ...MESSAGE, d: { content: "private words" } };
    const noGuild = { ...CREATE, d: null };
    const read = reader.read(batch(misfit, { t: 1 } as never, noGuild, MESSAGE));
    assert.equal(read.events.length, 1);
    assert.equal(reader.problems, 3);
    assert.deepEqual(problems.map(({ type }) => type), [
      "unknown",
      "MESSAGE_CREATE",
      "GUILD_CREATE",
    ]);
    assert.doesNotMatch(JSON.stringify(problems), /private words/);
  });

  it("cannot tell our own messages before it knows who we are, and says so", () => {
    const { reader, problems } = open();
    assert.deepEqual(reader.read(batch(MESSAGE)).events, []);
    assert.equal(problems.length, 1);
  });

  it("takes a batch of nothing for its sequence number", () => {
    const { reader } = open();
    const nothing = { number: 1, epoch: 1, seq: 77, text: "[]" };
    assert.deepEqual(reader.read(nothing), { accountId: ACCOUNT, seq: 77, events: [], guilds: [] });
  });

  it("throws where a batch is no batch: that is a fault of ours", () => {
    const { reader } = open();
    assert.throws(() => reader.read({ number: 1, epoch: 1, seq: 1, text: "{}" }), TypeError);
    assert.throws(() => reader.read({ number: 1, epoch: 1, seq: 1, text: "[" }), SyntaxError);
  });

  it("names the types that it wants, READY and messages among them", () => {
    assert.ok(READ_TYPES.includes("READY") && READ_TYPES.includes("MESSAGE_CREATE"));
    assert.ok(!READ_TYPES.includes("TYPING_START"));
  });
});
