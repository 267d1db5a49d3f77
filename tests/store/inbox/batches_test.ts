import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Judged, NOTHING_CHANGED } from "../../../src/core/inbound/inbox.ts";
import { parseSnowflake, toAccountId } from "../../../src/core/discord/ids.ts";
import type { InboundMessage, Self } from "../../../src/core/inbound/inbound.ts";
import { cases } from "../../support/long_form.ts";
import {
  ACCOUNT,
  channelId,
  directMessage,
  guildMessage,
  messageId,
  outboundMessage,
  userId,
} from "../../support/discord/builders.ts";
import {
  accepted,
  batch,
  found,
  frozen,
  ignored,
  openTestStore,
} from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECOND = toAccountId("second");
const SELF: Self = {
  userId: userId("1400000000000000091"),
  applicationId: parseSnowflake<"application">("1400000000000000092")!,
  username: "barnacle",
};
const SESSION = { sessionId: "s", resumeUrl: "wss://resume", seq: 1 };

const first = guildMessage({ id: messageId("1400000000000000101") });
const second = guildMessage({ id: messageId("1400000000000000102") });

const INBOX = "SELECT message_id, state, attempt FROM inbox ORDER BY id";
const DECISIONS = "SELECT account_id, message_id, verdict, why FROM decision ORDER BY id";

