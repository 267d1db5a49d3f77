import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AnswerThread } from "../../../src/core/inbound/threads.ts";
import { ACCOUNT, channelId, userId } from "../../support/discord/builders.ts";
import { openTestStore } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);

function thread(fields: Partial<AnswerThread> = {}): AnswerThread {
  return {
    threadId: channelId("1400000000000000101"),
    channelId: channelId("5"),
    askerId: userId("7"),
    title: "Feeding krill",
    state: "opening",
    ...fields,
  };
}

describe("[S7] store.turns › threads of answers", () => {
  it("keep their first title, and Discord's answer", async () => {
    const { store: { turns } } = openTestStore();
    const { threadId } = thread();
    assert.equal(await turns.answerThread(ACCOUNT, threadId), undefined);
    await turns.beginThread(ACCOUNT, thread(), NOW);
    await turns.beginThread(ACCOUNT, thread({ title: "Another one" }), NOW + 1);
    assert.deepEqual(await turns.answerThread(ACCOUNT, threadId), thread());
    await turns.endThread(ACCOUNT, threadId, "open");
    assert.deepEqual(await turns.answerThread(ACCOUNT, threadId), thread({ state: "open" }));
  });

  it("are listed while they have their asker, unless Discord refused them", async () => {
    const { store: { turns } } = openTestStore();
    const ids = ["11", "12", "13"].map(channelId);
    for (const [index, threadId] of ids.entries()) {
      await turns.beginThread(ACCOUNT, thread({ threadId }), NOW + index);
    }
    const [first = channelId("1"), second = channelId("1"), third] = ids;
    await turns.endThread(ACCOUNT, second, "refused");
    await turns.setAskerIn(ACCOUNT, first, false);
    const listed = await turns.answerThreads(ACCOUNT, 10);
    assert.deepEqual(listed.map(({ threadId }) => threadId), [third]);
    await turns.setAskerIn(ACCOUNT, first, true);
    assert.equal((await turns.answerThreads(ACCOUNT, 10)).length, 2);
    assert.deepEqual((await turns.answerThreads(ACCOUNT, 1)).map(({ threadId }) => threadId), [
      third,
    ]);
  });
});
