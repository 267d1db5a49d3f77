import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseSnowflake, toAccountId } from "../../../src/core/discord/ids.ts";
import type { Self } from "../../../src/core/inbound/inbound.ts";
import { cases } from "../../support/long_form.ts";
import { ACCOUNT, guildMessage, messageId, userId } from "../../support/discord/builders.ts";
import { batch, heard, ignored, openTestStore } from "../../support/store/store.ts";
import type { StoredShard } from "../../../src/store/gateway/accounts.ts";
import type { Store } from "../../../src/store/store.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = Date.UTC(2020, 0, 1);
const SECOND = toAccountId("second");
const SELF: Self = {
  userId: userId("91"),
  applicationId: parseSnowflake<"application">("92")!,
  username: "barnacle",
};

async function begin(store: Store, at: number, shardId = 0, accountId = ACCOUNT): Promise<void> {
  const session = { sessionId: `at ${at}`, resumeUrl: "wss://resume", seq: 1 };
  await store.gateway.startSession(accountId, shardId, session, SELF, at);
}

const shardsOf = async (store: Store): Promise<readonly StoredShard[]> =>
  (await store.gateway.loadAccount(ACCOUNT)).shards;

const gapsOf = async (store: Store) =>
  (await shardsOf(store)).map(({ shardId, catchUpFrom }) => [shardId, catchUpFrom]);

describe("finishCatchUp()", () => {
  it("[G6] closes the gap of one shard, and leaves its session", async () => {
    const { store } = openTestStore();
    for (const shardId of [0, 1]) {
      await begin(store, NOW, shardId);
      await begin(store, NOW + 10, shardId);
    }
    await store.gateway.finishCatchUp(ACCOUNT, 1, NOW);
    const [first, second] = await shardsOf(store);
    assert.deepEqual([first?.catchUpFrom, first?.lostAt], [NOW, NOW + 10]);
    assert.deepEqual([second?.catchUpFrom, second?.lostAt], [undefined, undefined]);
    assert.equal(second?.session?.startedAt, NOW + 10);
  });

  it("[G6] leaves a gap open that begins at another time than the reading", async () => {
    const { store } = openTestStore();
    await begin(store, NOW);
    await begin(store, NOW + 10);
    await store.gateway.finishCatchUp(ACCOUNT, 0, NOW - 1);
    await store.gateway.finishCatchUp(SECOND, 0, NOW);
    assert.deepEqual(await gapsOf(store), [[0, NOW]]);
  });

  it("[G6] leaves a gap open that has grown during the reading, if it gets `lostAt`", async () => {
    const { store } = openTestStore();
    await begin(store, NOW);
    await begin(store, NOW + 10);
    await begin(store, NOW + 20);
    await store.gateway.finishCatchUp(ACCOUNT, 0, NOW, NOW + 10);
    assert.deepEqual(await gapsOf(store), [[0, NOW]]);
    await store.gateway.finishCatchUp(ACCOUNT, 0, NOW, NOW + 20);
    assert.deepEqual(await gapsOf(store), [[0, undefined]]);
  });
});

describe("reshard()", () => {
  it("[G6] ends the old sessions, and gives each new shard the gap of the oldest", async () => {
    const { store } = openTestStore();
    await store.gateway.reshard(ACCOUNT, 2, NOW);
    await begin(store, NOW, 0);
    await begin(store, NOW + 5, 1);
    const message = guildMessage({ id: messageId("1400000000000000101") });
    const events = batch({ heard: heard(2), judged: [ignored(message)] });
    await store.inbox.acceptBatch(events, NOW + 7);
    await store.gateway.reshard(ACCOUNT, 3, NOW + 10);
    const gap = { catchUpFrom: NOW + 5, lostAt: NOW + 10, storedUpTo: NOW + 5, aliveAt: NOW + 7 };
    const { shardCount, shards } = await store.gateway.loadAccount(ACCOUNT);
    assert.equal(shardCount, 3);
    sameData(shards, [0, 1, 2].map((shardId) => ({ shardId, ...gap })));
  });

  it("[G6] opens no gap before the first session of all, nor in another account", async () => {
    const { store } = openTestStore();
    await begin(store, NOW, 0, SECOND);
    await store.gateway.reshard(ACCOUNT, 4, NOW);
    sameData(await store.gateway.loadAccount(ACCOUNT), { shardCount: 4, shards: [] });
    const second = await store.gateway.loadAccount(SECOND);
    assert.equal(second.shards[0]?.session?.sessionId, `at ${NOW}`);
    assert.equal(second.shardCount, undefined);
  });
});

