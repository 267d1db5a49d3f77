import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  MAX_OPEN_QUESTIONS,
  MAX_OPEN_REVIEWS,
  type Question,
} from "../../../src/core/people/question.ts";
import {
  ACCOUNT,
  guildMessage,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { accepted, batch, frozen, openTestStore } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const REVIEW: Question = {
  kind: "review",
  tool: "draft",
  text: "",
  facts: [],
  choices: [{ key: "once" }],
  asked: [],
  where: "direct",
  timeoutMs: 600_000,
};

/** Parks the turns of a person's questions with their answers. */
async function hold(
  { store }: ReturnType<typeof openTestStore>,
  user: number,
  count: number,
): Promise<void> {
  for (let index = 0; index < count; index++) {
    const id = messageId(`14000000000000${String(user).padStart(3, "0")}${100 + index}`);
    const from = sender({ id: userId(`1400000000000001${String(user).padStart(3, "0")}`) });
    const message = guildMessage({ id, sender: from });
    await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), NOW);
    const claim = await store.inbox.claimNext(ACCOUNT, NOW, []);
    assert.ok(claim);
    const code = id.slice(-8).replaceAll("0", "A").replaceAll("1", "B");
    const asked = [{ callKey: id, code, question: REVIEW }];
    await store.questions.park({ claim, steps: [], charges: [], asked, now: NOW });
    if (await store.questions.decisionOf(id)) await store.inbox.release(claim);
  }
}

describe("[A5] waiting drafts", () => {
  it(`are at most ${MAX_OPEN_QUESTIONS} of a person`, async () => {
    const test = openTestStore();
    await hold(test, 1, MAX_OPEN_QUESTIONS);
    assert.equal((await test.store.questions.open(NOW)).length, MAX_OPEN_QUESTIONS);
  });

  it(`are at most ${MAX_OPEN_REVIEWS} together: further ones are withdrawn at once`, async () => {
    const test = openTestStore();
    const people = MAX_OPEN_REVIEWS / MAX_OPEN_QUESTIONS;
    for (let user = 1; user <= people; user++) await hold(test, user, MAX_OPEN_QUESTIONS);
    assert.equal((await test.store.questions.open(NOW)).length, MAX_OPEN_REVIEWS);
    await hold(test, people + 1, 1);
    const id = messageId(`14000000000000${String(people + 1).padStart(3, "0")}100`);
    assert.deepEqual(await test.store.questions.decisionOf(id), { kind: "withdrawn" });
  });

  it("get their line once, and none after a decision", async () => {
    const test = openTestStore();
    const { store, database } = test;
    await hold(test, 1, 1);
    const [question] = await store.questions.open(NOW);
    assert.ok(question);
    const lines = () => database.prepare("SELECT COUNT(*) AS n FROM outbox").get()?.["n"];
    const line = frozen({ nonce: "waits" });
    await store.questions.addWaitingLine(question.id, line, NOW);
    await store.questions.addWaitingLine(question.id, line, NOW);
    assert.equal(lines(), 1);
    const answer = { choice: "once" };
    await store.questions.decide({ by: { code: question.code }, answer, now: NOW });
    await store.questions.addWaitingLine(question.id, frozen({ nonce: "late" }), NOW);
    assert.equal(lines(), 1);
  });
});
