import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { factsOf } from "../../../src/core/inbound/facts.ts";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { createMessageRecords } from "../../../src/store/received/message_record.ts";
import { openStore } from "../../../src/store/store.ts";
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

const NOW = Date.UTC(2026, 0, 1);
const SECOND = toAccountId("second");
const ASKED = guildMessage({ id: messageId("101"), text: "a secret" });
const POLICY = { accountId: ACCOUNT, hash: "a", file: "/c.jsonc", text: "{}", names: [] };

/** A message that is answered in two parts, the first of which Discord has. */
async function answered() {
  const test = openTestStore();
  const { store } = test;
  const policyId = await store.received.savePolicy(POLICY, NOW - 1);
  const judged = { ...accepted(ASKED), moment: { isMuted: false }, policyId };
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
  await store.outbox.park(ACCOUNT, next!.message.channelId, { reason: "denied", now: NOW + 6 });
  return { ...test, judged };
}

describe("messageRecordOf()", () => {
  it("[P1] has the decision with its facts and its policy, the turn, and the delivery", async () => {
    const { store, judged } = await answered();
    const dossier = await store.received.messageRecordOf({ messageId: ASKED.id });
    const shared = {
      accountId: ACCOUNT,
      channelId: frozen().message.channelId,
      kind: "reply",
      parts: 2,
      createdAt: NOW + 2,
    };
    assert.deepEqual(dossier, {
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
        facts: JSON.parse(JSON.stringify(factsOf(ASKED, judged.moment, judged.verdict))),
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
          parkedReason: "denied",
        },
      ],
    });
    assert.doesNotMatch(JSON.stringify(dossier), /secret/);
  });

  it("[P1] is found by a message of ours that is a part of the answer", async () => {
    const { store } = await answered();
    assert.deepEqual(
      await store.received.messageRecordOf({ messageId: messageId("900") }),
      await store.received.messageRecordOf({ messageId: ASKED.id }),
    );
  });

  it("[P1] is of our own message alone where that answers nobody", async () => {
    const { store } = openTestStore();
    const row = await store.outbox.add(frozen({ nonce: "" }), NOW);
    await store.outbox.markSent(row, messageId("901"));
    const dossier = await store.received.messageRecordOf({ messageId: messageId("901") });
    assert.deepEqual([dossier?.decisions, dossier?.turn], [[], undefined]);
    assert.deepEqual(dossier?.outbox.map(({ id, state }) => [id, state]), [[1, "sent"]]);
  });

  it("[R11] is found by the id that a failure was told with", async () => {
    const { store } = openTestStore();
    await store.inbox.acceptBatch(batch({ judged: [accepted(ASKED)] }), NOW);
    const claim = (await store.inbox.claimNext(ACCOUNT, NOW, []))!;
    const end = { kind: "failed", failureId: "F-1", reason: "no model" } as const;
    await store.turns.finishTurn({ claim, end, entries: [], outbox: [] }, NOW);
    const dossier = await store.received.messageRecordOf({ failureId: "F-1" });
    assert.equal(dossier?.messageId, ASKED.id);
    assert.deepEqual([dossier?.turn?.failureId, dossier?.turn?.failure], ["F-1", "no model"]);
    assert.equal(await store.received.messageRecordOf({ failureId: "F-2" }), undefined);
  });

  it("[C6] has a decision of each account that saw it, and of what was sent why it is over", async () => {
    const { store, database } = openTestStore();
    await store.inbox.acceptBatch(batch({ judged: [ignored(ASKED)] }), NOW);
    const seen = ignored({ ...ASKED, accountId: SECOND }, false);
    await store.inbox.acceptBatch(batch({ accountId: SECOND, judged: [seen] }), NOW);
    for (const nonce of ["a", "b"]) {
      await store.outbox.add(frozen({ nonce, of: part(ASKED.id) }), NOW);
    }
    database.exec("UPDATE outbox SET state = 'folded', folded_into = 2 WHERE id = 1");
    database.exec("UPDATE outbox SET state = 'dead', refusal = 'gone' WHERE id = 2");
    const dossier = await store.received.messageRecordOf({ messageId: ASKED.id });
    assert.deepEqual(dossier?.decisions.map(({ accountId }) => accountId), [ACCOUNT, SECOND]);
    assert.deepEqual(dossier?.outbox.map(({ foldedInto, reason }) => [foldedInto, reason]), [
      [2, undefined],
      [undefined, "gone"],
    ]);
  });

  it("[X7] has of an older Barnacle's decision what that kept", async () => {
    const { store, database } = openTestStore();
    await store.inbox.acceptBatch(batch({ judged: [ignored(ASKED)] }), NOW);
    database.exec("UPDATE fact SET facts = NULL");
    const [decision] = (await store.received.messageRecordOf({ messageId: ASKED.id }))?.decisions ??
      [];
    assert.equal(decision?.why, "no-mention");
    assert.equal(decision && ("facts" in decision || "policy" in decision), false);
  });

  it("[P1] knows nothing of what was never received", async () => {
    const { store } = await answered();
    assert.equal(await store.received.messageRecordOf({ messageId: messageId("77") }), undefined);
  });

  it("[P1] can be read by a process that cannot write", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    const store = openStore(path, { now: NOW, elapsed: () => 0 });
    await store.inbox.acceptBatch(batch({ judged: [ignored(ASKED)] }), NOW);
    const database = new DatabaseSync(path, { readOnly: true });
    const dossier = await createMessageRecords(database).messageRecordOf({ messageId: ASKED.id });
    assert.equal(dossier?.decisions.length, 1);
    database.close();
    store.close();
  });

  it("[P1] finds what it looks for by indexes", () => {
    const { database } = openTestStore();
    const prepared: string[] = [];
    const prepare = database.prepare.bind(database);
    database.prepare = (sql) => {
      prepared.push(sql);
      return prepare(sql);
    };
    createMessageRecords(database);
    for (const sql of prepared) {
      const plan = prepare(`EXPLAIN QUERY PLAN ${sql}`).all().map((row) => String(row["detail"]));
      // A block is looked through for one of its verdicts.
      assert.deepEqual(plan.filter((step) => /^SCAN (?!v VIRTUAL)/.test(step)), [], sql);
    }
  });
});
