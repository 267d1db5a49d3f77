import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EventKind, EventOf, InboundBatch } from "../../../../src/core/inbound/inbound.ts";
import { READ_TYPES } from "../../../../src/discord/gateway/read/intents.ts";
import { createReader, type Reader } from "../../../../src/discord/gateway/read/reader.ts";
import { ACCOUNT } from "../../../support/discord/builders.ts";
import {
  ADA,
  BARNACLE,
  GUILD,
  guildData,
  messageData,
  pressData,
  SELF,
  THREAD,
} from "../../../support/discord/payloads.ts";
import { readyData } from "../../../support/gateway/fake_gateway.ts";

const READY = {
  t: "READY",
  s: 1,
  op: 0,
  d: { ...readyData(1, "ws://r") as object, guilds: [{ id: GUILD, unavailable: true }] },
};
const CREATE = { t: "GUILD_CREATE", s: 2, op: 0, d: guildData() };
const MESSAGE = { t: "MESSAGE_CREATE", s: 3, op: 0, d: messageData() };

const bare = { ticket: 5, arrivedAt: 9, number: 1, epoch: 1, seq: 1 };

/** Reads dispatches one by one. @returns What they bring together. */
function read(reader: Reader, ...dispatches: readonly { readonly s: number }[]): InboundBatch {
  const batches = dispatches.map((one) =>
    reader.read({ ...bare, seq: one.s, text: JSON.stringify(one) })
  );
  const guilds = new Map(batches.flatMap(({ guilds }) => guilds.map((one) => [one.guildId, one])));
  const events = batches.flatMap(({ events }) => events);
  return { ...batches.at(-1)!, events, guilds: [...guilds.values()] };
}

function open(start: Partial<Parameters<typeof createReader>[0]> = {}) {
  const problems: { readonly type: string; readonly why: string }[] = [];
  const reader = createReader({ accountId: ACCOUNT, guilds: [], ...start }, (problem) => {
    problems.push(problem);
  });
  return { reader, problems };
}

function eventsOf<Kind extends EventKind>(
  { events }: InboundBatch,
  kind: Kind,
): readonly EventOf<Kind>[] {
  return events.filter((event): event is EventOf<Kind> => event.kind === kind);
}

function joinedIn(batch: InboundBatch) {
  return eventsOf(batch, "guild_joined").map(({ guild }) => guild);
}

