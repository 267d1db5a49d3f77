import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type { ResolvedName } from "../../../src/core/names.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import type { Retention } from "../../../src/store/store.ts";
import {
  ACCOUNT,
  channelId,
  guildMessage,
  messageId,
  outboundMessage,
  userId,
} from "../../support/discord/builders.ts";
import { createStore } from "../../support/store/open_database.ts";
import {
  accepted,
  batch,
  frozen,
  ignored,
  openTestStore,
  part,
  ROUTE,
} from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECOND = toAccountId("second");
const RETENTION = { decisionsDays: 30, contextDays: 14, mediaDays: 7, contextPerChannel: 20 };
const ADA: ResolvedName = { kind: "user", typed: "Ada", id: userId("1"), name: "ada", at: 5 };

function open(decisionsDays = RETENTION.decisionsDays) {
  const test = openTestStore({ retention: { ...RETENTION, decisionsDays } });
  const save = (hash: string, now: number, accountId = ACCOUNT) =>
    test.store.messages.savePolicy({ accountId, hash, names: [] }, now);
  const hashes = (accountId = ACCOUNT) =>
    test.rows(`SELECT hash FROM policy WHERE account_id = '${accountId}' ORDER BY used_at, id`)
      .map(({ hash }) => String(hash));
  return { ...test, save, hashes };
}

describe("savePolicy()", () => {
  it("[P1] stores the content of a policy, once for each hash and account", async () => {
    const { store, rows } = open();
    const revision = { accountId: ACCOUNT, hash: "a", file: "/c.jsonc", text: "{}", names: [ADA] };
    const id = await store.messages.savePolicy(revision, NOW);
    assert.equal(await store.messages.savePolicy({ ...revision, text: "other" }, NOW + 9), id);
    assert.notEqual(await store.messages.savePolicy({ ...revision, hash: "b" }, NOW), id);
    assert.notEqual(await store.messages.savePolicy({ ...revision, accountId: SECOND }, NOW), id);
    assert.deepEqual(rows(`SELECT * FROM policy WHERE id = ${id}`), [{
      id,
      account_id: "default",
      hash: "a",
      file: "/c.jsonc",
      text: "{}",
      names: JSON.stringify([ADA]),
      made_at: NOW,
      used_at: NOW + 9,
    }]);
  });

  it("[X6] keeps the newest 50 policies and those of recent decisions", async () => {
    const { save, hashes } = open();
    for (let number = 0; number < 100; number++) await save(`h${number}`, NOW + number * DAY_MS);
    // h49 was replaced by h50 on day 50, h68 by h69 on day 69: 30 days before the last.
    assert.deepEqual(hashes(), Array.from({ length: 50 }, (_, index) => `h${50 + index}`));
    for (let number = 100; number < 200; number++) await save(`h${number}`, NOW + 100 * DAY_MS);
    assert.equal(hashes().length, 131, "from h69 on: it judged until day 70");
    assert.equal(hashes()[0], "h69");
  });
});

/** Messages, each sent a millisecond after the one before. */
const idOf = (number: number) => messageId(String(BigInt(number) << 22n));
const chatter = (from: number, count: number, channel = "11") =>
  Array.from(
    { length: count },
    (_, index) => ignored(guildMessage({ id: idOf(from + index), channelId: channelId(channel) })),
  );

function openKeeping(retention: Retention = RETENTION) {
  const test = openTestStore({ retention });
  const count = (table: string) => test.rows(`SELECT * FROM ${table}`).length;
  return { ...test, count };
}

