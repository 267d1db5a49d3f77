import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ChannelId } from "../../../src/core/discord/ids.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { factsOf, type KnownFacts } from "../../../src/core/inbound/facts.ts";
import type { Mention } from "../../../src/core/inbound/inbound.ts";
import type { Judged } from "../../../src/core/inbound/inbox.ts";
import type { Verdict } from "../../../src/core/inbound/verdict.ts";
import { prepareFactRows, preparePruneFacts } from "../../../src/store/received/fact_rows.ts";
import { preparePruner } from "../../../src/store/received/retention.ts";
import { transactNow } from "../../../src/store/database/transact.ts";
import { prepareVerdictBlocks } from "../../../src/store/received/verdict_blocks.ts";
import {
  ACCOUNT,
  channelId,
  guildMessage,
  guildPlace,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { openDatabase } from "../../support/store/open_database.ts";
import { accepted, batch, ignored, openTestStore } from "../../support/store/store.ts";
import { cases } from "../../support/long_form.ts";

const NOW = Date.UTC(2026, 0, 1);

/** The `number`th message, by one of many people. */
function said(number: number, by: number): Judged {
  const author = sender({ id: userId(String(500 + by)), username: `person-${by}` });
  return ignored(guildMessage({ id: messageId(String(1_000 + number)), sender: author }));
}

/** Usually the first value, so that two messages often differ in one fact only. */
function mostly<Value>(usual: Value, ...others: readonly Value[]): fc.Arbitrary<Value> {
  return fc.oneof(
    { weight: 8, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(usual, ...others) },
  );
}

/** Verdicts on two people in two places, whose objects are shared as decoding shares them, or not. */
const judgedOfTwo = fc.record({
  place: mostly(
    guildPlace(),
    guildPlace({ channel: { id: channelId("1400000000000000012"), name: "off-topic" } }),
  ),
  thread: mostly<ChannelId | undefined>(undefined, channelId("1400000000000000013")),
  author: mostly(sender(), sender({ id: userId("501"), username: "bob" })),
  isShared: mostly(true, false),
  text: mostly("krill", "more krill", "", "/new"),
  revision: mostly(0, 7),
  mention: mostly<Mention | undefined>(undefined, "user", "role"),
  mentionsOthers: mostly(false, true),
  isAnnouncement: mostly(false, true),
  verdict: mostly<Verdict>(
    { kind: "ignore", why: "no-mention", rule: "one", keepAsContext: true },
    { kind: "ignore", why: "no-mention", rule: "another", keepAsContext: true },
    { kind: "ignore", why: "not-owner", rule: "one", keepAsContext: false },
  ),
  knownFacts: mostly<KnownFacts | undefined>({}, undefined, { isMuted: true }),
  policyId: mostly<number | undefined>(undefined, 1, 2),
  isReplaced: mostly(false, true),
}).map(({ author, isShared, thread, mention, isAnnouncement, ...rest }): Judged => {
  const { verdict, knownFacts, policyId, isReplaced, ...words } = rest;
  return {
    verdict,
    message: guildMessage({
      ...words,
      sender: isShared ? author : { ...author },
      ...(thread && { channelId: thread }),
      ...(mention && { mention }),
      ...(isAnnouncement && { isAnnouncement }),
    }),
    ...(knownFacts && { knownFacts }),
    ...(policyId !== undefined && { policyId }),
    ...(isReplaced && !mention && { policyVerdict: accepted().verdict }),
  };
});

const factsIn = ({ message, knownFacts = {}, verdict }: Judged) =>
  JSON.stringify(factsOf(message, knownFacts, verdict));

const STORED =
  `SELECT f.why, f.rule, f.policy_row, f.facts FROM decision AS d JOIN fact AS f ON f.id = d.fact_row
  ORDER BY d.id`;
const FACTS = "SELECT id, generation, facts FROM fact ORDER BY id";

/** The rows as a process has them, over the rows of earlier processes. */
function openProcess(database: DatabaseSync, elapsed: () => number, max = 1_000) {
  const factRows = prepareFactRows(database, elapsed, max);
  const verdicts = prepareVerdictBlocks(database, factRows);
  return {
    factRows,
    /** Records messages in one block, and returns which were new. */
    record(...judged: readonly Judged[]): readonly boolean[] {
      const recording = verdicts.begin(ACCOUNT, NOW);
      const areNew = judged.map(recording.add);
      recording.end();
      return areNew;
    },
    replace: (judged: Judged) => verdicts.replace(judged, NOW),
    prune: preparePruneFacts(database, factRows),
    /** A transaction is undone. */
    forget() {
      factRows.forget();
      verdicts.forget();
    },
  };
}

function open({ max = 1_000 } = {}) {
  const database = openDatabase();
  const clock = { ms: 0 };
  const start = () => openProcess(database, () => clock.ms, max);
  const rows = (sql: string) => database.prepare(sql).all().map((row) => ({ ...row }));
  const generations = () => rows(FACTS).map(({ generation }) => generation);
  return { database, clock, start, ...start(), rows, generations };
}

describe("prepareFactRows()", () => {
  it("[P1] stores the same facts of many messages once", () => {
    const { record, rows } = open();
    for (let number = 0; number < 6; number++) record(said(number, number % 2));
    assert.deepEqual(rows(FACTS), [
      { id: 1, generation: 1, facts: factsIn(said(0, 0)) },
      { id: 2, generation: 1, facts: factsIn(said(1, 1)) },
    ]);
    const named = rows("SELECT fact_row FROM decision ORDER BY id").map((row) => row["fact_row"]);
    assert.deepEqual(named, [1, 2, 1, 2, 1, 2]);
  });

  it("[P1] stores facts separately that differ in one flag", () => {
    const { record, rows } = open();
    record(said(0, 0));
    record({ ...said(1, 0), knownFacts: { isMuted: true } });
    assert.equal(rows(FACTS).length, 2);
  });

  it("[P1] gives equal verdicts with equal facts one row, and others each their own", () => {
    const rowOf = ({ message, knownFacts = {}, verdict, policyVerdict, policyId }: Judged) => ({
      why: verdict.why,
      rule: verdict.rule,
      policy_row: policyId ?? null,
      facts: JSON.stringify(factsOf(message, knownFacts, verdict, policyVerdict)),
    });
    fc.assert(
      fc.property(fc.array(judgedOfTwo, { maxLength: 40 }), (all) => {
        const { record, rows } = open();
        const judged = all.map((one, at) => ({
          ...one,
          message: { ...one.message, id: messageId(String(1_000 + at)) },
        }));
        for (const one of judged) record(one);
        assert.deepEqual(rows(STORED), judged.map(rowOf));
        const different = new Set(judged.map((one) => JSON.stringify(rowOf(one))));
        assert.equal(rows(FACTS).length, different.size);
      }),
      { numRuns: cases(100, 5_000) },
    );
  });

  it("[X6] begins another generation when one is full", () => {
    const { record, generations } = open({ max: 2 });
    for (const by of [0, 1, 1, 2, 0]) record(said(by + generations().length * 10, by));
    assert.deepEqual(generations(), [1, 1, 3, 3]);
  });

  it("[X6] begins another generation after a day, and not before", () => {
    const { record, clock, generations } = open();
    record(said(0, 0));
    clock.ms = DAY_MS - 1;
    record(said(1, 0));
    assert.deepEqual(generations(), [1]);
    clock.ms = DAY_MS;
    record(said(2, 0));
    record(said(3, 0));
    assert.deepEqual(generations(), [1, 2]);
  });

  it("[X6] begins another generation in each process, which refers only to its own rows", () => {
    const { record, start, generations } = open();
    record(said(0, 0));
    start().record(said(1, 0));
    assert.deepEqual(generations(), [1, 2]);
  });

  it("[G7] inserts no row for a message on record", () => {
    const { record, rows } = open();
    record(said(0, 0));
    assert.deepEqual(record({ ...said(0, 0), knownFacts: { isMuted: true } }), [false]);
    assert.equal(rows(FACTS).length, 1);
  });

  it("[D1] refers to no row of an undone job, not even within the same group", async () => {
    const { store } = openTestStore();
    const verdict = { kind: "accept", why: "mentioned", rule: "rule" } as const;
    const lost = { ...said(0, 0), verdict }; // because it has no route
    const [failed, kept] = await Promise.allSettled([
      store.inbox.acceptBatch(batch({ judged: [said(1, 1), lost] }), NOW),
      store.inbox.acceptBatch(batch({ judged: [said(2, 2), said(3, 1)] }), NOW),
    ]);
    assert.deepEqual([failed.status, kept.status], ["rejected", "fulfilled"]);
    for (const judged of [said(2, 2), said(3, 1)]) {
      const record = await store.received.messageRecordOf({ messageId: judged.message.id });
      assert.equal(JSON.stringify(record?.decisions[0]?.facts), factsIn(judged));
    }
  });

  it("[D1] refers to no row of an undone group", async () => {
    let isFull = true;
    const before = () => {
      if (isFull) throw new Error("the disk is full");
    };
    const { store } = openTestStore({ crash: { before, after() {} } });
    const judged = [said(0, 0), said(1, 1)];
    await assert.rejects(store.inbox.acceptBatch(batch({ judged }), NOW));
    isFull = false;
    await store.inbox.acceptBatch(batch({ judged: [...judged].reverse() }), NOW);
    for (const one of judged) {
      const record = await store.received.messageRecordOf({ messageId: one.message.id });
      assert.equal(JSON.stringify(record?.decisions[0]?.facts), factsIn(one));
    }
  });
});

describe("preparePruneFacts()", () => {
  it("[X6] deletes a generation after the last of its decisions, in small steps", () => {
    const { record, start, rows, database, prune } = open();
    for (let number = 0; number < 4; number++) record(said(number, number));
    start().record(said(9, 9));
    database.exec("DELETE FROM verdict_block WHERE id <= 3");
    prune(2);
    assert.equal(rows(FACTS).length, 5, "the fourth is as old as the first");
    database.exec("DELETE FROM verdict_block WHERE id <= 4");
    prune(3);
    assert.deepEqual(rows(FACTS).map(({ id }) => id), [4, 5]);
    prune(3);
    assert.deepEqual(rows(FACTS).map(({ id }) => id), [5]);
  });

  it("[X6] deletes all rows after the last decision, and later decisions have new rows", () => {
    const { record, rows, database, prune } = open();
    for (let number = 0; number < 3; number++) record(said(number, number));
    database.exec("DELETE FROM verdict_block");
    prune(2);
    record(said(3, 0));
    prune(2);
    assert.deepEqual(rows("SELECT generation, facts FROM fact"), [
      { generation: 4, facts: factsIn(said(3, 0)) },
    ]);
    assert.deepEqual(rows("SELECT fact_row FROM decision"), [{ fact_row: 4 }]);
  });

  it("[X6] [X5] deletes no rows while the oldest block is of a forgotten person", () => {
    const { record, rows, database, prune } = open();
    for (let number = 0; number < 3; number++) record(said(number, number));
    database.exec("UPDATE verdict_block SET verdicts = '[[\"1\", 0]]' WHERE id = 1");
    prune(9);
    assert.equal(rows(FACTS).length, 3);
    database.exec("DELETE FROM verdict_block WHERE id = 1");
    prune(9);
    assert.ok(rows("SELECT fact_row FROM decision").length > 0);
  });

  it("[X6] uses only indexes", () => {
    const { database } = open();
    const prepared: string[] = [];
    const prepare = database.prepare.bind(database);
    database.prepare = (sql) => {
      prepared.push(sql);
      return prepare(sql);
    };
    openProcess(database, () => 0);
    for (const sql of prepared) {
      const plan = prepare(`EXPLAIN QUERY PLAN ${sql}`).all().map((row) => String(row["detail"]));
      // Finding one verdict reads all of its block.
      const slow = plan.filter((step) =>
        /^SCAN|TEMP B-TREE/.test(step) && step !== "SCAN v VIRTUAL TABLE INDEX 1:"
      );
      assert.deepEqual(slow, [], sql);
    }
  });

  it("[X6] limits rows in a flood of senders to the decisions and one generation", () => {
    const database = openDatabase();
    const max = 30;
    const { factRows, record } = openProcess(database, () => 0, max);
    const retention = {
      decisionsDays: 30,
      decisionsMax: 100,
      contextDays: 14,
      mediaDays: 7,
      contextPerChannel: 20,
    };
    const pruner = preparePruner(database, retention, factRows);
    const count = (table: string) =>
      Number(database.prepare(`SELECT COUNT(*) AS n FROM ${table}`).get()?.["n"]);
    for (let from = 0; from < 5_000; from += 50) {
      transactNow(database, () => {
        record(...Array.from({ length: 50 }, (_, index) => said(from + index, from + index)));
        pruner.afterBatch([], 50, NOW);
      });
      assert.ok(count("fact") <= count("decision") + max, `${count("fact")}`);
    }
    assert.ok(count("decision") <= 100 + 64 + 2 * 50);
  });

  it("[P1] deletes no facts that a decision refers to, and all others, under any sequence", () => {
    fc.assert(
      fc.property(fc.array(aStep, { maxLength: 60 }), (steps) => {
        const world = openWorld();
        for (const step of steps) {
          world.take(step);
          world.check();
        }
        world.checkPruned();
      }),
      { numRuns: cases(75, 10_000) },
    );
  });
});

type Step =
  | { readonly kind: "say" | "replay" | "decide"; readonly by: number; readonly isLost: boolean }
  | { readonly kind: "age" | "prune" | "drop"; readonly count: number }
  | { readonly kind: "restart" | "day" };

const aCount = fc.integer({ min: 1, max: 6 });
const aStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("say", "say", "replay", "decide"),
      by: fc.integer({ min: 0, max: 7 }),
      isLost: fc.nat({ max: 9 }).map((chance) => chance === 0),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom("age", "prune", "prune", "drop"), count: aCount }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("restart", "day") }) },
);

