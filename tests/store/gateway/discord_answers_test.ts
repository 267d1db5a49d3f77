import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type { GatewayInfo } from "../../../src/core/discord/gateway.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { userId } from "../../support/discord/builders.ts";
import { openTestStore } from "../../support/store/store.ts";
import { sameData } from "../../support/same_data.ts";

const SECOND = toAccountId("second");

const answer = (fields: Partial<GatewayInfo> = {}): GatewayInfo => ({
  url: "wss://one",
  shards: 2,
  limit: {
    total: 1_000,
    remaining: 997,
    resetAfterMs: 14_400_000,
    maxConcurrency: 16,
    readAt: 5,
  },
  ...fields,
});

describe("createDiscordAnswers()", () => {
  it("[G5] keeps Discord's newest answer about the gateway for each account", async () => {
    const { store } = openTestStore();
    await store.gateway.saveGateway(ACCOUNT, answer(), 1);
    const { limit } = answer();
    sameData(await store.gateway.loadAccount(ACCOUNT), {
      gateway: { url: "wss://one", at: 1 },
      limit: { ...limit, shards: 2 },
      shards: [],
    });
    const later = { ...limit, total: 2_000, remaining: 3, maxConcurrency: 1, readAt: 9 };
    await store.gateway.saveGateway(ACCOUNT, { url: "wss://two", shards: 1, limit: later }, 2);
    sameData(await store.gateway.loadAccount(ACCOUNT), {
      gateway: { url: "wss://two", at: 2 },
      limit: { ...later, shards: 1 },
      shards: [],
    });
    assert.deepEqual(await store.gateway.loadAccount(SECOND), { shards: [] });
  });

  it("[G9] keeps the application's flags and the time of reading for each account", async () => {
    const { store } = openTestStore();
    await store.gateway.saveApplication(ACCOUNT, { flags: 1 << 18 }, 1);
    await store.gateway.saveApplication(ACCOUNT, { flags: 0 }, 2); // no flag at all is news too
    sameData(await store.gateway.loadAccount(ACCOUNT), {
      flags: { bits: 0, at: 2 },
      shards: [],
    });
    await store.gateway.saveGateway(ACCOUNT, answer(), 3);
    assert.deepEqual((await store.gateway.loadAccount(ACCOUNT)).flags, { bits: 0, at: 2 });
    assert.equal((await store.gateway.loadAccount(SECOND)).flags, undefined);
  });

  it("[P3] keeps the application's team, until Discord names another", async () => {
    const { store } = openTestStore();
    const [ada, grace] = [userId("123456789012345678"), userId("123456789012345679")];
    const teamOf = async () => (await store.gateway.loadAccount(ACCOUNT)).ownerIds;
    await store.gateway.saveApplication(ACCOUNT, { flags: 0, ownerIds: [ada, grace] }, 1);
    assert.deepEqual(await teamOf(), [ada, grace]);
    await store.gateway.saveOwners(ACCOUNT, [grace]);
    assert.deepEqual(await teamOf(), [grace]);
    assert.equal((await store.gateway.loadAccount(SECOND)).ownerIds, undefined);
    await store.gateway.saveApplication(ACCOUNT, { flags: 0 }, 2);
    assert.equal(await teamOf(), undefined);
  });

  it("[S1] keeps the application's owner, until Discord names none", async () => {
    const { store } = openTestStore();
    const ownerId = userId("123456789012345678");
    await store.gateway.saveApplication(ACCOUNT, { flags: 0, ownerId }, 1);
    assert.equal((await store.gateway.loadAccount(ACCOUNT)).ownerId, ownerId);
    await store.gateway.saveApplication(ACCOUNT, { flags: 0 }, 2);
    assert.equal((await store.gateway.loadAccount(ACCOUNT)).ownerId, undefined);
  });
});
