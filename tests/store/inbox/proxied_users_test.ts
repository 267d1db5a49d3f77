import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { ACCOUNT, userId } from "../../support/discord/builders.ts";
import { openTestStore } from "../../support/store/store.ts";

const SECOND = toAccountId("second");

describe("proxied()", () => {
  it("[P13] lists each user once, newest first", async () => {
    const { store } = openTestStore();
    for (const [index, id] of ["1", "2", "3", "1"].entries()) {
      await store.inbox.noteProxied(ACCOUNT, userId(id), index);
    }
    await store.inbox.noteProxied(ACCOUNT, userId("3"), 0);
    assert.deepEqual(await store.inbox.proxied(ACCOUNT), ["1", "3", "2"]);
    assert.deepEqual(await store.inbox.proxied(SECOND), []);
  });

  it("[P13] keeps the newest 10,000 users of an account", async () => {
    const { store, database } = openTestStore();
    database.exec(`
      INSERT INTO proxied_user (account_id, user_id, at)
        WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
        SELECT 'default', CAST(i AS TEXT), i FROM n;
      INSERT INTO proxied_user (account_id, user_id, at) VALUES ('second', '1', 1);
    `);
    await store.inbox.noteProxied(ACCOUNT, userId("77777"), 20_000);
    await store.inbox.noteProxied(ACCOUNT, userId("2"), 20_001);
    const proxied = await store.inbox.proxied(ACCOUNT);
    assert.equal(proxied.length, 10_000);
    assert.deepEqual(proxied.slice(0, 3), ["2", "77777", "10000"]);
    assert.equal(proxied.includes(userId("1")), false);
    assert.deepEqual(await store.inbox.proxied(SECOND), ["1"]);
  });
});