describe("preparePruner()", () => {
  it("[X6] [L5] deletes the use of models of older days, and keeps today", async () => {
    const today = NOW / DAY_MS;
    const left = async (usageDays: number, ages: readonly number[]) => {
      const { store, database, rows } = openKeeping({ ...RETENTION, usageDays, maxMb: 9 });
      const insert = database.prepare(
        `INSERT INTO usage VALUES (?, '', '11', '', 'main', 'm', 'answer', 1, 1, 0, 1, 0, 0, 1, 0)`,
      );
      for (const age of ages) insert.run(today - age);
      await store.gateway.touchAlive(ACCOUNT, undefined, NOW);
      return rows("SELECT day FROM usage ORDER BY day").map(({ day }) => today - Number(day));
    };
    assert.deepEqual(await left(2, [0, 1, 2, 3, 400]), [2, 1, 0]);
    assert.deepEqual(await left(1, [0, 1]), [1, 0]);
    assert.deepEqual(await left(0, [400]), [400]);
  });

  it("[X6] deletes context and decisions by age, not a day early", async () => {
    const { store, count } = openKeeping();
    await store.inbox.acceptBatch(batch({ judged: chatter(1_000, 3) }), NOW);
    const ages: readonly (readonly [days: number, messages: number, decisions: number])[] = [
      [14, 3, 3],
      [15, 0, 3],
      [30, 0, 3],
      [31, 0, 0],
    ];
    for (const [days, messages, decisions] of ages) {
      await store.gateway.touchAlive(ACCOUNT, undefined, NOW + days * DAY_MS);
      assert.deepEqual([count("message"), count("decision")], [messages, decisions]);
    }
  });

  it("[X6] deletes in small steps, until all is done", async () => {
    const { store, count } = openKeeping();
    for (let from = 1_000; from < 1_600; from += 2) {
      await store.inbox.acceptBatch(batch({ judged: chatter(from, 2) }), NOW);
    }
    const counts: number[] = [];
    for (let step = 0; step < 3; step++) {
      await store.gateway.touchAlive(ACCOUNT, undefined, NOW + 31 * DAY_MS);
      counts.push(count("decision"));
    }
    assert.deepEqual(counts, [536, 472, 408]);
  });

  it("[X6] keeps only the newest `decisionsMax` decisions, regardless of age", async () => {
    const { store, rows, count } = openKeeping({ ...RETENTION, decisionsMax: 100 });
    for (let from = 1_000; from < 3_000; from += 50) {
      await store.inbox.acceptBatch(batch({ judged: chatter(from, 50) }), NOW);
      assert.ok(count("decision") <= 100 + 64 + 50, "within a step");
    }
    await store.gateway.touchAlive(ACCOUNT, undefined, NOW);
    assert.equal(count("decision"), 100);
    const [oldest] = rows("SELECT message_id FROM decision ORDER BY id");
    assert.deepEqual(oldest, { message_id: idOf(2_900) });
  });

  it("[G7] deletes no message of the inbox, whose row prevents a second answer", async () => {
    const { store, count } = openKeeping();
    const judged = [accepted(guildMessage({ id: messageId("1000") }))];
    await store.inbox.acceptBatch(batch({ judged }), NOW);
    await store.gateway.touchAlive(ACCOUNT, undefined, NOW + 31 * DAY_MS);
    assert.equal(count("decision"), 0);
    assert.equal((await store.inbox.acceptBatch(batch({ judged }), NOW)).accepted.length, 0);
    assert.equal(count("inbox"), 1);
  });
});

describe("[X6] transcripts", () => {
  const ANSWERED = NOW - 10 * DAY_MS;

  /** Answers a message with a step and one reply. */
  async function answerOne(store: ReturnType<typeof createStore>, id: string, at: number) {
    const message = guildMessage({ id: messageId(id) });
    await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), at);
    const claim = await store.inbox.claimNext(ACCOUNT, at, []);
    assert.ok(claim);
    const stamp = { messageId: message.id, at };
    const outgoing = outboundMessage({ nonce: `n${id}`, of: part(id) });
    await store.turns.finishTurn({
      claim,
      end: { kind: "answered" },
      entries: [
        { role: "user", text: "hello", ...stamp },
        { role: "assistant", text: "hi", ...stamp },
      ],
      steps: [{ kind: "result", callId: "1", end: "done", text: "whole result", at }],
      outbox: [frozen(outgoing)],
    }, at);
  }

  const TABLES = ["entry", "step", "inbox", "outbox"] as const;

  async function prunedTo(retention: Partial<Retention>, isSent: boolean) {
    const { store, database, count } = openKeeping({ ...RETENTION, ...retention });
    await answerOne(store, "101", ANSWERED);
    if (isSent) database.exec("UPDATE outbox SET state = 'sent'");
    const shown = async () => (await store.turns.entriesOf(ROUTE.sessionKey, 9)).length;
    assert.equal(await shown(), 2, "from now on in memory");
    for (let step = 0; step < 4; step++) {
      await store.inbox.acceptBatch(batch({ judged: chatter(1_000 + 100 * step, 70) }), NOW);
    }
    assert.equal(await shown(), count("entry"));
    return TABLES.map(count);
  }

  it("stay for ever by default", async () => {
    assert.deepEqual(await prunedTo({}, true), [2, 1, 1, 1]);
  });

  it("go with the steps, messages and answers of their turns", async () => {
    assert.deepEqual(await prunedTo({ transcriptsDays: 9 }, true), [0, 0, 0, 0]);
    assert.deepEqual(await prunedTo({ transcriptsDays: 11 }, true), [2, 1, 1, 1]);
  });

  it("leave messages that are still to be sent", async () => {
    assert.deepEqual(await prunedTo({ transcriptsDays: 9 }, false), [0, 0, 0, 1]);
  });

  it("go once the store is too large, except those of the last day", async () => {
    assert.deepEqual(await prunedTo({ maxMb: 0.01 }, true), [0, 0, 0, 0]);
    assert.deepEqual(await prunedTo({ maxMb: 9 }, true), [2, 1, 1, 1]);
    const { store, count } = openKeeping({ ...RETENTION, maxMb: 0.01 });
    await answerOne(store, "101", NOW - DAY_MS / 2);
    await store.inbox.acceptBatch(batch({ judged: chatter(1_000, 70) }), NOW);
    assert.equal(count("entry"), 2);
  });
});
