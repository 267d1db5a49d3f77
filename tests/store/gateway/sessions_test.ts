import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import type { Self } from "../../../src/core/inbound/inbound.ts";
import { ACCOUNT, guildMessage, messageId, userId } from "../../support/discord/builders.ts";
import { batch, found, heard, ignored, openTestStore } from "../../support/store/store.ts";
import type { StoredShard } from "../../../src/core/store/gateway.ts";
import type { Store } from "../../../src/store/store.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = Date.UTC(2020, 0, 1); // before the messages below
const MINUTE_MS = 60_000;
const SELF: Self = {
  userId: userId("1400000000000000091"),
  applicationId: parseSnowflake<"application">("1400000000000000092")!,
  username: "barnacle",
};
const session = (sessionId: string, seq = 1) => ({ sessionId, resumeUrl: "wss://resume", seq });
const early = guildMessage({ id: messageId("1400000000000000101") });
const late = guildMessage({ id: messageId("1410000000000000101") });

/** A store with a function that begins a session by its name. */
function openSessions() {
  const test = openTestStore();
  const begin = (sessionId: string, at: number, shardId = 0) =>
    test.store.gateway.startSession(ACCOUNT, shardId, session(sessionId), SELF, at);
  return { ...test, begin };
}

async function shardOf(store: Store, shardId = 0): Promise<StoredShard | undefined> {
  return (await store.gateway.loadAccount(ACCOUNT)).shards.find((shard) =>
    shard.shardId === shardId
  );
}

describe("startSession()", () => {
  it("[G5] stores the session of a shard, the bot's identity and a sign of life", async () => {
    const { store } = openTestStore();
    await store.gateway.startSession(ACCOUNT, 1, session("a", 3), SELF, NOW);
    sameData(await store.gateway.loadAccount(ACCOUNT), {
      self: SELF,
      readyAt: NOW,
      shards: [{
        shardId: 1,
        session: { ...session("a", 3), startedAt: NOW, aliveAt: NOW },
        storedUpTo: NOW,
        aliveAt: NOW,
      }],
    });
  });

  it("[G6] opens no gap for the very first session, even after a long wait", async () => {
    const { store, begin } = openSessions();
    await store.gateway.reshard(ACCOUNT, 1, NOW - MINUTE_MS);
    await store.gateway.touchAlive(
      ACCOUNT,
      [{ shardId: 0, heardAt: NOW - MINUTE_MS }],
      NOW - MINUTE_MS,
    );
    await begin("a", NOW);
    assert.equal((await shardOf(store))?.catchUpFrom, undefined);
    await begin("b", NOW + 1);
    assert.notEqual((await shardOf(store))?.catchUpFrom, undefined);
  });

  it("[G6] opens no gap for the first sessions of several shards", async () => {
    const { store, begin } = openSessions();
    await store.gateway.reshard(ACCOUNT, 3, NOW);
    for (const shardId of [1, 0, 2]) await begin(`s${shardId}`, NOW + shardId, shardId);
    const { shards } = await store.gateway.loadAccount(ACCOUNT);
    assert.deepEqual(shards.map(({ shardId }) => shardId), [0, 1, 2]);
    assert.deepEqual(shards.map(({ catchUpFrom }) => catchUpFrom), Array(3).fill(undefined));
  });

  it("[G6] opens a gap from the newest stored message", async () => {
    const { store, begin } = openSessions();
    await begin("a", NOW);
    await store.inbox.acceptBatch(batch({ judged: [ignored(early)] }), NOW);
    assert.equal((await shardOf(store))?.catchUpFrom, undefined);
    await begin("b", NOW);
    assert.equal((await shardOf(store))?.catchUpFrom, early.sentAt);
  });

  it("[G6] opens the gap of the shard that lost its session, and of no other", async () => {
    const { store, begin } = openSessions();
    await begin("a", NOW, 0);
    await begin("b", NOW, 1);
    await begin("c", NOW + 1, 1);
    assert.equal((await shardOf(store, 0))?.catchUpFrom, undefined);
    assert.equal((await shardOf(store, 0))?.session?.sessionId, "a");
    assert.equal((await shardOf(store, 1))?.catchUpFrom, NOW);
  });

  it("[G6] moves the start of an open gap neither by messages nor by a second session", async () => {
    const { store, begin } = openSessions();
    await begin("a", NOW);
    await begin("b", NOW);
    await store.inbox.acceptBatch(batch({ judged: [ignored(late)] }), NOW);
    await begin("c", NOW + 1);
    assert.equal((await shardOf(store))?.catchUpFrom, NOW);
  });

  it("[G6] stores when the newest loss was discovered, regardless of the gap's start", async () => {
    const { store, begin } = openSessions();
    await begin("a", NOW);
    await store.inbox.acceptBatch(batch({ judged: [ignored(early)] }), NOW);
    assert.equal((await shardOf(store))?.lostAt, undefined, "the first loses nothing");
    await begin("b", NOW + 10);
    assert.equal((await shardOf(store))?.lostAt, NOW + 10);
    await store.inbox.acceptBatch(batch({ judged: [ignored(late)] }), NOW + 20);
    await store.gateway.touchAlive(ACCOUNT, [{ shardId: 0, heardAt: NOW + 30 }], NOW + 30);
    assert.equal((await shardOf(store))?.lostAt, NOW + 10, "nothing was lost since");
    await begin("c", NOW + 40);
    const { catchUpFrom, lostAt } = (await shardOf(store))!;
    assert.deepEqual({ catchUpFrom, lostAt }, { catchUpFrom: early.sentAt, lostAt: NOW + 40 });
  });

  it("[G5] restarts the sequence numbers, below those of the lost session", async () => {
    const { store, begin } = openSessions();
    await begin("a", NOW);
    await store.inbox.acceptBatch(batch({ heard: heard(900) }), NOW);
    await begin("b", NOW);
    await store.inbox.acceptBatch(batch({ heard: heard(2) }), NOW);
    const stored = (await shardOf(store))?.session;
    assert.equal(stored?.sessionId, "b");
    assert.equal(stored?.seq, 2);
  });
});

