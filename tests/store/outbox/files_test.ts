import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type { OutboundFile } from "../../../src/core/outbound/outbound.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { ACCOUNT, channelId, messageId, outboundMessage } from "../../support/discord/builders.ts";
import { sameData } from "../../support/same_data.ts";
import { createStore } from "../../support/store/open_database.ts";
import { batch, frozen, openTestStore } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const FILES: readonly OutboundFile[] = [
  {
    name: "Grüße 🐚.md",
    alt: "all of it",
    contentType: "text/markdown",
    bytes: new TextEncoder().encode("hello\n".repeat(1_000)),
  },
  { name: "empty", bytes: new Uint8Array(0) },
  { name: "raw.bin", bytes: Uint8Array.from({ length: 70_000 }, (_, index) => index % 251) },
];

async function openSending(nonce = "with") {
  const test = openTestStore();
  const { outbox } = test.store;
  const row = await outbox.add(frozen({ nonce }, { files: FILES }), NOW);
  const remaining = () => test.rows("SELECT * FROM outbox_file").length;
  return { ...test, outbox, row, remaining };
}

describe("filesOf()", () => {
  it("[R12] returns each file whole, in the order of sending", async () => {
    const { outbox, row } = await openSending();
    assert.equal(row.fileCount, 3);
    sameData(await outbox.filesOf(row), FILES);
    const [head] = await outbox.heads(ACCOUNT);
    sameData(await outbox.filesOf(head!), FILES);
  });

  it("[R12] keeps a spoiler, whether by its field or by the beginning of its name", async () => {
    const { outbox } = openTestStore().store;
    const bytes = new Uint8Array([1]);
    const files = [
      { name: "end.png", isSpoiler: true, bytes },
      { name: "SPOILER_old.png", bytes },
      { name: "SPOILER_", bytes },
    ];
    const row = await outbox.add(frozen({}, { files }), NOW);
    assert.deepEqual(
      (await outbox.filesOf(row)).map(({ name, isSpoiler }) => [name, isSpoiler]),
      [["end.png", true], ["old.png", true], ["SPOILER_", undefined]],
    );
  });

  it("[X2] keeps a file's texts whole that have a NUL in them", async () => {
    const { outbox } = openTestStore().store;
    const files = [{ name: "a\0b.md", alt: "c\0d", bytes: new Uint8Array([0, 1, 0]) }];
    const row = await outbox.add(frozen({}, { files }), NOW);
    sameData(await outbox.filesOf(row), [{ ...files[0], name: "ab.md", alt: "cd" }]);
  });
});

describe("the bytes of a file", () => {
  it("[X6] are deleted once Discord has them", async () => {
    const { outbox, row, remaining, rows } = await openSending();
    await outbox.markSending(row, NOW);
    assert.equal(remaining(), 3);
    await outbox.markSent(row, messageId("77"));
    assert.equal(remaining(), 0);
    assert.deepEqual(rows("SELECT file_count FROM outbox"), [{ file_count: 3 }]);
  });

  it("[X6] are deleted by the gateway's echo", async () => {
    const { store, remaining } = await openSending("with");
    const { channelId } = outboundMessage();
    const echoes = [{ nonce: "with", messageId: messageId("77"), channelId }];
    await store.inbox.acceptBatch(batch({ echoes }), NOW);
    assert.equal(remaining(), 0);
  });

  it("[X6] are deleted `mediaDays` after the message is dead, a few at a time", async () => {
    const retention = { decisionsDays: 0, contextDays: 0, mediaDays: 7, contextPerChannel: 9 };
    const { database, rows } = openTestStore();
    const store = createStore(database, ":memory:", { elapsed: () => 0, retention });
    const { outbox } = store;
    for (let index = 0; index < 7; index++) {
      const channel = { nonce: `n${index}`, channelId: channelId(String(index + 1)) };
      await outbox.add(frozen(channel, { files: FILES }), NOW);
    }
    const heads = await outbox.heads(ACCOUNT);
    for (const row of heads.slice(0, 5)) await outbox.markDead(row, "no");
    await outbox.markSending(heads[5]!, NOW);
    await outbox.markUncertain(heads[5]!, "unknown");
    const remaining = () =>
      rows("SELECT DISTINCT outbox_row AS id FROM outbox_file ORDER BY 1").map(({ id }) => id);
    await store.gateway.touchAlive(ACCOUNT, [], NOW + 7 * DAY_MS);
    assert.equal(remaining().length, 7);
    await store.gateway.touchAlive(ACCOUNT, [], NOW + 7 * DAY_MS + 1);
    assert.equal(remaining().length, 3);
    await store.gateway.touchAlive(ACCOUNT, [], NOW + 7 * DAY_MS + 1);
    assert.deepEqual(remaining(), [7], "unsent messages keep their files");
  });

  it("[X6] stay for ever if `mediaDays` is 0", async () => {
    const retention = { decisionsDays: 0, contextDays: 0, mediaDays: 0, contextPerChannel: 9 };
    const { database, rows } = openTestStore();
    const store = createStore(database, ":memory:", { elapsed: () => 0, retention });
    const row = await store.outbox.add(frozen({}, { files: FILES }), NOW);
    await store.outbox.markDead(row, "no");
    await store.gateway.touchAlive(ACCOUNT, [], NOW + 10_000 * DAY_MS);
    assert.equal(rows("SELECT * FROM outbox_file").length, 3);
  });
});

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
    const again = { reason: "Attach Files is denied", now: NOW + 50, nextTryAt: NOW + 50 };
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
