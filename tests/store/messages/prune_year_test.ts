/** A year of old records: each step deletes a bounded number of rows, and no start waits for them. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { createStore, openDatabase } from "../../support/store/open_database.ts";

const NOW = Date.UTC(2026, 10, 23);
const YEAR = 365;

/** Rows that a step may delete of all tables together. */
const STEP_MAX = 1_200;

const RETENTION = {
  decisionsDays: 30,
  contextDays: 14,
  mediaDays: 7,
  transcriptsDays: 30,
  usageDays: 30,
  contextPerChannel: 200,
};

/** Old rows of each table that a step deletes from. */
const OLD: Readonly<Record<string, number>> = {
  inbox: 3_000,
  entry: 6_000,
  step: 3_000,
  outbox: 3_000,
  decision: 5_000,
  reaction: 2_000,
  usage: 1_000,
  message: 2_000,
  direct_channel: 500,
};

/** Rows that stay. */
const LEFT: Readonly<Record<string, number>> = {};

function yearOld() {
  const database = openDatabase();
  const at = NOW - YEAR * DAY_MS;
  const old = NOW - 2 * YEAR * DAY_MS;
  const fill = (table: string, columns: string, values: string) =>
    database.exec(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${OLD[table]})
       INSERT INTO ${table} (${columns}) SELECT ${values} FROM n`,
    );
  fill(
    "inbox",
    "message_id, account_id, channel_id, agent_id, session_key, message, state, accepted_at, finished_at",
    `'m' || i, 'default', '1', 'main', 's', '{}', 'answered', ${at} + i, ${at} + i`,
  );
  fill(
    "entry",
    "agent_id, session_key, channel_id, role, parts, message_id, at",
    `'main', 's', '1', 'user', '[]', 'm' || i, ${at} + i`,
  );
  fill("step", "account_id, message_id, attempt, step, at", `'default', 'm' || i, 1, '{}', ${at}`);
  fill(
    "outbox",
    "account_id, channel_id, nonce, state, created_at, message",
    `'default', '1', 'n' || i, iif(i % 10 = 0, 'dead', 'sent'), ${at} + i, '{}'`,
  );
  fill(
    "decision",
    "message_id, account_id, channel_id, author_id, verdict, why, rule, at",
    `i, 'default', '1', '2', 'ignore', 'no-mention', 'r', ${at} + i`,
  );
  fill(
    "reaction",
    "account_id, channel_id, message_id, user_id, tag, emoji, change, at",
    `'default', '1', 'm' || i, '2', '', '👍', 'added', ${at}`,
  );
  fill(
    "usage",
    "day, user_id, channel_id, guild_id, agent_id, model, kind, requests, input, cached, output, " +
      "micros, unpriced, ms, audio_sec",
    `${Math.floor(at / DAY_MS)}, i, '1', '', 'main', 'm', 'answer', 1, 1, 0, 1, 0, 0, 1, 0`,
  );
  fill(
    "message",
    "account_id, channel_id, message_id, author_id, tag, text, sent_at, kept_at",
    `'default', 100 + i % 400, 1000 + i, '1', 'ada', 'hello', ${at}, ${at}`,
  );
  fill("direct_channel", "account_id, channel_id, active_at, is_group", `'default', i, ${old}, 0`);
  const number = (sql: string) => Number(Object.values(database.prepare(sql).get() ?? {})[0]);
  return { database, count: (table: string) => number(`SELECT COUNT(*) FROM ${table}`), number };
}

describe("[X6] a year of old records", () => {
  it("goes in steps of a bounded number of rows, and none of it at the start", async () => {
    const { database, count, number } = yearOld();
    const all = () => number("SELECT total_changes()");
    const before = all();
    const store = createStore(database, ":memory:", { elapsed: () => 0, retention: RETENTION });
    assert.equal(all(), before, "a start deletes nothing");
    let steps = 0;
    for (let isMore = true; isMore; steps++) {
      const changed = all();
      isMore = await store.upkeep.prune(NOW);
      assert.ok(all() - changed <= STEP_MAX, `${all() - changed} rows in step ${steps}`);
      assert.ok(steps < 2_000, "it ends");
    }
    const left = Object.keys(OLD).map((table) => [table, count(table)]);
    assert.deepEqual(left, Object.keys(OLD).map((table) => [table, LEFT[table] ?? 0]));
    assert.ok(steps >= 6_000 / 64, `${steps} steps`);
  });

  it("takes no further step once all is done", async () => {
    const { database, number } = yearOld();
    const store = createStore(database, ":memory:", { elapsed: () => 0, retention: RETENTION });
    while (await store.upkeep.prune(NOW));
    const changed = number("SELECT total_changes()");
    assert.equal(await store.upkeep.prune(NOW), false);
    assert.equal(number("SELECT total_changes()"), changed);
  });

  it("keeps messages that did not arrive for 30 days, with any retention", async () => {
    const { database, number } = yearOld();
    database.exec(`UPDATE outbox SET created_at = ${NOW - 29 * DAY_MS}`);
    const store = createStore(database, ":memory:", {
      elapsed: () => 0,
      retention: { ...RETENTION, transcriptsDays: 1 },
    });
    while (await store.upkeep.prune(NOW));
    assert.equal(number("SELECT COUNT(*) FROM outbox"), 300);
    assert.equal(number("SELECT COUNT(*) FROM outbox WHERE state = 'dead'"), 300);
  });

  it("shows the size of the store and its oldest records", async () => {
    const { database } = yearOld();
    const store = createStore(database, ":memory:", { elapsed: () => 0, retention: RETENTION });
    const extent = await store.upkeep.extent();
    const at = NOW - YEAR * DAY_MS;
    assert.equal(extent.oldestDecisionAt, at + 1);
    assert.equal(extent.oldestMessageAt, at + 1);
    assert.equal(extent.freeBytes, 0);
    while (await store.upkeep.prune(NOW));
    const after = await store.upkeep.extent();
    assert.equal(after.bytes, extent.bytes, "the file does not shrink");
    assert.ok(after.freeBytes > extent.bytes / 2);
    assert.deepEqual([after.oldestMessageAt, after.oldestDecisionAt], [undefined, undefined]);
  });
});
