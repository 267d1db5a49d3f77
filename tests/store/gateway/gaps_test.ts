import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "node:test";
import { parseSnowflake, toAccountId } from "../../../src/core/discord/ids.ts";
import type { Self } from "../../../src/core/inbound/inbound.ts";
import type { StoredShard } from "../../../src/store/gateway/gateway.ts";
import type { Store } from "../../../src/store/store.ts";
import {
  ACCOUNT,
  directMessage,
  guildMessage,
  messageId,
  userId,
} from "../../support/discord/builders.ts";
import {
  challenged,
  codeNumber,
  pairingService,
  strangersMessage,
} from "../../support/discord/pairing.ts";
import { cases } from "../../support/long_form.ts";
import { sameData } from "../../support/same_data.ts";
import {
  accepted,
  batch,
  frozen,
  heard,
  ignored,
  openTestStore,
  ROUTE,
} from "../../support/store/store.ts";

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

const LIMIT = { total: 1_000, remaining: 900, resetAfterMs: 9, maxConcurrency: 1, readAt: 1 };
const SESSION = { sessionId: "s1", resumeUrl: "ws://127.0.0.1", seq: 1 };

describe("adoptPeer()", () => {
  it("[G14] deletes data from another server or bot, and no other data", async () => {
    const { store, rows } = openTestStore();
    const second = toAccountId("second");
    assert.equal(await store.gateway.adoptPeer(ACCOUNT, "simulator"), false);
    for (const accountId of [ACCOUNT, second]) {
      await store.gateway.startSession(accountId, 0, SESSION, SELF, 1);
      await store.gateway.saveGateway(
        accountId,
        { url: "ws://127.0.0.1", shards: 1, limit: LIMIT },
        1,
      );
      await store.gateway.saveApplication(accountId, { flags: 1 }, 1);
      await store.gateway.takeIdentify(accountId, 0, 1);
      await store.outbox.park(accountId, directMessage().channelId, {
        reason: "denied",
        now: 1,
        nextTryAt: 1,
      });
      await store.outbox.addInvalidRequest(accountId, 1);
      const message = directMessage({
        accountId,
        id: messageId(accountId === second ? "21" : "22"),
      });
      await store.inbox.acceptBatch(batch({ accountId, judged: [accepted(message)] }), 1);
    }
    const before = await store.gateway.loadAccount(ACCOUNT);
    assert.equal(await store.gateway.adoptPeer(ACCOUNT, "simulator"), false);
    assert.deepEqual(await store.gateway.loadAccount(ACCOUNT), before);
    assert.equal((await store.messages.directChannels(ACCOUNT)).length, 1);

    assert.equal(await store.gateway.adoptPeer(ACCOUNT, "discord"), true);
    sameData(await store.gateway.loadAccount(ACCOUNT), { shards: [] });
    assert.deepEqual(await store.messages.directChannels(ACCOUNT), []);
    sameData(await store.gateway.identifyBudget(ACCOUNT, 2), { left: 1_000 });
    for (const table of ["gateway_session", "identify", "direct_channel", "parked_channel"]) {
      assert.deepEqual(rows(`SELECT account_id FROM ${table}`), [{ account_id: second }], table);
    }
    const minutes = await store.outbox.loadInvalidRequests(ACCOUNT, 0);
    assert.deepEqual(minutes, [{ minute: 1, count: 1 }], "Discord counts by the address");
    assert.deepEqual((await store.gateway.loadAccount(second)).shards, before.shards);
    assert.equal(await store.gateway.adoptPeer(ACCOUNT, "discord"), false);
  });

  it("[P3] [P12] keeps pairings and resolved names, and no undecided message", async () => {
    const { store, rows } = openTestStore();
    await store.gateway.adoptPeer(ACCOUNT, "simulator");
    const second = toAccountId("second");
    const judged = [0, 1].map((who) => challenged(strangersMessage(who)));
    await store.inbox.acceptBatch(batch({ judged, pairing: pairingService() }), 1);
    await store.pairing.decide({
      accountId: ACCOUNT,
      by: { code: codeNumber(0) },
      how: "approve",
      decidedBy: "cli",
      now: 2,
      notify: [],
    });
    const name = { kind: "user", typed: "Ada", id: userId("1"), name: "ada", at: 5 } as const;
    await store.pairing.saveNames(ACCOUNT, [name]);
    await store.inbox.noteProxied(ACCOUNT, userId("1"), 5);
    const verdict = { kind: "undecided", why: "pluralkit", rule: "rule" } as const;
    for (const [index, accountId] of [ACCOUNT, second].entries()) {
      const message = guildMessage({ id: messageId(String(40 + index)), accountId });
      await store.inbox.acceptBatch(batch({ accountId, judged: [{ message, verdict }] }), 3);
    }

    await store.gateway.adoptPeer(ACCOUNT, "discord");
    assert.deepEqual((await store.pairing.paired(ACCOUNT)).map(({ username }) => username), [
      "stranger0",
    ]);
    assert.deepEqual(await store.pairing.namesOf(ACCOUNT), [name]);
    assert.deepEqual(await store.inbox.proxied(ACCOUNT), ["1"]);
    assert.deepEqual(await store.pairing.requests(ACCOUNT, 4), []);
    assert.deepEqual(await store.inbox.undecided(ACCOUNT), []);
    assert.equal((await store.inbox.undecided(second)).length, 1);
    assert.deepEqual(rows("SELECT account_id FROM decision WHERE verdict = 'undecided'"), [
      { account_id: second },
    ]);
    assert.equal(rows("SELECT * FROM decision").length, 3);
  });

  it("[G14] gives up messages and replies from another server", async () => {
    const { database, store, rows } = openTestStore();
    const second = toAccountId("second");
    await store.gateway.adoptPeer(ACCOUNT, "simulator");
    const question = (digits: string, sessionKey: string, accountId = ACCOUNT) =>
      accepted(guildMessage({ id: messageId(digits), accountId }), { ...ROUTE, sessionKey });
    const judged = [
      question("11", "a"),
      question("12", "a"),
      question("13", "b"),
      question("14", "c", second),
    ];
    await store.inbox.acceptBatch(batch({ judged }), 5);
    const done = (await store.inbox.claimNext(ACCOUNT, 6, []))!;
    await store.turns.finishTurn({
      claim: done,
      end: { kind: "answered" },
      entries: [],
      outbox: [],
    }, 7);
    assert.equal((await store.inbox.claimNext(ACCOUNT, 8, []))?.message.id, "12");

    const states = ["sent", "dead", "pending", "sending", "uncertain"];
    for (const nonce of states) await store.outbox.add(frozen({ nonce }), 9);
    await store.outbox.add(frozen({ nonce: "other", accountId: second }), 9);
    for (const state of states) {
      database.prepare("UPDATE outbox SET state = ?1 WHERE nonce = ?1").run(state);
    }

    await store.gateway.adoptPeer(ACCOUNT, "simulator");
    assert.equal((await store.outbox.heads(ACCOUNT)).length, 1, "the same peer changes nothing");
    await store.gateway.adoptPeer(ACCOUNT, "discord");
    assert.deepEqual(await store.outbox.heads(ACCOUNT), []);
    const reason = "the account has moved to another server or bot";
    assert.deepEqual(rows("SELECT nonce, state, refusal FROM outbox ORDER BY id"), [
      { nonce: "sent", state: "sent", refusal: null },
      { nonce: "dead", state: "dead", refusal: null },
      { nonce: "pending", state: "dead", refusal: reason },
      { nonce: "sending", state: "dead", refusal: reason },
      { nonce: "uncertain", state: "dead", refusal: reason },
      { nonce: "other", state: "pending", refusal: null },
    ]);
    assert.deepEqual(
      rows("SELECT message_id, state, finished_at, failure_id, failure FROM inbox ORDER BY id"),
      [
        { message_id: "11", state: "answered", finished_at: 7, failure_id: null, failure: null },
        { message_id: "12", state: "failed", finished_at: 8, failure_id: null, failure: reason },
        { message_id: "13", state: "failed", finished_at: 5, failure_id: null, failure: reason },
        { message_id: "14", state: "waiting", finished_at: null, failure_id: null, failure: null },
      ],
    );
    assert.equal(await store.inbox.voidClaims(ACCOUNT), 0);
    assert.equal((await store.inbox.claimNext(second, 10, []))?.message.id, "14");
  });
});