describe("prepareAdvanceSession()", () => {
  it("[G5] advances the shard of a batch, and no other", async () => {
    const { store, begin } = openSessions();
    for (const shardId of [0, 1]) await begin("a", NOW, shardId);
    const before = await shardOf(store, 0);
    await store.inbox.acceptBatch(batch({ heard: heard(7, 1), judged: [ignored(early)] }), NOW + 5);
    assert.deepEqual(await shardOf(store, 0), before);
    sameData(await shardOf(store, 1), {
      shardId: 1,
      session: { ...session("a", 7), startedAt: NOW, aliveAt: NOW + 5 },
      storedUpTo: early.sentAt,
      aliveAt: NOW + 5,
    });
  });

  it("[G6] changes no progress for messages read over REST", async () => {
    const { store, begin } = openSessions();
    await begin("a", NOW);
    await begin("b", NOW + 1);
    const before = await store.gateway.loadAccount(ACCOUNT);
    await store.inbox.acceptBatch(found({ judged: [ignored(late)] }), NOW + 2 * MINUTE_MS);
    assert.deepEqual(await store.gateway.loadAccount(ACCOUNT), before);
  });

  const ahead: readonly [what: string, aheadMs: number, isSetBack: boolean][] = [
    ["a minute, as a message may be late", MINUTE_MS, false],
    ["more than a minute", MINUTE_MS + 1, true],
    ["a year", 525_600 * MINUTE_MS, true],
  ];
  for (const [what, aheadMs, isSetBack] of ahead) {
    it(`[G6] ${isSetBack ? "does not believe" : "keeps"} a clock that is ahead by ${what}`, async () => {
      const { store, begin } = openSessions();
      const began = early.sentAt + aheadMs;
      await begin("a", began);
      await store.inbox.acceptBatch(batch({ judged: [ignored(early)] }), began);
      const upTo = isSetBack ? early.sentAt : began;
      assert.equal((await shardOf(store))?.storedUpTo, upTo);
      await begin("b", began);
      assert.equal((await shardOf(store))?.catchUpFrom, upTo);
    });
  }

  it("[G6] stores the time of a batch's newest message", async () => {
    const { store, begin } = openSessions();
    await begin("a", late.sentAt);
    await store.inbox.acceptBatch(batch({ judged: [ignored(late), ignored(early)] }), late.sentAt);
    assert.equal((await shardOf(store))?.storedUpTo, late.sentAt);
  });

  it("[G6] never goes back for a batch without messages, or one read over REST", async () => {
    const { store, begin } = openSessions();
    await begin("a", late.sentAt);
    await store.inbox.acceptBatch(batch({ heard: heard(2) }), late.sentAt);
    assert.equal((await shardOf(store))?.storedUpTo, late.sentAt, "without a message");
    await store.inbox.acceptBatch(found({ judged: [ignored(early)] }), late.sentAt);
    assert.equal((await shardOf(store))?.storedUpTo, late.sentAt, "read over REST");
    await store.inbox.acceptBatch(
      batch({ heard: heard(3), judged: [ignored(early)] }),
      late.sentAt,
    );
    assert.equal((await shardOf(store))?.storedUpTo, late.sentAt, "stored before");
  });

  it("[G6] sets back only the shard of the message, and no open gap", async () => {
    const { store, begin } = openSessions();
    for (const shardId of [0, 1]) await begin("a", late.sentAt, shardId);
    await begin("b", late.sentAt + 1, 1);
    const before = await shardOf(store, 0);
    await store.inbox.acceptBatch(
      batch({ heard: heard(7, 1), judged: [ignored(early)] }),
      late.sentAt + 2,
    );
    assert.deepEqual(await shardOf(store, 0), before);
    const { storedUpTo, catchUpFrom, lostAt } = (await shardOf(store, 1))!;
    assert.deepEqual({ storedUpTo, catchUpFrom, lostAt }, {
      storedUpTo: early.sentAt,
      catchUpFrom: late.sentAt,
      lostAt: late.sentAt + 1,
    });
  });

  it("[G13] stores when a session was last alive, to the minute", async () => {
    const { store, begin } = openSessions();
    await begin("a", NOW);
    const noted: (number | undefined)[] = [];
    for (const by of [MINUTE_MS, MINUTE_MS + 1, MINUTE_MS + 2, 3 * MINUTE_MS, MINUTE_MS]) {
      await store.inbox.acceptBatch(batch(), NOW + by);
      noted.push((await store.gateway.loadAccount(ACCOUNT)).readyAt! - NOW);
    }
    const after = [0, MINUTE_MS + 1, MINUTE_MS + 1, 3 * MINUTE_MS, 3 * MINUTE_MS];
    assert.deepEqual(noted, after);
  });
});

