import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSnowflake, toAccountId } from "../../src/core/ids.ts";
import type { Self } from "../../src/core/inbound.ts";
import { ACCOUNT, userId } from "../support/builders.ts";
import { openTestStore } from "../support/store.ts";

const SELF: Self = {
  userId: userId("91"),
  applicationId: parseSnowflake<"application">("92")!,
  username: "barnacle",
};
const SESSION = { sessionId: "s1", resumeUrl: "ws://127.0.0.1", seq: 1 };

describe("createAccounts()", () => {
  it("[C6] knows nothing of an account before its first start", async () => {
    assert.deepEqual(await openTestStore().store.loadAccount(ACCOUNT), {});
  });

  it("[G1] keeps the gateway's address as it was named last, for its account", async () => {
    const { store } = openTestStore();
    await store.saveGatewayUrl(ACCOUNT, "wss://one", 1);
    await store.saveGatewayUrl(ACCOUNT, "wss://two", 2);
    assert.deepEqual(await store.loadAccount(ACCOUNT), { gateway: { url: "wss://two", at: 2 } });
    assert.deepEqual(await store.loadAccount(toAccountId("second")), {});
  });

  it("[G14] forgets what it knows from another server or of another bot, and nothing else", async () => {
    const { store } = openTestStore();
    const second = toAccountId("second");
    assert.equal(await store.adoptPeer(ACCOUNT, "simulator"), false);
    for (const account of [ACCOUNT, second]) {
      await store.startGatewaySession(account, SESSION, SELF, 1);
      await store.saveGatewayUrl(account, "ws://127.0.0.1", 1);
    }
    assert.equal(await store.adoptPeer(ACCOUNT, "simulator"), false);
    assert.equal((await store.loadAccount(ACCOUNT)).session?.sessionId, "s1");

    assert.equal(await store.adoptPeer(ACCOUNT, "discord"), true);
    assert.deepEqual(await store.loadAccount(ACCOUNT), {});
    assert.equal((await store.loadAccount(second)).session?.sessionId, "s1");
    assert.equal(await store.adoptPeer(ACCOUNT, "discord"), false);
  });

  it("[X2] refuses a row that is none of ours", async () => {
    const { database, store } = openTestStore();
    database.exec("INSERT INTO account (account_id, user_id) VALUES ('default', 'me')");
    await assert.rejects(store.loadAccount(ACCOUNT), /Not a Discord id/);
  });
});
