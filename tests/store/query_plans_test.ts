/**
 * Checks how SQLite runs every statement of the store. The tables in the list grow for years, so no
 * statement may read all rows of one.
 */

import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { createStore, openDatabase } from "../support/store/open_database.ts";

const GROWING = ["inbox", "outbox", "entry", "message", "decision"];

/** Statements that may begin to read a whole table, and why they stop early. */
const EXCEPTIONS: readonly { readonly sql: RegExp; readonly reason: string }[] = [
  {
    sql: /^SELECT .* FROM pragma_page_count\) AS pages, .* AS oldest_decision_at$/,
    reason: "it reads the first row of each table",
  },
  {
    sql: /^DELETE FROM decision .* AND id IN \(SELECT id FROM decision ORDER BY id LIMIT 256\)/,
    reason: "it reads the oldest decisions, in the order of the table",
  },
  {
    sql:
      /^SELECT .* AS name, .* FROM \(SELECT id, message FROM inbox ORDER BY id DESC LIMIT 20000\)/,
    reason: "it reads the newest 20,000 messages",
  },
  {
    sql: /^SELECT channel_id, MAX.* FROM \(SELECT \* FROM decision ORDER BY id DESC LIMIT 20000\)/,
    reason: "it reads the newest 20,000 verdicts, for the beginning of a catch-up",
  },
  {
    sql:
      /^SELECT channel_id, facts.* FROM \(SELECT \* FROM decision ORDER BY id DESC LIMIT 20000\)/,
    reason: "it reads the newest 20,000 verdicts, for the places of a catch-up",
  },
  {
    sql: /^SELECT .* FROM \(SELECT \* FROM inbox ORDER BY id DESC LIMIT :limit\)/,
    reason: "it reads the newest messages, as many as the intent filter looks at",
  },
  {
    sql: /^SELECT .* FROM \(SELECT \* FROM message ORDER BY id DESC LIMIT :limit\)/,
    reason: "it reads the newest overheard messages, as many as the intent filter looks at",
  },
  {
    sql: /^SELECT .* FROM \(SELECT \* FROM outbox ORDER BY id DESC LIMIT :limit\)/,
    reason: "it reads the newest answers, as many as the intent filter looks at",
  },
  {
    sql: /^SELECT .* FROM inbox WHERE finished_at IS NOT NULL AND turn_of IS NULL ORDER BY id DESC/,
    reason: "it reads the newest messages, until it has as many as `barnacle doctor` looks at",
  },
];

/** Every statement that the store prepares, on one line. */
function statementsOf(database: DatabaseSync): readonly string[] {
  const prepared = new Set<string>();
  const prepare = database.prepare.bind(database);
  database.prepare = (sql) => {
    prepared.add(sql);
    return prepare(sql);
  };
  createStore(database, ":memory:", { elapsed: () => 0 });
  return [...prepared].filter((sql) => /^\s*(SELECT|WITH|INSERT|UPDATE|DELETE)\b/.test(sql));
}

/** Growing tables by their aliases in a statement. */
function tablesByName(sql: string): ReadonlyMap<string, string> {
  const aliases = [...sql.matchAll(/\b(\w+)\s+AS\s+(\w+)/g)]
    .flatMap(([, table = "", alias = ""]): [string, string][] =>
      GROWING.includes(table) ? [[alias, table]] : []
    );
  return new Map([...GROWING.map((table): [string, string] => [table, table]), ...aliases]);
}

/**
 * Whether a step of a plan reads all rows of a growing table: from one end to the other, or by an
 * index of all rows that only narrows to one account. `outbox_unsent` and `outbox_owes` hold open
 * rows only.
 */
function readsAll(step: string, tables: ReadonlyMap<string, string>): boolean {
  const [, how, name = ""] = /^(SCAN|SEARCH) (\w+)/.exec(step) ?? [];
  if (!tables.has(name)) return false;
  return how === "SCAN" || (/\(account_id=\?\)/.test(step) && !/ outbox_(unsent|owes) /.test(step));
}

describe("[D1] the store's statements", () => {
  const database = openDatabase();
  const planOf = (sql: string) =>
    database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all().map(({ detail }) => String(detail));

  const faults = statementsOf(database).flatMap((sql) => {
    const tables = tablesByName(sql);
    const steps = planOf(sql).filter((step) => readsAll(step, tables));
    return steps.length > 0 ? [{ sql: sql.trim().replaceAll(/\s+/g, " "), steps }] : [];
  });
  const isExcepted = (sql: string) => EXCEPTIONS.some((exception) => exception.sql.test(sql));

  it("never read a whole growing table", () => {
    assert.deepEqual(faults.filter(({ sql }) => !isExcepted(sql)), []);
  });

  for (const { sql, reason } of EXCEPTIONS) {
    it(`may read such a table if they stop early: ${reason}`, () => {
      assert.equal(faults.filter((fault) => sql.test(fault.sql)).length, 1);
    });
  }

  for (
    const [title, sql] of [
      ["of a table", "SELECT 1 FROM inbox WHERE state = 'waiting'"],
      ["by another name", "SELECT 1 FROM run JOIN outbox AS o WHERE o.state = run.ending"],
      ["of an account's rows", "SELECT message FROM outbox WHERE account_id = ?"],
    ] as const
  ) {
    it(`fail the check if one scans: ${title}`, () => {
      const tables = tablesByName(sql);
      assert.ok(planOf(sql).some((step) => readsAll(step, tables)), planOf(sql).join("\n"));
    });
  }
});
