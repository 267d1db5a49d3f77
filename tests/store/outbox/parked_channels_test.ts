import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { ACCOUNT, channelId, messageId } from "../../support/discord/builders.ts";
import { frozen, openTestStore } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECOND = toAccountId("second");
const OPS = channelId("1400000000000000005");
const HELP = channelId("1400000000000000006");
const DENIED = { reason: "Send Messages is denied for the role Krill", now: NOW, nextTryAt: NOW };

/** Two messages to #ops, and one to another channel. */
async function openQueues() {
  const test = openTestStore();
  const { outbox } = test.store;
  await outbox.add(frozen({ nonce: "ops-1", channelId: OPS }), NOW);
  await outbox.add(frozen({ nonce: "ops-2", channelId: OPS }), NOW + 1);
  await outbox.add(frozen({ nonce: "help", channelId: HELP }), NOW + 2);
  const nonces = async () => (await outbox.heads(ACCOUNT)).map(({ message }) => message.nonce);
  const failing = () =>
    test.rows("SELECT failing_since FROM outbox ORDER BY id")
      .map((row) => row["failing_since"]);
  return { ...test, outbox, nonces, failing };
}

describe("park()", () => {
  it("[D5] delays one channel and no other, and counts its waiting messages", async () => {
    const { outbox, nonces } = await openQueues();
    assert.equal(await outbox.park(ACCOUNT, OPS, DENIED), true);
    assert.deepEqual(await nonces(), ["help"]);
    assert.deepEqual(await outbox.heads(ACCOUNT, [OPS]), []);
    assert.deepEqual(await outbox.parked(ACCOUNT, NOW + 60), [
      { channelId: OPS, reason: DENIED.reason, since: NOW, waiting: 2 },
    ]);
    assert.deepEqual(await outbox.parked(SECOND, NOW + 60), []);
  });

  it("[D5] marks all waiting messages as failing from the first refusal on", async () => {
    const { outbox, failing } = await openQueues();
    const [head] = await outbox.heads(ACCOUNT, [OPS]);
    await outbox.markRefused(head!, "Missing Access", NOW - 5);
    await outbox.park(ACCOUNT, OPS, DENIED);
    assert.deepEqual(failing(), [NOW - 5, NOW, null]);
    await outbox.unpark(ACCOUNT, "all");
    await outbox.park(ACCOUNT, OPS, { ...DENIED, now: NOW + 9 });
    assert.deepEqual(failing(), [NOW - 5, NOW, null]);
  });

  it("[D5] asks for one notice, until a message arrives in the channel", async () => {
    const { outbox, failing } = await openQueues();
    assert.equal(await outbox.park(ACCOUNT, OPS, DENIED), true);
    const again = {
      reason: "Attach Files is denied for @everyone",
      now: NOW + 50,
      nextTryAt: NOW + 50,
    };
    assert.equal(await outbox.park(ACCOUNT, OPS, again), false);
    await outbox.unpark(ACCOUNT, [OPS]);
    assert.equal(await outbox.park(ACCOUNT, OPS, again), false);
    assert.deepEqual(await outbox.parked(ACCOUNT, NOW + 60), [
      { channelId: OPS, reason: again.reason, since: NOW, waiting: 2 },
    ]);

    await outbox.unpark(ACCOUNT, [OPS]);
    const [head] = await outbox.heads(ACCOUNT, [OPS]);
    await outbox.markSent(head!); // it was nothing but a draft to remove: nothing arrived
    assert.equal(await outbox.park(ACCOUNT, OPS, again), false);
    await outbox.unpark(ACCOUNT, [OPS]);
    const [next] = await outbox.heads(ACCOUNT, [OPS]);
    await outbox.add(frozen({ nonce: "ops-3", channelId: OPS }), NOW + 3);
    await outbox.park(ACCOUNT, OPS, again);
    assert.deepEqual(failing(), [null, NOW, null, NOW + 50]);
    await outbox.markSent(next!, messageId("77"));
    assert.deepEqual(failing(), [null, null, null, null], "waiting rows are not failing any more");
    assert.equal(await outbox.park(ACCOUNT, OPS, { ...DENIED, now: NOW + 60 }), true);
    assert.deepEqual((await outbox.parked(ACCOUNT, NOW + 60)).map(({ since }) => since), [
      NOW + 60,
    ]);
  });

  it("[D5] asks for another notice after a day without refusals", async () => {
    const { outbox } = await openQueues();
    await outbox.park(ACCOUNT, OPS, DENIED);
    await outbox.unpark(ACCOUNT, "all");
    assert.equal(await outbox.park(ACCOUNT, OPS, { ...DENIED, now: NOW + DAY_MS - 1 }), false);
    await outbox.unpark(ACCOUNT, "all");
    assert.equal(await outbox.park(ACCOUNT, OPS, { ...DENIED, now: NOW + 2 * DAY_MS }), true);
    assert.equal(await outbox.park(ACCOUNT, OPS, { ...DENIED, now: NOW + 4 * DAY_MS }), false);
  });

  it("[D5] stays in the list while it is tried again, until a message arrives there", async () => {
    const { outbox } = await openQueues();
    const listed = async (now = NOW) =>
      (await outbox.parked(ACCOUNT, now)).map(({ waiting }) => waiting);
    await outbox.park(ACCOUNT, OPS, DENIED);
    await outbox.unpark(ACCOUNT, "all");
    assert.deepEqual(await listed(NOW + 2 * DAY_MS), [2]);
    await outbox.park(ACCOUNT, OPS, DENIED);
    for (const id of [1, 2]) await outbox.release(id, "drop");
    assert.deepEqual(await listed(), [0]);
    assert.deepEqual(await listed(NOW + DAY_MS), [], "a day without a refusal or a message");
    await outbox.add(frozen({ nonce: "ops-3", channelId: OPS }), NOW + 3);
    const [head] = await outbox.heads(ACCOUNT, [OPS]);
    await outbox.markSent(head!, messageId("78"));
    assert.deepEqual(await listed(), []);
  });

  it("[D2] ends if the gateway's echo shows that a message arrived after all", async () => {
    const { store, outbox } = await openQueues();
    await outbox.park(ACCOUNT, OPS, DENIED);
    const echo = { nonce: "ops-1", messageId: messageId("77"), channelId: OPS };
    await store.inbox.acceptBatch(
      { accountId: ACCOUNT, judged: [], echoes: [echo], guilds: [] },
      NOW,
    );
    assert.deepEqual(await outbox.parked(ACCOUNT, NOW + 60), []);
  });
});

describe("unpark()", () => {
  it("[D5] unparks the given channels, or all of the account", async () => {
    const { outbox, nonces } = await openQueues();
    for (const channel of [OPS, HELP]) await outbox.park(ACCOUNT, channel, DENIED);
    await outbox.park(SECOND, OPS, DENIED);
    assert.equal(await outbox.unpark(ACCOUNT, [OPS, channelId("99")]), 1);
    assert.deepEqual(await nonces(), ["ops-1"]);
    assert.equal(await outbox.unpark(ACCOUNT, []), 0);
    assert.equal(await outbox.unpark(ACCOUNT, "all"), 1);
    assert.deepEqual(await nonces(), ["ops-1", "help"]);
    assert.equal((await outbox.parked(SECOND, NOW + 60)).length, 1);
  });
});