describe("acceptBatch()", () => {
  it("[G5] stores messages, verdicts and the gateway's progress in one transaction", async () => {
    const { store, rows } = openTestStore();
    await store.gateway.startSession(ACCOUNT, SESSION, SELF, NOW);
    const judged = [accepted(first), ignored(second)];
    assert.deepEqual(await store.inbox.acceptBatch(batch({ heard: 7, judged }), NOW + 5), {
      accepted: [judged[0]],
      settled: 0,
      settledIn: [],
      foreign: [],
      ...NOTHING_CHANGED,
      undecided: [],
      challenged: [],
      unanswered: [],
    });
    assert.deepEqual(rows(INBOX), [{ message_id: first.id, state: "waiting", attempt: 0 }]);
    assert.deepEqual(rows(DECISIONS), [
      { account_id: "default", message_id: first.id, verdict: "accept", why: "mentioned" },
      { account_id: "default", message_id: second.id, verdict: "ignore", why: "no-mention" },
    ]);
    assert.deepEqual(rows("SELECT message_id FROM message"), [{ message_id: second.id }]);
    assert.deepEqual(rows("SELECT seq, alive_at, stored_up_to FROM gateway_session"), [
      { seq: 7, alive_at: NOW + 5, stored_up_to: second.sentAt },
    ]);
  });

  it("[G5] stores no part of a batch that cannot be stored whole, not even its seq", async () => {
    const { store, rows } = openTestStore();
    await store.gateway.startSession(ACCOUNT, SESSION, SELF, NOW);
    const { route: _, ...lost } = accepted(second);
    const failing = store.inbox.acceptBatch(
      batch({ heard: 7, judged: [ignored(first), lost] }),
      NOW,
    );
    await assert.rejects(failing, /no route/);
    for (const table of ["inbox", "decision", "message"]) {
      assert.deepEqual(rows(`SELECT * FROM ${table}`), [], table);
    }
    assert.deepEqual(rows("SELECT seq FROM gateway_session"), [{ seq: 1 }]);
    assert.deepEqual((await store.health()).decisions, []);
  });

  it("[G7] leaves a replayed message unchanged, with its verdict and its turn", async () => {
    const { store, rows } = openTestStore();
    await store.inbox.acceptBatch(batch({ judged: [accepted(first), ignored(second)] }), NOW);
    await store.inbox.claimNext(ACCOUNT, NOW, []);
    const before = [rows(INBOX), rows(DECISIONS), rows("SELECT * FROM message")];

    const replay = batch({
      heard: 2,
      judged: [ignored(first), accepted(second), accepted(first)],
    });
    assert.equal((await store.inbox.acceptBatch(replay, NOW + 1)).accepted.length, 0);
    assert.deepEqual([rows(INBOX), rows(DECISIONS), rows("SELECT * FROM message")], before);
  });

  it("[G7] stores each message once, under any replays", async () => {
    const property = fc.asyncProperty(
      fc.array(fc.array(fc.tuple(fc.nat({ max: 9 }), fc.boolean()), { maxLength: 6 }), {
        maxLength: 6,
      }),
      async (batches) => {
        const { store, rows } = openTestStore();
        const firstVerdicts = new Map<number, boolean>();
        let told = 0;
        for (const items of batches) {
          const judged = items.map(([digit, isAccepted]) => {
            const message = guildMessage({ id: messageId(`140000000000000020${digit}`) });
            if (!firstVerdicts.has(digit)) firstVerdicts.set(digit, isAccepted);
            return isAccepted ? accepted(message) : ignored(message);
          });
          told += (await store.inbox.acceptBatch(batch({ judged }), NOW)).accepted.length;
        }
        const expected = [...firstVerdicts.values()].filter(Boolean).length;
        assert.equal(rows("SELECT * FROM inbox").length, expected);
        assert.equal(told, expected);
        assert.equal(rows("SELECT * FROM decision").length, firstVerdicts.size);
        assert.equal(rows("SELECT * FROM message").length, firstVerdicts.size - expected);
      },
    );
    await fc.assert(property, { numRuns: cases(60) });
  });

  it("[G7] lets one of two accounts answer a message, and stores both verdicts", async () => {
    const { store, rows } = openTestStore();
    const seenBySecond = accepted({ ...first, accountId: SECOND });
    await store.inbox.acceptBatch(batch({ judged: [accepted(first)] }), NOW);
    const result = await store.inbox.acceptBatch(
      batch({ accountId: SECOND, judged: [seenBySecond] }),
      NOW,
    );
    assert.equal(result.accepted.length, 0);
    assert.deepEqual(rows("SELECT account_id FROM inbox"), [{ account_id: "default" }]);
    assert.equal(rows(DECISIONS).length, 2);
  });

  it("[P10] stores no text of a message without `keepAsContext`", async () => {
    const { store, rows } = openTestStore();
    await store.inbox.acceptBatch(
      batch({ judged: [ignored({ ...first, text: "secret" }, false)] }),
      NOW,
    );
    assert.equal(rows(DECISIONS).length, 1);
    assert.deepEqual(rows("SELECT * FROM message"), []);
    for (const table of ["decision", "inbox", "gateway_session"]) {
      assert.doesNotMatch(JSON.stringify(rows(`SELECT * FROM ${table}`)), /secret/);
    }
  });

  it("[D2] settles the rows of echoes, and names each channel once", async () => {
    const { database, store, rows } = openTestStore();
    const elsewhere = channelId("1400000000000000005");
    for (
      const message of [
        { nonce: "a" },
        { nonce: "b" },
        { nonce: "c", channelId: elsewhere },
        { nonce: "d" },
      ]
    ) await store.outbox.add(frozen(message), NOW);
    const echoes = ["a", "b", "c", "foreign"].map((nonce, index) => ({
      nonce,
      messageId: messageId(`7${index}`),
      channelId: elsewhere,
    }));
    database.exec("UPDATE outbox SET state = 'sending', first_attempt_at = 0");
    const foreign = [{ messageId: "73", channelId: elsewhere, why: "unknown" }];
    const { settled, settledIn, ...rest } = await store.inbox.acceptBatch(batch({ echoes }), NOW);
    const none = {
      ...NOTHING_CHANGED,
      accepted: [],
      undecided: [],
      challenged: [],
      unanswered: [],
    };
    assert.equal(settled, 3);
    assert.deepEqual(settledIn, [outboundMessage().channelId, elsewhere]);
    assert.deepEqual(rest, { ...none, foreign });
    assert.deepEqual(rows("SELECT nonce, state, message_id FROM outbox ORDER BY id"), [
      { nonce: "a", state: "sent", message_id: "70" },
      { nonce: "b", state: "sent", message_id: "71" },
      { nonce: "c", state: "sent", message_id: "72" },
      { nonce: "d", state: "sending", message_id: null },
    ]);
    const nothing = { ...none, settled: 0, settledIn: [], foreign };
    assert.deepEqual(await store.inbox.acceptBatch(batch({ echoes }), NOW), nothing);
  });

  it("[G11] settles and reports a row that a duplicate instance has sent", async () => {
    const { store } = openTestStore();
    await store.outbox.add(frozen({ nonce: "a" }), NOW);
    const { channelId } = outboundMessage();
    const echo = { nonce: "a", messageId: messageId("70"), channelId };
    const told = await store.inbox.acceptBatch(batch({ echoes: [echo, echo] }), NOW);
    assert.deepEqual(told, {
      accepted: [],
      settled: 1,
      settledIn: [channelId],
      foreign: [{ messageId: "70", channelId, why: "unsent" }],
      ...NOTHING_CHANGED,
      undecided: [],
      challenged: [],
      unanswered: [],
    });
    assert.deepEqual(await store.outbox.heads(ACCOUNT), [], "it is answered");
  });

  it("[G5] stores the arrival time of a batch that a full disk delayed", async () => {
    const { store, rows } = openTestStore();
    await store.gateway.startSession(ACCOUNT, SESSION, SELF, NOW);
    await store.gateway.touchAlive(
      ACCOUNT,
      NOW + 3_600_000,
      NOW + 3_600_000,
    );
    await store.inbox.acceptBatch(batch({ judged: [accepted(first), ignored(second)] }), NOW + 5);
    const account = await store.gateway.loadAccount(ACCOUNT);
    assert.equal(account.connection?.session?.aliveAt, NOW + 3_600_000, "it was heard since");
    assert.deepEqual(rows("SELECT accepted_at FROM inbox"), [{ accepted_at: NOW + 5 }]);
    assert.deepEqual(rows("SELECT at FROM decision"), [{ at: NOW + 5 }, { at: NOW + 5 }]);
    assert.deepEqual(rows("SELECT kept_at FROM message"), [{ kept_at: NOW + 5 }]);
  });

  it("[G6] stores messages read over REST like others, but changes no session", async () => {
    const { store, rows } = openTestStore();
    await store.gateway.startSession(ACCOUNT, SESSION, SELF, NOW);
    await store.inbox.acceptBatch(batch({ heard: 5, judged: [accepted(second)] }), NOW);
    const sessions = rows("SELECT * FROM gateway_session");
    const judged = [accepted(first), accepted(second)];
    assert.equal((await store.inbox.acceptBatch(found({ judged }), NOW + 5)).accepted.length, 1);
    assert.deepEqual(rows("SELECT message_id FROM inbox ORDER BY id"), [
      { message_id: second.id },
      { message_id: first.id },
    ]);
    assert.deepEqual(rows("SELECT * FROM gateway_session"), sessions);
  });

  for (const why of ["too-old", "too-many"] as const) {
    it(`[G6] records a message as ${why}, and does not answer it when it comes again`, async () => {
      const { store, rows } = openTestStore();
      const rule = "channels.discord.gateway.catchUp";
      const verdict = { kind: "ignore", why, rule, keepAsContext: true } as const;
      await store.inbox.acceptBatch(found({ judged: [{ message: first, verdict }] }), NOW);
      assert.equal(
        (await store.inbox.acceptBatch(batch({ judged: [accepted(first)] }), NOW)).accepted.length,
        0,
      );
      assert.deepEqual(rows(DECISIONS), [
        { account_id: "default", message_id: first.id, verdict: "ignore", why },
      ]);
      assert.deepEqual((await store.health()).decisions, [{ verdict: "ignore", why, count: 1 }]);
      assert.equal(rows("SELECT * FROM message").length, 1);
    });
  }
});

