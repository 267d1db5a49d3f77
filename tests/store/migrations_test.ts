import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { migrate, schemaOf } from "../../src/store/migrations.ts";

const STEPS = ["CREATE TABLE one (a TEXT) STRICT", "CREATE TABLE two (a TEXT) STRICT"];

const tablesOf = (database: DatabaseSync) =>
  database.prepare("SELECT name FROM sqlite_schema ORDER BY name").all().map((row) => row["name"]);

const mustNotBackUp = () => assert.fail("There is nothing to back up");

describe("[X7] migrate()", () => {
  it("runs all steps of an empty database, and none of a current one", () => {
    const database = new DatabaseSync(":memory:");
    for (let time = 0; time < 2; time++) {
      migrate(database, STEPS, mustNotBackUp);
      assert.deepEqual(tablesOf(database), ["one", "two"]);
      assert.equal(schemaOf(database), 2);
    }
  });

  it("backs up, and runs the steps that lack", () => {
    const database = new DatabaseSync(":memory:");
    migrate(database, STEPS.slice(0, 1), mustNotBackUp);
    const seen: unknown[] = [];
    migrate(database, STEPS, (schema) => seen.push(schema, tablesOf(database)));
    assert.deepEqual(seen, [1, ["one"]]);
    assert.deepEqual(tablesOf(database), ["one", "two"]);
  });

  it("does nothing without its backup", () => {
    const database = new DatabaseSync(":memory:");
    migrate(database, STEPS.slice(0, 1), mustNotBackUp);
    assert.throws(() =>
      migrate(database, STEPS, () => {
        throw new Error("no room");
      }), /no room/);
    assert.deepEqual(tablesOf(database), ["one"]);
  });

  it("runs all or none", () => {
    const database = new DatabaseSync(":memory:");
    assert.throws(() => migrate(database, [...STEPS, "NONSENSE"], mustNotBackUp));
    assert.deepEqual(tablesOf(database), []);
    assert.equal(schemaOf(database), 0);
  });
});
