import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ACCOUNT } from "../support/builders.ts";
import { openTestStore } from "../support/store.ts";

describe("createAccounts()", () => {
  it("[C6] knows nothing of an account before its first start", async () => {
    assert.deepEqual(await openTestStore().store.loadAccount(ACCOUNT), { shards: [] });
  });

  it("[X2] refuses a row that is none of ours", async () => {
    const { database, store } = openTestStore();
    database.exec("INSERT INTO account (account_id, user_id) VALUES ('default', 'me')");
    await assert.rejects(store.loadAccount(ACCOUNT), /Not a Discord id/);
  });
});