describe("the durability of T1", () => {
  const dm = (id: string, channel: string, fields: Partial<InboundMessage> = {}) =>
    directMessage({ id: messageId(id), channelId: channelId(channel), ...fields });

  /** A store with a function that returns the durability of each batch. */
  function openWatched() {
    const test = openTestStore();
    const exec = test.database.exec.bind(test.database);
    let level = "";
    test.database.exec = (sql) => {
      level = /synchronous = (\w+)/.exec(sql)?.[1] ?? level;
      exec(sql);
    };
    const levelOf = async (...judged: readonly Judged[]) => {
      await test.store.inbox.acceptBatch(batch({ judged }), NOW);
      return level;
    };
    return { ...test, levelOf };
  }

  it("[D1] waits for the disk only for the first message of a direct channel", async () => {
    const { levelOf } = openWatched();
    assert.equal(await levelOf(accepted(first), ignored(second)), "normal");
    assert.equal(await levelOf(ignored(dm("11", "1"))), "normal", "catch-up ignores the channel");
    assert.equal(await levelOf(ignored(dm("12", "2")), accepted(dm("13", "1"))), "full");
    assert.equal(await levelOf(accepted(dm("14", "1"))), "normal");
    assert.equal(await levelOf(accepted(dm("15", "1")), accepted(dm("16", "2"))), "full");
    assert.equal(await levelOf(accepted(dm("17", "1", { accountId: SECOND }))), "full");
  });
});
