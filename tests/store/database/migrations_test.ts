import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { migrate } from "../../../src/store/database/migrations.ts";
import { openDatabase } from "../../support/store/open_database.ts";

const STEPS = ["CREATE TABLE one (a TEXT) STRICT", "CREATE TABLE two (a TEXT) STRICT"];

const tablesOf = (database: DatabaseSync) =>
  database.prepare("SELECT name FROM sqlite_schema ORDER BY name").all().map((row) => row["name"]);

const mustNotBackUp = () => assert.fail("There is nothing to back up");

describe("[X7] migrate()", () => {
  it("changes nothing if the backup fails", () => {
    const database = new DatabaseSync(":memory:");
    migrate(database, STEPS.slice(0, 1), mustNotBackUp);
    assert.throws(() =>
      migrate(database, STEPS, () => {
        throw new Error("no room");
      }), /no room/);
    assert.deepEqual(tablesOf(database), ["one"]);
  });
});

describe("MIGRATIONS", () => {
  const tables = openDatabase().prepare("PRAGMA table_list").all()
    .filter(({ schema, type, name }) =>
      schema === "main" && type === "table" && !String(name).startsWith("sqlite_")
    );
  /**
   * Tables of the process, without an account. Controls belong to their cards. Budgets count for all accounts together.
   */
  const shared = new Set<unknown>(["run", "told_budget", "question_control", "question_cover"]);

  for (const { name, strict } of tables) {
    it(`[X2] check the types of ${name}, and store the account of each row`, () => {
      assert.equal(strict, 1);
      const columns = openDatabase().prepare(`PRAGMA table_info(${String(name)})`).all();
      const isOwned = columns.some(({ name }) => /^(account|agent)_id$/.test(String(name)));
      assert.equal(isOwned, !shared.has(name));
      for (const column of columns) {
        const isTime = /(_at|^at|_up_to|_from)$/.test(String(column["name"]));
        const isNumber = isTime;
        if (isNumber) assert.equal(column["type"], "INTEGER", String(column["name"]));
        else if (/_id$/.test(String(column["name"]))) assert.equal(column["type"], "TEXT");
      }
    });
  }
});
