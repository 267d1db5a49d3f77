import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Step } from "../../../src/core/step.ts";
import { ACCOUNT, guildMessage, messageId } from "../../support/discord/builders.ts";
import { createStore } from "../../support/store/open_database.ts";
import { accepted, batch, frozen, openTestStore, ROUTE } from "../../support/store/store.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = Date.UTC(2026, 0, 1);
const question = guildMessage({ id: messageId("1400000000000000101") });
const CALL = { id: "call_1", name: "tide", arguments: '{"port":"Hull"}' };
const ANSWER: Step = { kind: "answer", text: "Let me look.", calls: [CALL], at: NOW };
const BEGUN: Step = { kind: "begun", callId: CALL.id, at: NOW + 1 };
const RESULT: Step = { kind: "result", callId: CALL.id, end: "done", text: "high\0 tide", at: NOW };

async function openClaimed() {
  const test = openTestStore();
  await test.store.inbox.acceptBatch(batch({ judged: [accepted(question)] }), NOW);
  const claim = await test.store.inbox.claimNext(ACCOUNT, NOW, []);
  assert.ok(claim);
  return { ...test, claim };
}

describe("[D1] steps of a turn", () => {
  it("count the claim, so the next process knows that a turn has begun", async () => {
    const { store, rows, claim } = await openClaimed();
    await store.turns.addSteps(claim, [ANSWER], false);
    assert.deepEqual(rows("SELECT state, attempt FROM inbox"), [{ state: "running", attempt: 1 }]);
  });

  it("survive a kill together with their claim", async () => {
    const { store, database } = openTestStore();
    await store.inbox.claimNext(ACCOUNT, NOW, []); // from now on, memory has the queue
    const behind = guildMessage({ id: messageId("1400000000000000102") });
    await store.outbox.heads(ACCOUNT, [question.channelId]);
    for (const message of [question, behind]) {
      await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), NOW);
    }
    const claim = (await store.inbox.claimNext(ACCOUNT, NOW, [], () => true))!;
    await store.turns.addSteps(claim, [ANSWER, BEGUN], true);
    const next = createStore(database, ":memory:", { elapsed: () => 0 }); // after the kill
    assert.equal(await next.inbox.voidClaims(), 2);
    const again = (await next.inbox.claimNext(ACCOUNT, NOW, []))!;
    assert.deepEqual(again, { ...claim, attempt: 2 });
    assert.deepEqual(await next.turns.stepsOf(question.id), [ANSWER, BEGUN]);
  });

  it("are refused once the turn has ended", async () => {
    const { store, claim } = await openClaimed();
    const end = { kind: "declined" } as const;
    await store.turns.finishTurn({ claim, end, entries: [], outbox: [] }, NOW);
    await assert.rejects(store.turns.addSteps(claim, [ANSWER], false), /turn .* has ended/);
    assert.deepEqual(await store.turns.stepsOf(question.id), []);
  });

  it("are in the transcript with their calls, and the last ones are stored with its end", async () => {
    for (const files of [[], [{ name: "tides.txt", bytes: new Uint8Array(3) }]]) {
      const { store, claim } = await openClaimed();
      await store.turns.addSteps(claim, [ANSWER], false);
      const stamp = { messageId: question.id, at: NOW };
      const entries = [
        { role: "user", text: "When is high tide?", ...stamp },
        { role: "assistant", text: "Let me look.", calls: [CALL], ...stamp },
        { role: "tool", text: "high tide", call: CALL, ...stamp },
        { role: "assistant", text: "At noon.", ...stamp },
      ] as const;
      await store.turns.finishTurn({
        claim,
        end: { kind: "answered" },
        entries,
        steps: [RESULT],
        outbox: [frozen({ nonce: "a" }, { files })],
      }, NOW);
      assert.deepEqual(await store.turns.stepsOf(question.id), [ANSWER, RESULT]);
      sameData(await store.turns.entriesOf(ROUTE.sessionKey, 10), entries);
    }
  });
});
