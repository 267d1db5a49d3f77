import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { SPACING_MS } from "../../../src/core/discord/gateway.ts";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import type { Self } from "../../../src/core/inbound/inbound.ts";
import type { Store } from "../../../src/store/store.ts";
import { ACCOUNT, guildMessage, messageId, userId } from "../../support/discord/builders.ts";
import { sameData } from "../../support/same_data.ts";
import { openStore } from "../../support/store/open_database.ts";
import { batch, found, ignored, openTestStore } from "../../support/store/store.ts";
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
  const begin = (sessionId: string, at: number) =>
    test.store.gateway.startSession(ACCOUNT, session(sessionId), SELF, at);
  return { ...test, begin };
}

const kept = async (store: Store) => (await store.gateway.loadAccount(ACCOUNT)).connection;

describe("startSession()", () => {
  it("[G5] stores the session, the bot's identity and a sign of life", async () => {
    const { store } = openTestStore();
    await store.gateway.startSession(ACCOUNT, session("a", 3), SELF, NOW);
    sameData(await store.gateway.loadAccount(ACCOUNT), {
      self: SELF,
      connection: {
        session: { ...session("a", 3), startedAt: NOW, aliveAt: NOW },
        storedUpTo: NOW,
        aliveAt: NOW,
      },
    });
  });

  it("[G6] opens no gap for the very first session, even after a long wait", async () => {
    const { store, begin } = openSessions();
    await store.gateway.touchAlive(ACCOUNT, NOW - MINUTE_MS, NOW - MINUTE_MS);
    await begin("a", NOW);
    assert.equal((await kept(store))?.catchUpFrom, undefined);
    await begin("b", NOW + 1);
    assert.notEqual((await kept(store))?.catchUpFrom, undefined);
  });

  it("[G6] opens a gap from the newest stored message", async () => {
    const { store, begin } = openSessions();
    await begin("a", NOW);
    await store.inbox.acceptBatch(batch({ judged: [ignored(early)] }), NOW);
    assert.equal((await kept(store))?.catchUpFrom, undefined);
    await begin("b", NOW);
    assert.equal((await kept(store))?.catchUpFrom, early.sentAt);
  });

  it("[G6] moves the start of an open gap neither by messages nor by a second session", async () => {
    const { store, begin } = openSessions();
    await begin("a", NOW);
    await begin("b", NOW);
    await store.inbox.acceptBatch(batch({ judged: [ignored(late)] }), NOW);
    await begin("c", NOW + 1);
    assert.equal((await kept(store))?.catchUpFrom, NOW);
  });

  it("[G6] stores when the newest loss was discovered, regardless of the gap's start", async () => {
    const { store, begin } = openSessions();
    await begin("a", NOW);
    await store.inbox.acceptBatch(batch({ judged: [ignored(early)] }), NOW);
    assert.equal((await kept(store))?.lostAt, undefined, "the first loses nothing");
    await begin("b", NOW + 10);
    assert.equal((await kept(store))?.lostAt, NOW + 10);
    await store.inbox.acceptBatch(batch({ judged: [ignored(late)] }), NOW + 20);
    await store.gateway.touchAlive(ACCOUNT, NOW + 30, NOW + 30);
    assert.equal((await kept(store))?.lostAt, NOW + 10, "nothing was lost since");
    await begin("c", NOW + 40);
    const { catchUpFrom, lostAt } = (await kept(store))!;
    assert.deepEqual({ catchUpFrom, lostAt }, { catchUpFrom: early.sentAt, lostAt: NOW + 40 });
  });

  it("[G5] restarts the sequence numbers, below those of the lost session", async () => {
    const { store, begin } = openSessions();
    await begin("a", NOW);
    await store.inbox.acceptBatch(batch({ heard: 900 }), NOW);
    await begin("b", NOW);
    await store.inbox.acceptBatch(batch({ heard: 2 }), NOW);
    const stored = (await kept(store))?.session;
    assert.equal(stored?.sessionId, "b");
    assert.equal(stored?.seq, 2);
  });
});

