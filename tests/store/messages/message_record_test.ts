import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { factsOf } from "../../../src/core/inbound/facts.ts";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { createMessageRecords } from "../../../src/store/messages/message_record.ts";
import { openStore } from "../../support/store/open_database.ts";
import { ACCOUNT, guildMessage, messageId } from "../../support/discord/builders.ts";
import {
  accepted,
  batch,
  frozen,
  ignored,
  openTestStore,
  part,
  ROUTE,
} from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { sameData } from "../../support/same_data.ts";
import { createUngroupedTransactions } from "../../../src/store/database/transact.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECOND = toAccountId("second");
const ASKED = guildMessage({ id: messageId("101"), text: "a secret" });
const POLICY = { accountId: ACCOUNT, hash: "a", file: "/c.jsonc", text: "{}", names: [] };

/** A message with an answer of two parts, of which Discord has the first. */
async function answered() {
  const test = openTestStore();
  const { store } = test;
  const policyId = await store.messages.savePolicy(POLICY, NOW - 1);
  const judged = { ...accepted(ASKED), knownFacts: { isMuted: false }, policyId };
  await store.inbox.acceptBatch(batch({ judged: [judged] }), NOW);
  const claim = (await store.inbox.claimNext(ACCOUNT, NOW + 1, []))!;
  const outbox = [0, 1].map((number) =>
    frozen({ nonce: `n${number}`, of: part(ASKED.id, { part: number, parts: 2 }) })
  );
  await store.turns.finishTurn({ claim, end: { kind: "answered" }, entries: [], outbox }, NOW + 2);
  const [head] = await store.outbox.heads(ACCOUNT);
  await store.outbox.markSending(head!, NOW + 3);
  await store.outbox.markSent(head!, messageId("900"));
  const [next] = await store.outbox.heads(ACCOUNT);
  await store.outbox.markSending(next!, NOW + 4);
  await store.outbox.markFailing(next!, NOW + 5);
  await store.outbox.park(ACCOUNT, next!.message.channelId, {
    reason: "denied",
    now: NOW + 6,
    nextTryAt: NOW + 7,
  });
  return { ...test, judged };
}

