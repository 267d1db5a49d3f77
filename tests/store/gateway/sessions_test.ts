import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import type { Self } from "../../../src/core/inbound/inbound.ts";
import { ACCOUNT, guildMessage, messageId, userId } from "../../support/discord/builders.ts";
import { batch, found, heard, ignored, openTestStore } from "../../support/store/store.ts";
import type { StoredShard } from "../../../src/store/gateway/gateway.ts";
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
});