describe("acceptBatch()", () => {
  it("[G5] advances the session of a batch", async () => {
    const { store, begin } = openSessions();
    await begin("a", NOW);
    await store.inbox.acceptBatch(batch({ heard: 7, judged: [ignored(early)] }), NOW + 5);
    sameData(await kept(store), {
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
      assert.equal((await kept(store))?.storedUpTo, upTo);
      await begin("b", began);
      assert.equal((await kept(store))?.catchUpFrom, upTo);
    });
  }

  it("[G6] never goes back for a batch without messages, or one read over REST", async () => {
    const { store, begin } = openSessions();
    await begin("a", late.sentAt);
    await store.inbox.acceptBatch(batch({ heard: 2 }), late.sentAt);
    assert.equal((await kept(store))?.storedUpTo, late.sentAt, "without a message");
    await store.inbox.acceptBatch(found({ judged: [ignored(early)] }), late.sentAt);
    assert.equal((await kept(store))?.storedUpTo, late.sentAt, "read over REST");
    await store.inbox.acceptBatch(
      batch({ heard: 3, judged: [ignored(early)] }),
      late.sentAt,
    );
    assert.equal((await kept(store))?.storedUpTo, late.sentAt, "stored before");
  });
});

it("[G5] touchAlive() › stores the newest sign of life, and returns the duration", async () => {
  const ticks = [100, 107, 110, 110];
  const { store } = openTestStore({ elapsed: () => ticks.shift()! });
  await store.gateway.startSession(ACCOUNT, session("a"), SELF, NOW);
  assert.equal(await store.gateway.touchAlive(ACCOUNT, NOW + 50, NOW + 60), 7);
  await store.gateway.touchAlive(ACCOUNT, NOW - 50, NOW + 70);
  const { aliveAt, session: stored } = (await kept(store))!;
  assert.deepEqual([aliveAt, stored?.aliveAt], [NOW + 50, NOW + 50]);
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
    await store.gateway.startSession(ACCOUNT, runsSession("a"), SELF, SINCE + 1);
    await store.gateway.touchAlive(ACCOUNT, SINCE + 60, SINCE + 60);
    const alive = async () => (await store.gateway.runs(0)).map(({ aliveAt }) => aliveAt - SINCE);
    assert.deepEqual(await alive(), [60]);
    assert.equal((await store.gateway.runsAround(SINCE + 60)).before?.aliveAt, SINCE + 60);
    const last = await store.gateway.startRun({ runId: "this", startedAt: SINCE + 100 });
    assert.equal(last?.aliveAt, SINCE + 60);
    await store.gateway.touchAlive(ACCOUNT, SINCE + 160, SINCE + 160);
    assert.deepEqual(await alive(), [60, 160]);
    await store.gateway.touchAlive(ACCOUNT, SINCE + 160, SINCE + 220);
    assert.deepEqual(await alive(), [60, 220], "a run without a gateway lives, too");
  });

  it("[O9] lists the runs that lived since a time, oldest first", async () => {
    const { store } = openTestStore();
    for (const [index, runId] of ["a", "b", "c"].entries()) {
      await store.gateway.startRun({ runId, startedAt: SINCE + index * 100 });
      await store.gateway.touchAlive(ACCOUNT, undefined, SINCE + index * 100 + 50);
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
    await store.gateway.touchAlive(ACCOUNT, undefined, SINCE + 150_000);
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

describe("[G6] the first IDENTIFY", () => {
  const begin = async (store: Store, at: number) => {
    const session = { sessionId: `at ${at}`, resumeUrl: "wss://resume", seq: 1 };
    await store.gateway.startSession(ACCOUNT, session, SELF, at);
  };
  const gapOf = async (store: Store) => {
    const { session, catchUpFrom, storedUpTo } = (await kept(store)) ?? {};
    return [session?.sessionId, catchUpFrom, storedUpTo];
  };

  it("leaves no gap before the session that follows it", async () => {
    const { store } = openTestStore();
    await store.gateway.takeIdentify(ACCOUNT, LATER);
    assert.deepEqual(await gapOf(store), [undefined, undefined, LATER]);
    await begin(store, LATER + 300);
    assert.deepEqual(await gapOf(store), [`at ${LATER + 300}`, undefined, LATER + 300]);
    await store.gateway.takeIdentify(ACCOUNT, LATER + 9_000);
    assert.deepEqual(await gapOf(store), [`at ${LATER + 300}`, undefined, LATER + 300]);
  });

  it("begins a gap if no session was stored before the next one", async () => {
    const { store } = openTestStore();
    await store.gateway.takeIdentify(ACCOUNT, LATER);
    for (const at of [LATER + 9_000, LATER + 20_000]) {
      await store.gateway.takeIdentify(ACCOUNT, at);
      assert.deepEqual(await gapOf(store), [undefined, LATER, LATER]);
    }
    await begin(store, LATER + 20_300);
    assert.deepEqual(await gapOf(store), [`at ${LATER + 20_300}`, LATER, LATER]);
  });

  it("is forgotten if Discord refuses it, unless the bot was online before", async () => {
    const { store } = openTestStore();
    await store.gateway.takeIdentify(ACCOUNT, LATER);
    await store.gateway.takeIdentify(ACCOUNT, LATER + 9_000);
    await store.gateway.forgetRefused(ACCOUNT);
    assert.equal(await kept(store), undefined);
    await begin(store, LATER + 20_000);
    await store.gateway.endSession(ACCOUNT, LATER + 30_000);
    await store.gateway.forgetRefused(ACCOUNT);
    assert.deepEqual(await gapOf(store), [undefined, LATER + 20_000, LATER + 20_000]);
  });
});

describe("takeIdentify()", () => {
  it("[G5] records granted IDENTIFYs, and no others", async () => {
    const { store, rows } = openTestStore();
    assert.deepEqual(await store.gateway.takeIdentify(ACCOUNT, LATER), GRANTED);
    assert.deepEqual(await store.gateway.takeIdentify(ACCOUNT, LATER + 1), {
      kind: "wait",
      untilMs: LATER + SPACING_MS,
      why: "spacing",
    });
    assert.deepEqual(rows("SELECT account_id, at FROM identify"), [
      { account_id: "default", at: LATER },
    ]);
    sameData(await store.gateway.identifyBudget(ACCOUNT, LATER + 1), { left: 999 });
  });

  it("[G5] grants one of simultaneous requests", async () => {
    const { store } = openTestStore();
    const asked = [0, 1, 2].map(() => store.gateway.takeIdentify(ACCOUNT, LATER));
    const kinds = (await Promise.all(asked)).map(({ kind }) => kind);
    assert.deepEqual(kinds, ["granted", "wait", "wait"]);
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
    await store.gateway.takeIdentify(ACCOUNT, LATER);
    assert.deepEqual(statements, ["PRAGMA synchronous = normal", "PRAGMA synchronous = full"]);
  });

  it("[G5] grants no IDENTIFY that it cannot record", async () => {
    const { database, store } = openTestStore();
    database.exec("PRAGMA query_only = ON");
    await assert.rejects(store.gateway.takeIdentify(ACCOUNT, LATER), { name: "StoreError" });
  });

  it("[G5] counts across restarts, in the file", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    for (let start = 0; start < 3; start++) {
      const now = LATER + start * SPACING_MS;
      const store = openStore(path, { now, elapsed: () => 0 });
      sameData(await store.gateway.identifyBudget(ACCOUNT, now), { left: 1_000 - start });
      assert.deepEqual(await store.gateway.takeIdentify(ACCOUNT, now), GRANTED);
      store.close();
    }
  });
});