describe("the gaps of an account", () => {
  /** Events of a shard, one per millisecond. */
  const steps = fc.array(
    fc.tuple(fc.constantFrom("lose", "hear", "finish", "reshard"), fc.nat({ max: 2 })),
    { maxLength: 40 },
  );

  it("[G6] begin no later than the first missed message, under any schedule", async () => {
    const property = fc.asyncProperty(steps, async (schedule) => {
      const { store } = openTestStore();
      let count = 3;
      await store.gateway.reshard(ACCOUNT, count, 0);
      for (let shardId = 0; shardId < count; shardId++) await begin(store, 0, shardId);
      /** For each shard, the earliest time from which messages may be missing. */
      let owed = new Map<number, number>();
      let heardUpTo = new Map<number, number>([[0, 0], [1, 0], [2, 0]]);
      let beginnings = new Set([0, 1, 2]);
      for (const [index, [step, choice]] of schedule.entries()) {
        const at = index + 1;
        const shardId = choice % count;
        switch (step) {
          case "lose":
            owed.set(shardId, Math.min(owed.get(shardId) ?? Infinity, heardUpTo.get(shardId)!));
            await begin(store, at, shardId);
            beginnings.add(shardId);
            break;
          case "hear": {
            if (!beginnings.has(shardId)) break;
            const message = { ...guildMessage({ id: messageId(String(at)) }), sentAt: at };
            const events = batch({ heard: heard(at, shardId), judged: [ignored(message)] });
            await store.inbox.acceptBatch(events, at);
            heardUpTo.set(shardId, at);
            break;
          }
          case "finish": {
            const shard = (await shardsOf(store)).find((one) => one.shardId === shardId);
            if (shard?.catchUpFrom === undefined) break;
            await store.gateway.finishCatchUp(ACCOUNT, shardId, shard.catchUpFrom);
            if (!beginnings.has(shardId)) break; // the gap still grows
            owed.delete(shardId);
            // Catch-up has read all messages up to the beginning of the session.
            heardUpTo.set(shardId, Math.max(heardUpTo.get(shardId)!, shard.lostAt!));
            break;
          }
          case "reshard": {
            const oldest = Math.min(...owed.values(), ...heardUpTo.values());
            count = choice + 1;
            const ids = Array.from({ length: count }, (_, id) => id);
            owed = new Map(ids.map((id) => [id, oldest]));
            heardUpTo = new Map(ids.map((id) => [id, oldest]));
            beginnings = new Set();
            await store.gateway.reshard(ACCOUNT, count, at);
            break;
          }
        }
        for (const shard of await shardsOf(store)) {
          const since = owed.get(shard.shardId);
          if (since === undefined) assert.equal(shard.catchUpFrom, undefined);
          else assert.ok(shard.catchUpFrom !== undefined && shard.catchUpFrom <= since);
          assert.equal(shard.lostAt === undefined, shard.catchUpFrom === undefined);
        }
      }
    });
    const again = (step: string) => [step, 0] as [string, number];
    const afterCatchUp = ["reshard", "lose", "hear", "reshard", "lose", "finish", "lose"];
    await fc.assert(property, { numRuns: cases(60), examples: [[afterCatchUp.map(again)]] });
  });
});