describe("touchAlive()", () => {
  it("[G5] stores the shards' signs of life, and returns the duration", async () => {
    const ticks = [100, 107];
    const { store } = openTestStore({ elapsed: () => ticks.shift()! });
    for (const shardId of [0, 1, 2]) {
      await store.gateway.startSession(ACCOUNT, shardId, session("a"), SELF, NOW);
    }
    const signs = [{ shardId: 0, heardAt: NOW + 50 }, { shardId: 2, heardAt: NOW - 50 }];
    assert.equal(await store.gateway.touchAlive(ACCOUNT, signs, NOW + 60), 7);
    const { shards } = await store.gateway.loadAccount(ACCOUNT);
    assert.deepEqual(shards.map(({ aliveAt }) => aliveAt), [NOW + 50, NOW, NOW]);
    assert.equal(shards[0]?.session?.aliveAt, NOW + 50);
  });

  it("[G5] creates no session for a shard that never had one", async () => {
    const { store } = openTestStore();
    await store.gateway.touchAlive(ACCOUNT, [{ shardId: 0, heardAt: NOW }], NOW);
    assert.deepEqual(await store.gateway.loadAccount(ACCOUNT), { shards: [] });
  });

  it("[X2] writes a change for each probe, even without signs of life or a new time", async () => {
    const { store, rows } = openTestStore();
    await store.gateway.startRun({ runId: "this", startedAt: NOW });
    const seen = new Set<string>();
    for (let time = 0; time < 3; time++) {
      await store.gateway.touchAlive(ACCOUNT, [], NOW, true);
      seen.add(JSON.stringify(rows("SELECT * FROM account")));
    }
    assert.equal(seen.size, 3);
  });

  it("[X2] rejects if it cannot write", async () => {
    const { database, store } = openTestStore();
    database.exec("PRAGMA query_only = ON");
    await assert.rejects(store.gateway.touchAlive(ACCOUNT, [], NOW), {
      name: "StoreError",
      kind: "unavailable",
    });
  });

  it("[G5b] waits for the disk for a probe, and otherwise not", async () => {
    const { database, store } = openTestStore();
    const statements: string[] = [];
    const exec = database.exec.bind(database);
    database.exec = (sql) => {
      statements.push(sql);
      exec(sql);
    };
    await store.gateway.touchAlive(ACCOUNT, [], NOW);
    await store.gateway.touchAlive(ACCOUNT, [], NOW, true);
    assert.deepEqual(statements, ["PRAGMA synchronous = normal", "PRAGMA synchronous = full"]);
  });
});

describe("saveIntents()", () => {
  it("[G9] keeps the intents of an account's sessions", async () => {
    const { store } = openTestStore();
    await store.gateway.saveIntents(ACCOUNT, 7);
    await store.gateway.saveIntents(ACCOUNT, 0);
    sameData(await store.gateway.loadAccount(ACCOUNT), { intents: 0, shards: [] });
    await store.gateway.adoptPeer(ACCOUNT, "one");
    await store.gateway.adoptPeer(ACCOUNT, "another");
    assert.equal((await store.gateway.loadAccount(ACCOUNT)).intents, undefined);
  });
});