describe("messageRecordOf()", () => {
  it("[P1] returns the decision with facts and policy, the turn and the delivery", async () => {
    const { store, judged } = await answered();
    const record = await store.messages.messageRecordOf({ messageId: ASKED.id });
    const shared = {
      accountId: ACCOUNT,
      channelId: frozen().message.channelId,
      kind: "reply",
      parts: 2,
      createdAt: NOW + 2,
    };
    sameData(record, {
      messageId: ASKED.id,
      decisions: [{
        id: 1,
        accountId: ACCOUNT,
        messageId: ASKED.id,
        channelId: ASKED.channelId,
        authorId: ASKED.sender.id,
        verdict: "accept",
        why: "mentioned",
        rule: "rule",
        at: NOW,
        facts: JSON.parse(JSON.stringify(factsOf(ASKED, judged.knownFacts, judged.verdict))),
        policy: { at: NOW - 1, file: "/c.jsonc", text: "{}", names: [] },
      }],
      turn: {
        accountId: ACCOUNT,
        ...ROUTE,
        state: "answered",
        attempt: 1,
        acceptedAt: NOW,
        claimedAt: NOW + 1,
        finishedAt: NOW + 2,
        revision: 0,
      },
      outbox: [
        { id: 1, ...shared, state: "sent", part: 0, firstAttemptAt: NOW + 3, messageId: "900" },
        {
          id: 2,
          ...shared,
          state: "sending",
          part: 1,
          firstAttemptAt: NOW + 4,
          failingSince: NOW + 5,
          nextAttemptAt: NOW + 7,
          parkedReason: "denied",
        },
      ],
    });
    assert.doesNotMatch(JSON.stringify(record), /secret/);
  });

  it("[D5] tells why a message waits, until when, and for which other one", async () => {
    const { store } = openTestStore();
    const { outbox } = store;
    for (const nonce of ["a", "b"]) await outbox.add(frozen({ nonce, of: part(ASKED.id) }), NOW);
    const [head] = await outbox.heads(ACCOUNT);
    await outbox.markSending(head!, NOW);
    await outbox.markWaiting(head!, "failed with 502", NOW + 8_000);
    const record = await store.messages.messageRecordOf({ messageId: ASKED.id });
    assert.deepEqual(
      record?.outbox.map(({ reason, nextAttemptAt, behind }) => [reason, nextAttemptAt, behind]),
      [["failed with 502", NOW + 8_000, undefined], [undefined, undefined, 1]],
    );
    await outbox.markSending(head!, NOW + 8_000);
    const [trying] = (await store.messages.messageRecordOf({ messageId: ASKED.id }))?.outbox ?? [];
    assert.deepEqual([trying?.reason, trying?.nextAttemptAt], ["failed with 502", undefined]);
  });

  it("[P1] finds the record by a message of ours that is part of the answer", async () => {
    const { store } = await answered();
    assert.deepEqual(
      await store.messages.messageRecordOf({ messageId: messageId("900") }),
      await store.messages.messageRecordOf({ messageId: ASKED.id }),
    );
  });

  it("[P1] returns only our own message if that answers no one", async () => {
    const { store } = openTestStore();
    const row = await store.outbox.add(frozen({ nonce: "" }), NOW);
    await store.outbox.markSent(row, messageId("901"));
    const record = await store.messages.messageRecordOf({ messageId: messageId("901") });
    assert.deepEqual([record?.decisions, record?.turn], [[], undefined]);
    assert.deepEqual(record?.outbox.map(({ id, state }) => [id, state]), [[1, "sent"]]);
  });

  it("[R11] finds the record by the failure id of a notice", async () => {
    const { store } = openTestStore();
    await store.inbox.acceptBatch(batch({ judged: [accepted(ASKED)] }), NOW);
    const claim = (await store.inbox.claimNext(ACCOUNT, NOW, []))!;
    const end = { kind: "failed", failureId: "F-1", reason: "no model" } as const;
    await store.turns.finishTurn({ claim, end, entries: [], outbox: [] }, NOW);
    const record = await store.messages.messageRecordOf({ failureId: "F-1" });
    assert.equal(record?.messageId, ASKED.id);
    assert.deepEqual([record?.turn?.failureId, record?.turn?.failure], ["F-1", "no model"]);
    assert.equal(await store.messages.messageRecordOf({ failureId: "F-2" }), undefined);
  });

  it("[C6] returns each account's decision, and why each reply was not sent", async () => {
    const { store, database } = openTestStore();
    await store.inbox.acceptBatch(batch({ judged: [ignored(ASKED)] }), NOW);
    const bySecond = ignored({ ...ASKED, accountId: SECOND }, false);
    await store.inbox.acceptBatch(batch({ accountId: SECOND, judged: [bySecond] }), NOW);
    for (const nonce of ["a", "b"]) {
      await store.outbox.add(frozen({ nonce, of: part(ASKED.id) }), NOW);
    }
    database.exec("UPDATE outbox SET state = 'folded', folded_into = 2 WHERE id = 1");
    database.exec("UPDATE outbox SET state = 'dead', refusal = 'gone' WHERE id = 2");
    const record = await store.messages.messageRecordOf({ messageId: ASKED.id });
    assert.deepEqual(record?.decisions.map(({ accountId }) => accountId), [ACCOUNT, SECOND]);
    assert.deepEqual(record?.outbox.map(({ foldedInto, reason }) => [foldedInto, reason]), [
      [2, undefined],
      [undefined, "gone"],
    ]);
  });

  it("[X7] returns an older Barnacle's decision without facts and policy", async () => {
    const { store, database } = openTestStore();
    await store.inbox.acceptBatch(batch({ judged: [ignored(ASKED)] }), NOW);
    database.exec("UPDATE decision SET facts = NULL");
    const [decision] = (await store.messages.messageRecordOf({ messageId: ASKED.id }))?.decisions ??
      [];
    assert.equal(decision?.why, "no-mention");
    assert.deepEqual([decision?.facts, decision?.policy], [undefined, undefined]);
  });

  it("[P1] finds no record of a message that was never received", async () => {
    const { store } = await answered();
    assert.equal(await store.messages.messageRecordOf({ messageId: messageId("77") }), undefined);
  });

  it("[P1] works in a process that cannot write", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    const store = openStore(path, { now: NOW, elapsed: () => 0 });
    await store.inbox.acceptBatch(batch({ judged: [ignored(ASKED)] }), NOW);
    const database = new DatabaseSync(path, { readOnly: true });
    const record = await createMessageRecords(createUngroupedTransactions(database))
      .messageRecordOf({ messageId: ASKED.id });
    assert.equal(record?.decisions.length, 1);
    database.close();
    store.close();
  });

  it("[P1] uses only indexes", () => {
    const { database } = openTestStore();
    const prepared: string[] = [];
    const prepare = database.prepare.bind(database);
    database.prepare = (sql) => {
      prepared.push(sql);
      return prepare(sql);
    };
    createMessageRecords(createUngroupedTransactions(database));
    for (const sql of prepared) {
      const plan = prepare(`EXPLAIN QUERY PLAN ${sql}`).all().map((row) => String(row["detail"]));
      assert.deepEqual(plan.filter((step) => step.startsWith("SCAN")), [], sql);
    }
  });
});
