import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openTestStore } from "../support/store.ts";

describe("SCHEMA_1", () => {
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
