import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AccountId, toAccountId } from "../../src/core/discord/ids.ts";
import { ACCOUNT, channelId, guildMessage, messageId } from "../support/discord/builders.ts";
import { accepted, batch, frozen, openTestStore } from "../support/store/store.ts";
import { sameData } from "../support/same_data.ts";

const NOW = Date.UTC(2026, 0, 1);
const NOTHING = {
  inbox: { waiting: 0, running: 0 },
  outbox: { pending: 0, sending: 0, uncertain: 0, dead: 0, parked: 0, parkedChannels: 0 },
  decisions: [],
};
const messageOf = (id: string) => guildMessage({ id: messageId(id) });

describe("health()", () => {
  it("[O1] counts waiting and running messages, with the age of the oldest", async () => {
    const { store } = openTestStore();
    await store.inbox.acceptBatch(batch({ judged: [accepted(messageOf("1"))] }), NOW);
    await store.inbox.acceptBatch(
      batch({ judged: [accepted(messageOf("2")), accepted(messageOf("3"))] }),
      NOW + 5,
    );
    assert.deepEqual((await store.health()).inbox, {
      waiting: 3,
      running: 0,
      oldestWaitingAt: NOW,
    });
    await store.inbox.claimNext(ACCOUNT, NOW + 9, []);
    assert.deepEqual((await store.health()).inbox, {
      waiting: 2,
      running: 1,
      oldestWaitingAt: NOW + 5,
    });
  });

  it("[C7] counts messages of an account that does not run, but never as late", async () => {
    const { store } = openTestStore();
    const stopped = toAccountId("gone");
    const judged = [accepted({ ...messageOf("1"), accountId: stopped })];
    await store.inbox.acceptBatch(batch({ accountId: stopped, judged }), NOW);
    await store.inbox.acceptBatch(batch({ judged: [accepted(messageOf("2"))] }), NOW + 5);
    await store.outbox.addAll([frozen({ accountId: stopped, nonce: "a" })], NOW);
    await store.outbox.addAll([frozen({ nonce: "b" })], NOW + 5);
    const ages = async (left: readonly AccountId[]) => {
      const { inbox, outbox } = await store.health(left);
      assert.deepEqual([inbox.waiting, outbox.pending], [2, 2]);
      return [inbox.oldestWaitingAt, outbox.oldestUnsentAt];
    };
    assert.deepEqual(await ages([]), [NOW, NOW]);
    assert.deepEqual(await ages([stopped]), [NOW + 5, NOW + 5]);
    assert.deepEqual(await ages([stopped, ACCOUNT]), [undefined, undefined]);
  });

  it("[O1] counts unsent messages by state, with the age of those still to be sent", async () => {
    const { store } = openTestStore();
    await store.inbox.acceptBatch(batch({ judged: [accepted(messageOf("1"))] }), NOW);
    const claim = (await store.inbox.claimNext(ACCOUNT, NOW, []))!;
    const outbox = ["a", "b", "c", "d"].map((nonce, index) =>
      frozen({ nonce, channelId: channelId(String(index + 1)) })
    );
    await store.turns.finishTurn(
      { claim, end: { kind: "answered" }, entries: [], outbox },
      NOW + 1,
    );
    const [dead, uncertain, sending] = await store.outbox.heads(ACCOUNT);
    await store.outbox.markDead(dead!, "no");
    await store.outbox.markSending(uncertain!, NOW);
    await store.outbox.markUncertain(uncertain!, "unknown");
    await store.outbox.markSending(sending!, NOW);
    assert.deepEqual((await store.health()).outbox, {
      pending: 1,
      sending: 1,
      uncertain: 1,
      dead: 1,
      parked: 0,
      parkedChannels: 0,
      oldestUnsentAt: NOW + 1,
    });
    for (const row of await store.outbox.heads(ACCOUNT)) await store.outbox.markSent(row);
    sameData((await store.health()).outbox, { ...NOTHING.outbox, uncertain: 1, dead: 1 });
  });

  it("[O1] counts no message in a parked channel as late", async () => {
    const { store } = openTestStore();
    const { outbox } = store;
    for (const [index, channel] of ["1", "1", "2", "1"].entries()) {
      await outbox.add(frozen({ nonce: "", channelId: channelId(channel) }), NOW + index);
    }
    const [head] = await outbox.heads(ACCOUNT);
    await outbox.markSending(head!, NOW);
    await outbox.park(ACCOUNT, channelId("1"), { reason: "denied", now: NOW, nextTryAt: NOW });
    await outbox.park(ACCOUNT, channelId("3"), { reason: "denied", now: NOW, nextTryAt: NOW });
    const parked = { ...NOTHING.outbox, pending: 1, parked: 3, parkedChannels: 2 };
    assert.deepEqual((await store.health()).outbox, { ...parked, oldestUnsentAt: NOW + 2 });
    const [last] = await outbox.heads(ACCOUNT);
    await outbox.markSent(last!);
    sameData((await store.health()).outbox, { ...parked, pending: 0 });
    await outbox.add(frozen({ nonce: "", channelId: channelId("4") }), NOW + 9);
    await outbox.park(ACCOUNT, channelId("4"), { reason: "denied", now: NOW, nextTryAt: NOW });
    await outbox.unpark(ACCOUNT, [channelId("1"), channelId("3")]);
    assert.equal((await store.health()).outbox.oldestUnsentAt, NOW, "it is tried again");
    await outbox.unpark(ACCOUNT, "all");
    const [, other] = await outbox.heads(ACCOUNT);
    await outbox.markSent(other!);
    assert.deepEqual((await store.health()).outbox, {
      ...NOTHING.outbox,
      pending: 2,
      sending: 1,
      oldestUnsentAt: NOW,
    });
  });
});
