import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "node:test";
import { parseSnowflake, toAccountId } from "../../../src/core/discord/ids.ts";
import type { Self } from "../../../src/core/inbound/inbound.ts";
import type { Store } from "../../../src/store/store.ts";
import {
  ACCOUNT,
  directMessage,
  guildMessage,
  messageId,
  userId,
} from "../../support/discord/builders.ts";
import { challenged, codeNumber, strangersMessage } from "../../support/discord/pairing.ts";
import { cases } from "../../support/long_form.ts";
import { sameData } from "../../support/same_data.ts";
import {
  accepted,
  batch,
  frozen,
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

async function begin(store: Store, at: number, accountId = ACCOUNT): Promise<void> {
  const session = { sessionId: `at ${at}`, resumeUrl: "wss://resume", seq: 1 };
  await store.gateway.startSession(accountId, session, SELF, at);
}

const gapOf = async (store: Store) => (await store.gateway.loadAccount(ACCOUNT)).connection;

describe("finishCatchUp()", () => {
  it("[G6] closes the gap, and leaves its session", async () => {
    const { store } = openTestStore();
    await begin(store, NOW);
    await begin(store, NOW + 10);
    const open = await gapOf(store);
    assert.deepEqual([open?.catchUpFrom, open?.lostAt], [NOW, NOW + 10]);
    await store.gateway.finishCatchUp(ACCOUNT, NOW);
    const closed = await gapOf(store);
    assert.deepEqual([closed?.catchUpFrom, closed?.lostAt], [undefined, undefined]);
    assert.equal(closed?.session?.startedAt, NOW + 10);
  });

  it("[G6] leaves a gap open that begins at another time than the reading", async () => {
    const { store } = openTestStore();
    await begin(store, NOW);
    await begin(store, NOW + 10);
    await store.gateway.finishCatchUp(ACCOUNT, NOW - 1);
    await store.gateway.finishCatchUp(SECOND, NOW);
    assert.equal((await gapOf(store))?.catchUpFrom, NOW);
  });

  it("[G6] leaves a gap open that has grown during the reading, if it gets `lostAt`", async () => {
    const { store } = openTestStore();
    await begin(store, NOW);
    await begin(store, NOW + 10);
    await begin(store, NOW + 20);
    await store.gateway.finishCatchUp(ACCOUNT, NOW, NOW + 10);
    assert.equal((await gapOf(store))?.catchUpFrom, NOW);
    await store.gateway.finishCatchUp(ACCOUNT, NOW, NOW + 20);
    assert.equal((await gapOf(store))?.catchUpFrom, undefined);
  });
});

describe("endSession()", () => {
  it("[G6] ends the session, and opens its gap", async () => {
    const { store } = openTestStore();
    await begin(store, NOW);
    await begin(store, NOW, SECOND);
    const message = guildMessage({ id: messageId("1400000000000000101") });
    await store.inbox.acceptBatch(batch({ heard: 2, judged: [ignored(message)] }), NOW + 7);
    await store.gateway.endSession(ACCOUNT, NOW + 10);
    const upTo = message.sentAt;
    const gap = { catchUpFrom: upTo, lostAt: NOW + 10, storedUpTo: upTo, aliveAt: NOW + 7 };
    sameData(await gapOf(store), gap);
    const second = await store.gateway.loadAccount(SECOND);
    assert.equal(second.connection?.session?.sessionId, `at ${NOW}`);
  });

  it("[G6] opens no gap before the first IDENTIFY of all", async () => {
    const { store } = openTestStore();
    await store.gateway.endSession(ACCOUNT, NOW);
    sameData(await store.gateway.loadAccount(ACCOUNT), {});
  });
});

describe("the gaps of an account", () => {
  /** One per millisecond. */
  const steps = fc.array(fc.constantFrom("lose", "hear", "finish", "end"), { maxLength: 40 });

  it("[G6] begin no later than the first missed message, under any schedule", async () => {
    const property = fc.asyncProperty(steps, async (schedule) => {
      const { store } = openTestStore();
      await begin(store, 0);
      /** The earliest time from which messages may be missing. */
      let owed: number | undefined;
      let heardUpTo = 0;
      let hasSession = true;
      for (const [index, step] of schedule.entries()) {
        const at = index + 1;
        switch (step) {
          case "lose":
            owed = Math.min(owed ?? Infinity, heardUpTo);
            await begin(store, at);
            hasSession = true;
            break;
          case "hear": {
            if (!hasSession) break;
            const message = { ...guildMessage({ id: messageId(String(at)) }), sentAt: at };
            await store.inbox.acceptBatch(batch({ heard: at, judged: [ignored(message)] }), at);
            heardUpTo = at;
            break;
          }
          case "finish": {
            const gap = await gapOf(store);
            if (gap?.catchUpFrom === undefined) break;
            await store.gateway.finishCatchUp(ACCOUNT, gap.catchUpFrom);
            if (!hasSession) break; // the gap still grows
            owed = undefined;
            // Catch-up has read all messages up to the beginning of the session.
            heardUpTo = Math.max(heardUpTo, gap.lostAt!);
            break;
          }
          case "end":
            owed = Math.min(owed ?? Infinity, heardUpTo);
            hasSession = false;
            await store.gateway.endSession(ACCOUNT, at);
            break;
        }
        const { catchUpFrom, lostAt } = (await gapOf(store))!;
        if (owed === undefined) assert.equal(catchUpFrom, undefined);
        else assert.ok(catchUpFrom !== undefined && catchUpFrom <= owed);
        assert.equal(lostAt === undefined, catchUpFrom === undefined);
      }
    });
    const afterCatchUp = ["end", "lose", "hear", "end", "lose", "finish", "lose"] as const;
    await fc.assert(property, { numRuns: cases(60), examples: [[[...afterCatchUp]]] });
  });
});

const LIMIT = { total: 1_000, remaining: 900, resetAfterMs: 9, readAt: 1 };
const SESSION = { sessionId: "s1", resumeUrl: "ws://127.0.0.1", seq: 1 };

describe("adoptPeer()", () => {
  it("[G14] deletes data from another server or bot, and no other data", async () => {
    const { store, rows } = openTestStore();
    const second = toAccountId("second");
    assert.equal(await store.gateway.adoptPeer(ACCOUNT, "simulator"), false);
    for (const accountId of [ACCOUNT, second]) {
      await store.gateway.startSession(accountId, SESSION, SELF, 1);
      await store.gateway.saveGateway(
        accountId,
        { url: "ws://127.0.0.1", limit: LIMIT },
        1,
      );
      await store.gateway.saveApplication(accountId, { flags: 1 }, 1);
      await store.gateway.takeIdentify(accountId, 1);
      await store.outbox.park(accountId, directMessage().channelId, {
        reason: "denied",
        now: 1,
        nextTryAt: 1,
      });
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
    sameData(await store.gateway.loadAccount(ACCOUNT), {});
    assert.deepEqual(await store.messages.directChannels(ACCOUNT), []);
    sameData(await store.gateway.identifyBudget(ACCOUNT, 2), { left: 1_000 });
    for (const table of ["gateway_session", "identify", "direct_channel", "parked_channel"]) {
      assert.deepEqual(rows(`SELECT account_id FROM ${table}`), [{ account_id: second }], table);
    }
    assert.deepEqual((await store.gateway.loadAccount(second)).connection, before.connection);
    assert.equal(await store.gateway.adoptPeer(ACCOUNT, "discord"), false);
  });

  it("[P3] [P12] keeps pairings and resolved names, and no undecided message", async () => {
    const { store, rows } = openTestStore();
    await store.gateway.adoptPeer(ACCOUNT, "simulator");
    const second = toAccountId("second");
    const judged = [0, 1].map((who) => challenged(strangersMessage(who), who));
    await store.inbox.acceptBatch(batch({ judged }), 1);
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
