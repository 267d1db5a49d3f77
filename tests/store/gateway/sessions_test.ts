import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type SessionStartLimit, SPACING_MS } from "../../../src/core/discord/gateway.ts";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import type { Self } from "../../../src/core/inbound/inbound.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import type { StoredShard } from "../../../src/store/gateway/gateway.ts";
import type { Store } from "../../../src/store/store.ts";
import { ACCOUNT, guildMessage, messageId, userId } from "../../support/discord/builders.ts";
import { sameData } from "../../support/same_data.ts";
import { openStore } from "../../support/store/open_database.ts";
import { batch, found, heard, ignored, openTestStore } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

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
});

it("[G5] touchAlive() › stores the shards' signs of life, and returns the duration", async () => {
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

const SINCE = Date.UTC(2026, 0, 1);
const runsSession = (sessionId: string) => ({ sessionId, resumeUrl: "wss://resume", seq: 1 });

describe("createRuns()", () => {
  it("[O9] returns the run before a new one, and none for the first", async () => {
    const { store } = openTestStore();
    assert.equal(
      await store.gateway.startRun({ runId: "a", startedAt: SINCE, bootId: "boot" }),
      undefined,
    );
    await store.gateway.endRun("a", "stopped", SINCE + 5);
    assert.deepEqual(await store.gateway.startRun({ runId: "b", startedAt: SINCE + 10 }), {
      startedAt: SINCE,
      aliveAt: SINCE + 5,
      bootId: "boot",
      ending: "stopped",
    });
    sameData(await store.gateway.startRun({ runId: "c", startedAt: SINCE + 20 }), {
      startedAt: SINCE + 10,
      aliveAt: SINCE + 10,
    });
  });

  it("[O9] counts a runsSession's sign of life for the current run", async () => {
    const { store } = openTestStore();
    await store.gateway.startRun({ runId: "killed", startedAt: SINCE });
    await store.gateway.startSession(ACCOUNT, 0, runsSession("a"), SELF, SINCE + 1);
    await store.gateway.touchAlive(ACCOUNT, [{ shardId: 0, heardAt: SINCE + 60 }], SINCE + 60);
    const alive = async () => (await store.gateway.runs(0)).map(({ aliveAt }) => aliveAt - SINCE);
    assert.deepEqual(await alive(), [60]);
    assert.equal((await store.gateway.runsAround(SINCE + 60)).before?.aliveAt, SINCE + 60);
    const last = await store.gateway.startRun({ runId: "this", startedAt: SINCE + 100 });
    assert.equal(last?.aliveAt, SINCE + 60);
    await store.gateway.touchAlive(ACCOUNT, [{ shardId: 0, heardAt: SINCE + 160 }], SINCE + 160);
    assert.deepEqual(await alive(), [60, 160]);
    await store.gateway.touchAlive(ACCOUNT, [{ shardId: 0, heardAt: SINCE + 160 }], SINCE + 220);
    assert.deepEqual(await alive(), [60, 220], "a run without a gateway lives, too");
  });

  it("[O9] lists the runs that lived since a time, oldest first", async () => {
    const { store } = openTestStore();
    for (const [index, runId] of ["a", "b", "c"].entries()) {
      await store.gateway.startRun({ runId, startedAt: SINCE + index * 100 });
      await store.gateway.touchAlive(ACCOUNT, [], SINCE + index * 100 + 50);
    }
    const names = async (since: number) =>
      (await store.gateway.runs(since)).map(({ runId }) => runId);
    assert.deepEqual(await names(SINCE + 150), ["b", "c"]);
    assert.deepEqual(await names(SINCE + 151), ["c"]);
    assert.deepEqual(await names(SINCE + 251), []);
  });
});

describe("runsAround()", () => {
  async function open() {
    const { store } = openTestStore();
    await store.gateway.startRun({ runId: "stopped", startedAt: SINCE });
    await store.gateway.endRun("stopped", "stopped", SINCE + 50_000);
    await store.gateway.startRun({ runId: "killed", startedAt: SINCE + 100_000 });
    await store.gateway.touchAlive(ACCOUNT, [], SINCE + 150_000);
    await store.gateway.startRun({ runId: "this", startedAt: SINCE + 600_000 });
    return async (at: number) => {
      const { wasRunning, before, after } = await store.gateway.runsAround(SINCE + at);
      return [before?.runId, wasRunning, after?.runId];
    };
  }

  it("[P1] knows the first start after any number of others, and which runs it has forgotten", async () => {
    const { store } = openTestStore();
    for (let number = 0; number < 200; number++) {
      const run = { runId: `run ${number}`, startedAt: SINCE + number * 1_000 };
      await store.gateway.startRun(run);
      await store.gateway.endRun(run.runId, "stopped", run.startedAt + 500);
    }
    const around = async (at: number) => {
      const { before, after, isForgotten } = await store.gateway.runsAround(SINCE + at);
      return [before?.runId, after?.runId, isForgotten];
    };
    assert.deepEqual(await around(-1), [undefined, "run 0", false]);
    assert.deepEqual(await around(400), ["run 0", "run 150", false]);
    assert.deepEqual(await around(90_700), ["run 0", "run 150", true]);
    assert.deepEqual(await around(160_700), ["run 160", "run 161", false]);
  });

  it("[P1] tells whether Barnacle ran at a time, with the runs before and after", async () => {
    const around = await open();
    type Around = [before: string | undefined, wasRunning: boolean, after: string | undefined];
    const TABLE: readonly (readonly [at: number, expected: Around])[] = [
      [-1, [undefined, false, "stopped"]],
      [0, ["stopped", true, "killed"]],
      [50_000, ["stopped", true, "killed"]],
      [50_001, ["stopped", false, "killed"]],
      [100_000, ["killed", true, "this"]],
      [465_000, ["killed", true, "this"]], // an idle one says so every five minutes only
      [465_001, ["killed", false, "this"]],
      [600_000, ["this", true, undefined]],
    ];
    for (const [at, expected] of TABLE) assert.deepEqual(await around(at), expected, String(at));
  });
});

const LATER = Date.UTC(2026, 0, 2);
const GRANTED = { kind: "granted" } as const;

function answer(fields: Partial<SessionStartLimit> = {}) {
  const limit = { total: 1_000, remaining: 1_000, resetAfterMs: DAY_MS, maxConcurrency: 1 };
  return { url: "wss://one", shards: 1, limit: { ...limit, readAt: LATER, ...fields } };
}

describe("[G6] the first IDENTIFY of a shard", () => {
  const begin = async (store: Store, at: number) => {
    const session = { sessionId: `at ${at}`, resumeUrl: "wss://resume", seq: 1 };
    await store.gateway.startSession(ACCOUNT, 0, session, SELF, at);
  };
  const shardsOf = async (store: Store) =>
    (await store.gateway.loadAccount(ACCOUNT)).shards.map((shard) => [
      shard.session?.sessionId,
      shard.catchUpFrom,
      shard.storedUpTo,
    ]);

  it("leaves no gap before the session that follows it", async () => {
    const { store } = openTestStore();
    await store.gateway.takeIdentify(ACCOUNT, 0, LATER);
    assert.deepEqual(await shardsOf(store), [[undefined, undefined, LATER]]);
    await begin(store, LATER + 300);
    assert.deepEqual(await shardsOf(store), [[`at ${LATER + 300}`, undefined, LATER + 300]]);
    await store.gateway.takeIdentify(ACCOUNT, 0, LATER + 9_000);
    assert.deepEqual(await shardsOf(store), [[`at ${LATER + 300}`, undefined, LATER + 300]]);
  });

  it("begins a gap if no session was stored before the next one", async () => {
    const { store } = openTestStore();
    await store.gateway.takeIdentify(ACCOUNT, 0, LATER);
    for (const at of [LATER + 9_000, LATER + 20_000]) {
      await store.gateway.takeIdentify(ACCOUNT, 0, at);
      assert.deepEqual(await shardsOf(store), [[undefined, LATER, LATER]]);
    }
    await begin(store, LATER + 20_300);
    assert.deepEqual(await shardsOf(store), [[`at ${LATER + 20_300}`, LATER, LATER]]);
  });

  it("begins a gap if the number of shards changes before a session was stored", async () => {
    const { store } = openTestStore();
    await store.gateway.takeIdentify(ACCOUNT, 0, LATER);
    await store.gateway.reshard(ACCOUNT, 2, LATER + 9_000);
    assert.deepEqual(await shardsOf(store), [[undefined, LATER, LATER], [undefined, LATER, LATER]]);
  });

  it("is forgotten if Discord refuses it, unless the bot was online before", async () => {
    const { store } = openTestStore();
    await store.gateway.takeIdentify(ACCOUNT, 0, LATER);
    await store.gateway.takeIdentify(ACCOUNT, 0, LATER + 9_000);
    await store.gateway.forgetRefused(ACCOUNT);
    assert.deepEqual(await shardsOf(store), []);
    await begin(store, LATER + 20_000);
    await store.gateway.reshard(ACCOUNT, 1, LATER + 30_000);
    await store.gateway.forgetRefused(ACCOUNT);
    assert.deepEqual(await shardsOf(store), [[undefined, LATER + 20_000, LATER + 20_000]]);
  });
});

describe("takeIdentify()", () => {
  it("[G5] records granted IDENTIFYs, and no others", async () => {
    const { store, rows } = openTestStore();
    assert.deepEqual(await store.gateway.takeIdentify(ACCOUNT, 3, LATER), GRANTED);
    assert.deepEqual(await store.gateway.takeIdentify(ACCOUNT, 0, LATER + 1), {
      kind: "wait",
      untilMs: LATER + SPACING_MS,
      why: "spacing",
    });
    assert.deepEqual(rows("SELECT account_id, shard_id, at FROM identify"), [
      { account_id: "default", shard_id: 3, at: LATER },
    ]);
    sameData(await store.gateway.identifyBudget(ACCOUNT, LATER + 1), { left: 999 });
  });

  it("[G5] grants simultaneous requests up to Discord's concurrency", async () => {
    const { store } = openTestStore();
    await store.gateway.saveGateway(ACCOUNT, answer({ maxConcurrency: 2 }), LATER);
    const answers = await Promise.all(
      [0, 1, 2, 3].map((shardId) => store.gateway.takeIdentify(ACCOUNT, shardId, LATER)),
    );
    assert.deepEqual(answers.map(({ kind }) => kind), ["granted", "granted", "wait", "wait"]);
    sameData(await store.gateway.identifyBudget(ACCOUNT, LATER), { left: 998 });
  });

  it("[G5] waits for the disk before it grants", async () => {
    const { database, store } = openTestStore();
    const statements: string[] = [];
    const exec = database.exec.bind(database);
    database.exec = (sql) => {
      statements.push(sql);
      exec(sql);
    };
    await store.gateway.saveApplication(ACCOUNT, { flags: 0 }, LATER);
    await store.gateway.takeIdentify(ACCOUNT, 0, LATER);
    assert.deepEqual(statements, ["PRAGMA synchronous = normal", "PRAGMA synchronous = full"]);
  });

  it("[G5] grants no IDENTIFY that it cannot record", async () => {
    const { database, store } = openTestStore();
    database.exec("PRAGMA query_only = ON");
    await assert.rejects(store.gateway.takeIdentify(ACCOUNT, 0, LATER), { name: "StoreError" });
  });

  it("[G5] counts across restarts, in the file", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    for (let start = 0; start < 3; start++) {
      const now = LATER + start * SPACING_MS;
      const store = openStore(path, { now, elapsed: () => 0 });
      sameData(await store.gateway.identifyBudget(ACCOUNT, now), { left: 1_000 - start });
      assert.deepEqual(await store.gateway.takeIdentify(ACCOUNT, 0, now), GRANTED);
      store.close();
    }
  });
});