describe("[G5] createReader()", () => {
  it("reads a session, its guilds and its messages from one batch", () => {
    const { reader, problems } = open();
    const got = read(reader, READY, CREATE, MESSAGE);
    assert.deepEqual(problems, []);
    assert.deepEqual(got.events[0], {
      kind: "session_started",
      session: { sessionId: "session-1", resumeUrl: "ws://r/resume", seq: 1 },
      self: SELF,
    });
    assert.equal(got.seq, 3);
    assert.equal(got.ticket, 5);
    assert.deepEqual(got.guilds.map(({ guildId }) => guildId), [GUILD]);
    const event = got.events.at(-1);
    assert.ok(event?.kind === "message" && event.place.kind === "guild");
    assert.equal(event.place.channel.name, "help-desk");
  });

  it("[G14] understands a READY of which only session and id fit, and forgets no guild by it", () => {
    const first = open();
    const stored = read(first.reader, READY, CREATE).guilds;
    const odd = {
      ...READY.d,
      guilds: [{ id: 1_456_074_443_980_800_006 }],
      application: { id: 7 },
      resume_gateway_url: 1,
      user: { id: SELF.userId, username: null },
    };
    const { reader, problems } = open({
      guilds: stored.map(({ guildId, text = "" }) => ({ guildId, text })),
    });
    const ready = { ...READY, d: odd };
    const got = read(reader, ready, MESSAGE);
    assert.deepEqual(problems, [{ type: "READY", why: "guilds does not fit" }]);
    assert.deepEqual(got.events.map(({ kind }) => kind), ["session_started", "message"]);
    assert.equal(reader.self?.userId, SELF.userId);
    assert.ok(reader.index.has(GUILD));
  });

  it("continues after a restart with the stored state", () => {
    const first = open();
    const { guilds } = read(first.reader, READY, CREATE);
    const { reader, problems } = open({ self: SELF, guilds });
    const got = read(reader, MESSAGE);
    assert.deepEqual(problems, []);
    assert.deepEqual(got, { ...read(first.reader, MESSAGE) });
    assert.deepEqual(got.events.map(({ kind }) => kind), ["message"]);
    assert.deepEqual(got.guilds, []);
  });

  it("reads replayed dispatches as before, and ends in the same state", () => {
    const { reader, problems } = open();
    const renamed = { t: "GUILD_UPDATE", s: 4, op: 0, d: { id: GUILD, name: "Foes" } };
    const back = { ...renamed, s: 5, d: { id: GUILD, name: "Friends" } };
    read(reader, READY);
    const first = read(reader, CREATE, MESSAGE, renamed, back);
    const { index } = reader;
    const replayed = read(reader, CREATE, MESSAGE, renamed, back);
    assert.deepEqual(problems, []);
    assert.deepEqual(replayed, first);
    assert.deepEqual(reader.index, index);
    const messages = eventsOf(first, "message");
    assert.deepEqual(read(reader, MESSAGE).events, messages, "an older dispatch, too");
  });

  it("reports that the bot left a guild", () => {
    const { reader } = open();
    read(reader, READY, CREATE);
    const left = read(reader, { t: "GUILD_DELETE", s: 4, d: { id: GUILD } } as never);
    assert.deepEqual(left.guilds, [{ guildId: GUILD, text: undefined }]);
  });

  it("[P3] [P13] keeps the order of interactions, deletions and messages", () => {
    const { reader, problems } = open({ self: SELF });
    const press = { t: "INTERACTION_CREATE", s: 4, d: pressData() };
    const command = { ...press, s: 5, d: pressData({ type: 2, data: { name: "help" } }) };
    const deletion = { t: "MESSAGE_DELETE", s: 6, d: { id: "5", channel_id: "6" } };
    const cleared = { t: "MESSAGE_DELETE_BULK", s: 7, d: { ids: ["7", "8"], channel_id: "6" } };
    const got = read(reader, press, command, deletion, MESSAGE, cleared);
    const kinds = got.events.map(({ kind }) => kind);
    assert.deepEqual(kinds, ["button", "slash", "messages_deleted", "message", "messages_deleted"]);
    assert.deepEqual(eventsOf(got, "button").map(({ customId }) => customId), ["approve-1"]);
    const deleted = eventsOf(got, "messages_deleted").map(({ messageIds }) => messageIds);
    assert.deepEqual(deleted, [["5"], ["7", "8"]]);
    assert.deepEqual(problems, []);
    for (const { t } of [press, deletion, cleared]) assert.ok(READ_TYPES.includes(t), t);
  });

  it("[K5] keeps a malformed interaction for its answer, skips such a deletion, and reports no token", () => {
    const { reader, problems } = open({ self: SELF });
    const press = { t: "INTERACTION_CREATE", s: 4, d: pressData({ message: undefined }) };
    const deletion = { t: "MESSAGE_DELETE", s: 5, d: {} };
    const got = read(reader, press, deletion, MESSAGE);
    assert.deepEqual(got.events.map(({ kind }) => kind), ["unread", "message"]);
    assert.deepEqual(problems.map(({ type }) => type), ["INTERACTION_CREATE", "MESSAGE_DELETE"]);
    assert.doesNotMatch(JSON.stringify(problems), /aW50ZXJh/);
  });

  describe("[P6a] a guild that the bot joins", () => {
    const NEW = "1600000000000000002";
    const joins = { t: "GUILD_CREATE", s: 5, d: guildData({ id: NEW, name: "Strangers" }) };
    const leaves = { t: "GUILD_DELETE", s: 6, d: { id: NEW } };
    const outage = { t: "GUILD_DELETE", s: 7, d: { id: GUILD, unavailable: true } };

    it("is named once", () => {
      const { reader } = open();
      read(reader, READY, CREATE);
      assert.deepEqual(joinedIn(read(reader, joins)), [{ id: NEW, name: "Strangers" }]);
      assert.deepEqual(joinedIn(read(reader, joins)), [], "a RESUME repeats it");
    });

    it("is not named after a restart that has stored it", () => {
      const { guilds } = read(open({ self: SELF }).reader, joins);
      const { reader } = open({ self: SELF, guilds });
      assert.deepEqual(joinedIn(read(reader, joins)), []);
    });

    it("is no guild that READY listed, nor one after an outage", () => {
      const { reader } = open();
      assert.deepEqual(joinedIn(read(reader, READY, CREATE)), []);
      assert.deepEqual(joinedIn(read(reader, outage)), []);
      assert.deepEqual(joinedIn(read(reader, CREATE)), []);
    });

    it("is none while the bot lacks its identity, because it missed a READY", () => {
      assert.deepEqual(joinedIn(read(open().reader, CREATE)), []);
    });

    it("is named when its outage ends, if it had one as the bot joined", () => {
      const { reader } = open();
      read(reader, READY, CREATE);
      const down = { ...joins, d: { id: NEW, unavailable: true } };
      assert.deepEqual(joinedIn(read(reader, down)), []);
      assert.deepEqual(joinedIn(read(reader, joins)).map(({ id }) => id), [NEW]);
    });

    it("is named again if the bot was removed and invited again", () => {
      const { reader } = open();
      read(reader, READY, CREATE, joins);
      read(reader, leaves);
      assert.equal(joinedIn(read(reader, joins)).length, 1);
    });

    it("is none whose snapshot could not be read", () => {
      const { reader } = open({ self: SELF, guilds: [{ guildId: GUILD, text: '{"v":0}' }] });
      assert.deepEqual(joinedIn(read(reader, CREATE)), []);
    });
  });

  it("keeps the order of messages, including our own", () => {
    const { reader } = open({ self: SELF });
    const own = { ...MESSAGE, s: 4, d: messageData({ author: BARNACLE, nonce: "n" }) };
    const kinds = read(reader, MESSAGE, own, MESSAGE).events.map(({ kind }) => kind);
    assert.deepEqual(kinds, ["message", "own_message", "message"]);
  });

  it("skips and counts malformed dispatches, and reads the others", () => {
    const { reader, problems } = open({ self: SELF });
    const misfit = { ...MESSAGE, d: { content: "private words" } };
    const noGuild = { ...CREATE, d: null };
    const got = read(reader, misfit, { t: 1 } as never, noGuild, MESSAGE);
    assert.equal(got.events.length, 1);
    assert.equal(reader.problems, 3);
    assert.deepEqual(problems.map((it) => it.type), ["MESSAGE_CREATE", "unknown", "GUILD_CREATE"]);
    assert.doesNotMatch(JSON.stringify(problems), /private words/);
  });

  it("reports messages while the bot lacks its identity, because they could be its own", () => {
    const { reader, problems } = open();
    assert.deepEqual(read(reader, MESSAGE).events, []);
    assert.equal(problems.length, 1);
  });

  it("[G1] skips a text that is no JSON, and reads none if only the number is told", () => {
    const { reader, problems } = open();
    const text = '{"t":"MESSAGE_DELETE","s":2,"d":{"private words';
    assert.deepEqual(reader.read({ ...bare, text }).events, []);
    assert.deepEqual(problems, [{ type: "unknown", why: "no dispatch" }]);
    assert.deepEqual(reader.read(bare).events, []);
    assert.equal(problems.length, 1);
  });

  describe("with a snapshot of another version", () => {
    const guilds = [{ guildId: GUILD, text: '{"v":0}' }];

    it("is incomplete until a new session brings the guild, which is then stored again", () => {
      const { reader } = open({ self: SELF, guilds });
      assert.equal(reader.isComplete, false);
      read(reader, MESSAGE);
      assert.equal(reader.isComplete, false, "a message brings no guild");
      const got = read(reader, READY, CREATE);
      assert.equal(reader.isComplete, true);
      assert.equal(got.guilds.length, 1);
      assert.equal(typeof got.guilds[0]?.text, "string");
    });

    it("[G6] is complete from READY on, because the guild is then awaited", () => {
      const { reader } = open({ self: SELF, guilds });
      const got = read(reader, READY);
      assert.equal(reader.isComplete, true);
      const { reader: next } = open({ self: SELF, guilds: got.guilds });
      assert.equal(next.isComplete, true);
      assert.equal(next.index.get(GUILD)?.isAwaited, true);
    });

    it("forgets the guild if the bot has left it, so that the next start is complete", () => {
      const { reader } = open({ self: SELF, guilds });
      const ready = { ...READY, d: readyData(2, "ws://r") };
      assert.deepEqual(read(reader, ready).guilds, [{ guildId: GUILD, text: undefined }]);
    });

    it("stays incomplete after a malformed READY", () => {
      const { reader } = open({ self: SELF, guilds });
      read(reader, { ...READY, d: {} } as typeof READY);
      assert.equal(reader.isComplete, false);
    });
  });
});

