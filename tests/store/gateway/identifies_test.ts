import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { type SessionStartLimit, SPACING_MS } from "../../../src/core/discord/gateway.ts";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import type { Self } from "../../../src/core/inbound/inbound.ts";
import { createStore, openStore } from "../../support/store/open_database.ts";
import { ACCOUNT, userId } from "../../support/discord/builders.ts";
import { openTestStore } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import type { Store } from "../../../src/store/store.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = Date.UTC(2026, 0, 2);
const ALLOWED = 950;

const GRANTED = { kind: "granted" } as const;

function answer(fields: Partial<SessionStartLimit> = {}) {
  const limit = { total: 1_000, remaining: 1_000, resetAfterMs: DAY_MS, maxConcurrency: 1 };
  return { url: "wss://one", shards: 1, limit: { ...limit, readAt: NOW, ...fields } };
}

const SELF: Self = {
  userId: userId("91"),
  applicationId: parseSnowflake<"application">("92")!,
  username: "barnacle",
};

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
    await store.gateway.takeIdentify(ACCOUNT, 0, NOW);
    assert.deepEqual(await shardsOf(store), [[undefined, undefined, NOW]]);
    await begin(store, NOW + 300);
    assert.deepEqual(await shardsOf(store), [[`at ${NOW + 300}`, undefined, NOW + 300]]);
    await store.gateway.takeIdentify(ACCOUNT, 0, NOW + 9_000);
    assert.deepEqual(await shardsOf(store), [[`at ${NOW + 300}`, undefined, NOW + 300]]);
  });

  it("begins a gap if no session was stored before the next one", async () => {
    const { store } = openTestStore();
    await store.gateway.takeIdentify(ACCOUNT, 0, NOW);
    for (const at of [NOW + 9_000, NOW + 20_000]) {
      await store.gateway.takeIdentify(ACCOUNT, 0, at);
      assert.deepEqual(await shardsOf(store), [[undefined, NOW, NOW]]);
    }
    await begin(store, NOW + 20_300);
    assert.deepEqual(await shardsOf(store), [[`at ${NOW + 20_300}`, NOW, NOW]]);
  });

  it("begins a gap if the number of shards changes before a session was stored", async () => {
    const { store } = openTestStore();
    await store.gateway.takeIdentify(ACCOUNT, 0, NOW);
    await store.gateway.reshard(ACCOUNT, 2, NOW + 9_000);
    assert.deepEqual(await shardsOf(store), [[undefined, NOW, NOW], [undefined, NOW, NOW]]);
  });

  it("is forgotten if Discord refuses it, unless the bot was online before", async () => {
    const { store } = openTestStore();
    await store.gateway.takeIdentify(ACCOUNT, 0, NOW);
    await store.gateway.takeIdentify(ACCOUNT, 0, NOW + 9_000);
    await store.gateway.forgetRefused(ACCOUNT);
    assert.deepEqual(await shardsOf(store), []);
    await begin(store, NOW + 20_000);
    await store.gateway.reshard(ACCOUNT, 1, NOW + 30_000);
    await store.gateway.forgetRefused(ACCOUNT);
    assert.deepEqual(await shardsOf(store), [[undefined, NOW + 20_000, NOW + 20_000]]);
  });
});

