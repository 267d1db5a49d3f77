import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Claim } from "../../../src/core/inbound/inbox.ts";
import type { Entry } from "../../../src/core/inbound/mentions.ts";
import type { FinishedTurn } from "../../../src/core/inbound/inbox.ts";
import {
  ACCOUNT,
  guildMessage,
  messageId,
  outboundMessage,
} from "../../support/discord/builders.ts";
import { accepted, batch, frozen, openTestStore, ROUTE } from "../../support/store/store.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = Date.UTC(2026, 0, 1);
const question = guildMessage({ id: messageId("1400000000000000101") });

const entry = (role: "user" | "assistant", text: string): Entry => ({
  role,
  text,
  messageId: question.id,
  at: NOW,
});

async function openClaimed() {
  const test = openTestStore();
  await test.store.inbox.acceptBatch(batch({ judged: [accepted(question)] }), NOW);
  const claim = (await test.store.inbox.claimNext(ACCOUNT, NOW, []))!;
  return { ...test, claim };
}

const answered = (claim: Claim, fields: Partial<FinishedTurn> = {}): FinishedTurn => ({
  claim,
  end: { kind: "answered" },
  entries: [entry("user", "hello"), entry("assistant", "hello, Ada")],
  outbox: [frozen({ nonce: "a" }), frozen({ nonce: "b" })],
  ...fields,
});

const STORED = { stored: true, dropped: 0 };
const NOT_STORED = { ...STORED, stored: false };

const STATE = "SELECT state, failure_id, failure, finished_at FROM inbox";

describe("finishTurn()", () => {
  it("[D1] stores transcript, reply and the end of the wait in one transaction", async () => {
    const { store, rows, claim } = await openClaimed();
    assert.deepEqual(await store.turns.finishTurn(answered(claim), NOW + 9), STORED);
    assert.deepEqual(rows(STATE), [
      { state: "answered", failure_id: null, failure: null, finished_at: NOW + 9 },
    ]);
    sameData(await store.turns.entriesOf(ROUTE.sessionKey, 10), answered(claim).entries);
    const [head] = await store.outbox.heads(ACCOUNT);
    assert.deepEqual(head?.message, outboundMessage({ nonce: "a" }));
    assert.equal((await store.health()).outbox.oldestUnsentAt, NOW + 9);
  });

  it("[D1] stores a failure's id for the sender and its reason for the operator", async () => {
    const { store, rows, claim } = await openClaimed();
    const end = { kind: "failed", failureId: "f-1", reason: "401 of the model" } as const;
    await store.turns.finishTurn(answered(claim, { end, entries: [] }), NOW);
    assert.deepEqual(rows(STATE), [
      { state: "failed", failure_id: "f-1", failure: "401 of the model", finished_at: NOW },
    ]);
  });

  it("[D2] stores no second end of a claim", async () => {
    const { store, rows, claim } = await openClaimed();
    await store.turns.finishTurn(answered(claim), NOW);
    const second = answered(claim, {
      end: { kind: "declined" },
      outbox: [frozen({ nonce: "other" })],
    });
    assert.deepEqual(await store.turns.finishTurn(second, NOW + 1), NOT_STORED);
    assert.equal(rows("SELECT * FROM outbox").length, 2);
    assert.equal(rows("SELECT * FROM entry").length, 2);
    assert.equal(rows(STATE)[0]?.["state"], "answered");
  });

  it("[D2] stores no end of a claim that was voided or claimed again", async () => {
    const { store, rows, claim } = await openClaimed();
    await store.inbox.voidClaims(ACCOUNT);
    assert.deepEqual(await store.turns.finishTurn(answered(claim), NOW), NOT_STORED);
    const again = (await store.inbox.claimNext(ACCOUNT, NOW, []))!;
    assert.deepEqual(await store.turns.finishTurn(answered(claim), NOW), NOT_STORED);
    assert.deepEqual(rows("SELECT * FROM outbox"), []);
    assert.deepEqual(await store.turns.finishTurn(answered(again), NOW), STORED);
  });

  it("[D1] stores no part of an end that cannot be stored whole", async () => {
    const { store, rows, claim } = await openClaimed();
    const twice = [frozen({ nonce: "a" }), frozen({ nonce: "a" })];
    await assert.rejects(store.turns.finishTurn(answered(claim, { outbox: twice }), NOW), /UNIQUE/);
    assert.deepEqual(rows("SELECT * FROM outbox"), []);
    assert.deepEqual(rows("SELECT * FROM entry"), []);
    assert.equal(rows(STATE)[0]?.["state"], "running");
  });
});