const within = { guild_id: GUILD };

const cases: readonly [t: string, d: unknown, isChange: boolean][] = [
  ["GUILD_ROLE_CREATE", { ...within, role: { id: "1", name: "x" } }, true],
  ["GUILD_ROLE_UPDATE", { ...within, role: { id: "1", name: "x" } }, true],
  ["GUILD_ROLE_DELETE", { ...within, role_id: "1" }, true],
  ["GUILD_UPDATE", { id: GUILD, name: "x", owner_id: ADA.id }, true],
  ["GUILD_CREATE", guildData(), true],
  ["GUILD_CREATE", { id: GUILD, unavailable: true }, false],
  ["GUILD_DELETE", { id: GUILD }, false],
  ["CHANNEL_CREATE", { ...within, id: "1", type: 0 }, true],
  ["CHANNEL_UPDATE", { ...within, id: "1", type: 0 }, true],
  ["CHANNEL_DELETE", { ...within, id: "1", type: 0 }, true],
  ["CHANNEL_CREATE", { id: "1", type: 1 }, false],
  ["THREAD_UPDATE", { ...within, id: THREAD, thread_metadata: { archived: false } }, true],
  ["THREAD_CREATE", { ...within, id: THREAD, newly_created: true }, false],
  ["THREAD_CREATE", { ...within, id: THREAD }, true],
  ["THREAD_LIST_SYNC", { ...within, threads: [] }, true],
  ["THREAD_DELETE", { ...within, id: THREAD }, false],
  ["GUILD_MEMBER_UPDATE", { ...within, user: BARNACLE, roles: [] }, true],
  ["GUILD_MEMBER_UPDATE", { ...within, user: ADA, roles: [] }, false],
  ["GUILD_MEMBER_UPDATE", { user: BARNACLE, roles: [] }, false],
  ["MESSAGE_CREATE", { ...within, id: "1" }, false],
  ["READY", { guilds: [{ id: GUILD }] }, false],
  ["CHANNEL_UPDATE", null, false],
  ["GUILD_ROLE_UPDATE", { guild_id: "Friends" }, false],
];

describe("[R11] a change that may give the bot permissions", () => {
  const changedBy = (reader: ReturnType<typeof open>["reader"], t: string, d: unknown) =>
    eventsOf(read(reader, { t, s: 4, d } as never), "permissions_changed");

  for (const [t, d, isChange] of cases) {
    it(`is ${isChange ? "named" : "none"} in ${t} ${JSON.stringify(d).slice(0, 60)}`, () => {
      const { reader } = open();
      read(reader, READY, CREATE);
      const changed = [{ kind: "permissions_changed", guildId: GUILD }];
      assert.deepEqual(changedBy(reader, t, d), isChange ? changed : []);
      assert.ok(!isChange || READ_TYPES.includes(t), "otherwise it never leaves the worker");
    });
  }

  it("is none of a member before READY, which names the bot", () => {
    const d = { ...within, user: BARNACLE };
    assert.deepEqual(changedBy(open().reader, "GUILD_MEMBER_UPDATE", d), []);
  });
});