describe("takeIdentify()", () => {
  it("[G5] records granted IDENTIFYs, and no others", async () => {
    const { store, rows } = openTestStore();
    assert.deepEqual(await store.gateway.takeIdentify(ACCOUNT, 3, NOW), GRANTED);
    assert.deepEqual(await store.gateway.takeIdentify(ACCOUNT, 0, NOW + 1), {
      kind: "wait",
      untilMs: NOW + SPACING_MS,
      why: "spacing",
    });
    assert.deepEqual(rows("SELECT account_id, shard_id, at FROM identify"), [
      { account_id: "default", shard_id: 3, at: NOW },
    ]);
    sameData(await store.gateway.identifyBudget(ACCOUNT, NOW + 1), { left: 999 });
  });

  it("[G5] grants simultaneous requests up to Discord's concurrency", async () => {
    const { store } = openTestStore();
    await store.gateway.saveGateway(ACCOUNT, answer({ maxConcurrency: 2 }), NOW);
    const answers = await Promise.all(
      [0, 1, 2, 3].map((shardId) => store.gateway.takeIdentify(ACCOUNT, shardId, NOW)),
    );
    assert.deepEqual(answers.map(({ kind }) => kind), ["granted", "granted", "wait", "wait"]);
    sameData(await store.gateway.identifyBudget(ACCOUNT, NOW), { left: 998 });
  });

  it("[G5] waits for the disk before it grants", async () => {
    const { database, store } = openTestStore();
    const statements: string[] = [];
    const exec = database.exec.bind(database);
    database.exec = (sql) => {
      statements.push(sql);
      exec(sql);
    };
    await store.gateway.saveApplication(ACCOUNT, { flags: 0 }, NOW);
    await store.gateway.takeIdentify(ACCOUNT, 0, NOW);
    assert.deepEqual(statements, ["PRAGMA synchronous = normal", "PRAGMA synchronous = full"]);
  });

  it("[G5] grants no IDENTIFY that it cannot record", async () => {
    const { database, store } = openTestStore();
    database.exec("PRAGMA query_only = ON");
    await assert.rejects(store.gateway.takeIdentify(ACCOUNT, 0, NOW), { name: "StoreError" });
  });

  it("[G5] counts across restarts, in the file", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    for (let start = 0; start < 3; start++) {
      const now = NOW + start * SPACING_MS;
      const store = openStore(path, { now, elapsed: () => 0 });
      sameData(await store.gateway.identifyBudget(ACCOUNT, now), { left: 1_000 - start });
      assert.deepEqual(await store.gateway.takeIdentify(ACCOUNT, 0, now), GRANTED);
      store.close();
    }
  });

  it("[G5] stops a crash loop at the reserve, and lets it continue as the day passes", async () => {
    const { database, store: first } = openTestStore();
    let store: Store = first;
    const granted: number[] = [];
    let now = NOW;
    while (granted.length < ALLOWED + 20) {
      // A process that requests some IDENTIFYs, and dies.
      if (granted.length % 19 === 0) {
        store = createStore(database, ":memory:", { elapsed: () => 0 });
      }
      const answer = await store.gateway.takeIdentify(ACCOUNT, 0, now);
      if (answer.kind === "granted") {
        granted.push(now);
        now += 6_000;
      } else {
        assert.equal(answer.why, "budget");
        assert.deepEqual(await store.gateway.identifyBudget(ACCOUNT, now), {
          left: 50,
          heldUntil: answer.untilMs,
        });
        assert.equal(await store.gateway.identifyInMs(ACCOUNT, 0, now), answer.untilMs - now);
        now = answer.untilMs;
      }
    }
    for (const [index, at] of granted.slice(ALLOWED).entries()) {
      assert.equal(at - granted[index]!, DAY_MS);
    }
  });

  it("[G5] counts other processes' IDENTIFYs until the reset, as Discord reports", async () => {
    const { store } = openTestStore();
    await store.gateway.saveGateway(ACCOUNT, answer({ remaining: 51, resetAfterMs: 60_000 }), NOW);
    assert.deepEqual(await store.gateway.takeIdentify(ACCOUNT, 0, NOW + 1), GRANTED);
    const untilMs = NOW + 60_000;
    assert.deepEqual(await store.gateway.takeIdentify(ACCOUNT, 0, NOW + 20_000), {
      kind: "wait",
      untilMs,
      why: "budget",
    });
    assert.deepEqual(await store.gateway.takeIdentify(ACCOUNT, 0, untilMs), GRANTED);
  });

  it("[G5] keeps the records of the day after the clock ran ahead for a while", async () => {
    const { store } = openTestStore();
    for (let at = 0; at < 3; at++) {
      await store.gateway.takeIdentify(ACCOUNT, 0, NOW + at * SPACING_MS);
    }
    const ahead = NOW + 400 * DAY_MS;
    assert.deepEqual(await store.gateway.takeIdentify(ACCOUNT, 0, ahead), GRANTED);
    sameData(await store.gateway.identifyBudget(ACCOUNT, NOW + 60_000), { left: 996 });
  });

  it("[G5] counts records from a clock ahead for one day, not longer", async () => {
    const { store } = openTestStore();
    const ahead = NOW + 400 * DAY_MS;
    await store.gateway.saveGateway(ACCOUNT, answer({ readAt: ahead, remaining: 60 }), ahead);
    await store.gateway.takeIdentify(ACCOUNT, 0, ahead);
    const next = await store.gateway.takeIdentify(ACCOUNT, 0, NOW);
    assert.deepEqual(next, { kind: "wait", untilMs: NOW + SPACING_MS, why: "spacing" });
    assert.deepEqual(await store.gateway.takeIdentify(ACCOUNT, 0, NOW + SPACING_MS), GRANTED);
    sameData(await store.gateway.identifyBudget(ACCOUNT, NOW + SPACING_MS), { left: 58 });
    sameData(await store.gateway.identifyBudget(ACCOUNT, NOW + DAY_MS), { left: 999 });
  });
});
