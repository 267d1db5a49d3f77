import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openTestStore } from "../support/store.ts";
import { openDatabase } from "../support/open_database.ts";

const TABLES = openDatabase().prepare("PRAGMA table_list").all()
  .filter(({ schema, name }) => schema === "main" && !String(name).startsWith("sqlite_"));

describe("SCHEMA_1", () => {
  for (const { name, strict } of TABLES) {
    it(`[X2] checks the types of ${name}, and says whose each row is`, () => {
      assert.equal(strict, 1);
      const columns = openDatabase().prepare(`PRAGMA table_info(${String(name)})`).all();
      assert.ok(columns.some((column) => /^(account|agent)_id$/.test(String(column["name"]))));
      for (const column of columns) {
        const isTime = /(_at|^at|_up_to|_from)$/.test(String(column["name"]));
        const isDiscords = /_id$/.test(String(column["name"]));
        if (isTime) assert.equal(column["type"], "INTEGER", String(column["name"]));
        if (isDiscords) assert.equal(column["type"], "TEXT", String(column["name"]));
      }
    });
  }

  it("[S5] lets one turn of a session run at a time", () => {
    const { database } = openTestStore();
    const insert = database.prepare(
      `INSERT INTO inbox
         (message_id, account_id, channel_id, agent_id, session_key, message, state, accepted_at)
       VALUES (?, 'a', 'c', 'main', 's', '{}', 'running', 0)`,
    );
    insert.run("1");
    assert.throws(() => insert.run("2"), /UNIQUE/);
  });
});
