import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { frozen, openTestStore } from "../../support/store/store.ts";

describe("createAccounts()", () => {
  it("[C6] loads no data of an account before its first start", async () => {
    assert.deepEqual(await openTestStore().store.gateway.loadAccount(ACCOUNT), { shards: [] });
  });

  it("[C6] lists each account once that connected or has messages to send", async () => {
    const { store } = openTestStore();
    assert.deepEqual(await store.gateway.accountIds(), []);
    await store.gateway.saveApplication(toAccountId("work"), { flags: 1 }, 1);
    for (const accountId of [ACCOUNT, ACCOUNT, toAccountId("work")]) {
      await store.outbox.add(frozen({ nonce: "", accountId }), 1);
    }
    assert.deepEqual(await store.gateway.accountIds(), [ACCOUNT, "work"]);
  });

  it("[X2] refuses a row of an unknown form", async () => {
    const { database, store } = openTestStore();
    database.exec("INSERT INTO account (account_id, user_id) VALUES ('default', 'me')");
    await assert.rejects(store.gateway.loadAccount(ACCOUNT), /Not a Discord id/);
  });
});
