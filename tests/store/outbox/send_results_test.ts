import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ACCOUNT, channelId, messageId } from "../../support/discord/builders.ts";
import { frozen, openTestStore } from "../../support/store/store.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = Date.UTC(2026, 0, 1);
const CHANNEL = channelId("11");

async function oneRow(nonce = "") {
  const { store, database } = openTestStore();
  const row = await store.outbox.add(frozen({ nonce, channelId: CHANNEL }), NOW);
  const setState = (state: string) =>
    database.prepare("UPDATE outbox SET state = ?, refusal = 'no'").run(state);
  return { outbox: store.outbox, row, setState };
}

describe("sendResultsOf()", () => {
  it("[D2] returns waiting and sent messages", async () => {
    const { outbox, row } = await oneRow();
    sameData(await outbox.sendResultsOf([row.id]), [{ id: row.id, kind: "waits" }]);
    await outbox.markSending(row, NOW);
    await outbox.markSent(row, messageId("77"));
    assert.deepEqual(await outbox.sendResultsOf([row.id]), [
      { id: row.id, kind: "sent", messageId: "77" },
    ]);
  });

  const kinds = [
    ["pending", "waits"],
    ["sending", "waits"],
    ["uncertain", "held"],
    ["dead", "failed"],
    ["dropped", "failed"],
  ] as const;
  for (const [state, kind] of kinds) {
    it(`returns "${kind}" for a row that is ${state}, with Discord's last refusal`, async () => {
      const { outbox, row, setState } = await oneRow();
      setState(state);
      assert.deepEqual(await outbox.sendResultsOf([row.id]), [{ id: row.id, kind, reason: "no" }]);
    });
  }

  it("[R11] prefers the reason why the channel is parked to Discord's refusal", async () => {
    const { outbox, row, setState } = await oneRow();
    setState("pending");
    await outbox.park(ACCOUNT, CHANNEL, { reason: "denied", now: NOW, nextTryAt: NOW });
    assert.deepEqual(await outbox.sendResultsOf([row.id]), [
      { id: row.id, kind: "waits", reason: "denied" },
    ]);
  });
});