/** A store of decisions, with the expected facts of each. */
function openWorld() {
  const { database, clock, start, rows } = open({ max: 3 });
  let current = start();
  /** Expected facts by message, for messages with a decision. */
  const expected = new Map<string, string>();
  let number = 0;

  /** Runs a transaction; if `isLost`, all of its work is undone. */
  function run(isLost: boolean, work: () => void): void {
    try {
      transactNow(database, () => {
        work();
        if (isLost) throw new Error("lost");
      });
    } catch (thrown) {
      assert.equal(isLost, true, String(thrown));
      current.forget();
    }
  }

  function note(isLost: boolean, judged: Judged): void {
    if (!isLost) expected.set(judged.message.id, factsIn(judged));
  }

  /** A message on record, as a message of the sender `by`. */
  function known(by: number): Judged | undefined {
    const ids = [...expected.keys()];
    const id = ids[by % ids.length];
    return id === undefined ? undefined : said(Number(id) - 1_000, by);
  }

  function forgetWhere(sql: string): void {
    const deleted = rows(`SELECT message_id FROM decision WHERE block IN (${sql})`);
    for (const row of deleted) expected.delete(String(row["message_id"]));
    run(false, () => database.exec(`DELETE FROM verdict_block WHERE id IN (${sql})`));
    current.forget(); // as after a start, because memory still has the deleted messages
  }

  return {
    take(step: Step): void {
      switch (step.kind) {
        case "say": {
          const judged = said(number++, step.by);
          run(step.isLost, () => assert.deepEqual(current.record(judged), [true]));
          return note(step.isLost, judged);
        }
        case "replay": {
          const judged = known(step.by);
          if (!judged) return;
          const before = rows(FACTS).length;
          run(step.isLost, () => assert.deepEqual(current.record(judged), [false]));
          return assert.equal(rows(FACTS).length, before);
        }
        case "decide": {
          const judged = known(step.by);
          if (!judged) return;
          run(step.isLost, () => current.replace(judged));
          return note(step.isLost, judged);
        }
        case "age":
          return forgetWhere(`SELECT id FROM verdict_block ORDER BY id LIMIT ${step.count}`);
        case "drop":
          return forgetWhere(`SELECT id FROM verdict_block WHERE id % 7 = ${step.count}`);
        case "prune":
          return run(false, () => current.prune(step.count));
        case "restart":
          current = start();
          return;
        case "day":
          clock.ms += DAY_MS;
          return;
      }
    },
    check(): void {
      const decisions = rows(
        "SELECT message_id, facts FROM decision",
      );
      assert.deepEqual(
        new Map(decisions.map(({ message_id: id, facts }) => [String(id), facts])),
        expected,
      );
    },
    /** Checks that pruning leaves no generation before the oldest one that a decision refers to. */
    checkPruned(): void {
      for (let step = 0; step < 60; step++) run(false, () => current.prune(6));
      this.check();
      const [oldest] = rows(
        "SELECT MIN(f.generation) AS n FROM decision AS d JOIN fact AS f ON f.id = d.fact_row",
      );
      const generations = rows(FACTS).map(({ generation }) => Number(generation));
      if (expected.size === 0) assert.deepEqual(generations, []);
      else assert.equal(Math.min(...generations), oldest?.["n"]);
    },
  };
}
