import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type { OutboundFile } from "../../../src/core/outbound/outbound.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { PREVIEW_CHARS } from "../../../src/store/outbox/outbox.ts";
import { ACCOUNT, channelId, messageId, outboundMessage } from "../../support/discord/builders.ts";
import { sameData } from "../../support/same_data.ts";
import { createStore } from "../../support/store/open_database.ts";
import { batch, frozen, openTestStore, part } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const STATES = ["pending", "sending", "sent", "uncertain", "dead", "dropped", "withdrawn"] as const;
const FILES = [{ name: "a.md", bytes: new Uint8Array([1]) }];

/** One row in each state, each with a file. */
async function openStates(fields: Parameters<typeof frozen>[0] = {}) {
  const test = openTestStore();
  const { outbox } = test.store;
  for (const [index, state] of STATES.entries()) {
    const { id } = await outbox.add(frozen({ ...fields, nonce: state }, { files: FILES }), NOW);
    test.database.prepare(
      `UPDATE outbox SET state = ?, created_at = ?, first_attempt_at = 5, failing_since = 6,
                         refusal = 'no' WHERE id = ?`,
    ).run(state, NOW + index, id);
  }
  const idOf = (state: typeof STATES[number]) => STATES.indexOf(state) + 1;
  const stateOf = (id: number) => test.rows(`SELECT * FROM outbox WHERE id = ${id}`)[0];
  return { ...test, outbox, idOf, stateOf };
}

describe("open()", () => {
  it("[O1] lists messages that Discord does not have, and no finished ones", async () => {
    const { outbox } = await openStates({ of: part("1") });
    const open = await outbox.open(ACCOUNT);
    assert.deepEqual(open.map(({ state }) => state), ["pending", "sending", "uncertain", "dead"]);
    sameData(open[2], {
      id: 4,
      channelId: outboundMessage().channelId,
      state: "uncertain",
      kind: "reply",
      preview: "hello, Ada",
      chars: 10,
      fileCount: 1,
      createdAt: NOW + 3,
      firstAttemptAt: 5,
      failingSince: 6,
      reason: "no",
    });
    assert.deepEqual(await outbox.open(toAccountId("second")), []);
  });

  it("[D5] gives reason and next attempt of a waiting message, and names it for the one behind", async () => {
    const { outbox } = openTestStore().store;
    for (const nonce of ["a", "b"]) await outbox.add(frozen({ nonce }), NOW);
    await outbox.add(frozen({ nonce: "c", channelId: channelId("5") }), NOW);
    const [head] = await outbox.heads(ACCOUNT);
    await outbox.markSending(head!, NOW);
    await outbox.markWaiting(head!, "failed with 502", NOW + 8_000);
    const shown = async () =>
      (await outbox.open(ACCOUNT)).map(({ reason, nextAttemptAt, behind }) => [
        reason,
        nextAttemptAt,
        behind,
      ]);
    const others = [[undefined, undefined, 1], [undefined, undefined, undefined]];
    assert.deepEqual(await shown(), [["failed with 502", NOW + 8_000, undefined], ...others]);
    await outbox.markUncertain(head!, "set aside");
    assert.deepEqual((await shown())[0], ["set aside", undefined, undefined]);
  });

  it("[R11] gives the reason why a channel is parked", async () => {
    const { outbox } = openTestStore().store;
    await outbox.add(frozen({ nonce: "" }), NOW);
    await outbox.add(frozen({ nonce: "", channelId: channelId("5") }), NOW);
    await outbox.park(ACCOUNT, channelId("5"), { reason: "denied", now: NOW, nextTryAt: NOW });
    const open = await outbox.open(ACCOUNT);
    assert.deepEqual(open.map(({ state, reason, kind }) => [state, reason, kind]), [
      ["pending", undefined, undefined],
      ["parked", "denied", undefined],
    ]);
    await outbox.unpark(ACCOUNT, "all");
    assert.deepEqual((await outbox.open(ACCOUNT)).map(({ state }) => state), [
      "pending",
      "pending",
    ]);
  });

  it("[O1] returns the beginning of a long text, and breaks no character", async () => {
    const { outbox } = openTestStore().store;
    const content = "🐚".repeat(500);
    await outbox.add(frozen({ content }), NOW);
    const [row] = await outbox.open(ACCOUNT);
    assert.equal(row?.preview, "🐚".repeat(PREVIEW_CHARS));
    assert.equal(row?.chars, 1_000);
  });
});

describe("release()", () => {
  for (const state of STATES) {
    const isHeld = state === "uncertain" || state === "dead";
    const isUnsent = isHeld || state === "pending" || state === "sending";

    it(`[D2] ${isHeld ? "sends again" : "does not send again"} a row that is ${state}`, async () => {
      const { outbox, idOf, stateOf } = await openStates();
      const before = stateOf(idOf(state));
      assert.equal(await outbox.release(idOf(state), "resend"), isHeld);
      const fresh = {
        state: "pending",
        first_attempt_at: null,
        failing_since: null,
        refusal: null,
      };
      assert.deepEqual(stateOf(idOf(state)), isHeld ? { ...before, ...fresh } : before);
      assert.equal(await outbox.release(idOf(state), "resend"), false, "once");
    });

    it(`[D2] ${isUnsent ? "gives up" : "does not give up"} a row that is ${state}`, async () => {
      const { outbox, idOf, stateOf, rows } = await openStates();
      const before = stateOf(idOf(state));
      assert.equal(await outbox.release(idOf(state), "drop"), isUnsent);
      const given = { state: "dropped", refusal: "given up by hand" };
      assert.deepEqual(stateOf(idOf(state)), isUnsent ? { ...before, ...given } : before);
      const files = rows(`SELECT * FROM outbox_file WHERE outbox_row = ${idOf(state)}`);
      assert.equal(files.length, isUnsent ? 0 : 1);
    });
  }

  it("[D1] sends a held message, with nonce and files, before waiting ones", async () => {
    const { outbox, idOf } = await openStates();
    await outbox.release(idOf("pending"), "drop");
    await outbox.release(idOf("sending"), "drop");
    await outbox.add(frozen({ nonce: "later" }), NOW);
    await outbox.release(idOf("uncertain"), "resend");
    const [head] = await outbox.heads(ACCOUNT);
    assert.equal(head?.message.nonce, "uncertain");
    assert.equal(head.firstAttemptAt, undefined);
    sameData(await outbox.filesOf(head), FILES);
  });

  it("[R8] sends no draft again, and no message whose files are deleted", async () => {
    const drafts = await openStates({ of: part("1", { kind: "draft" }) });
    assert.equal(await drafts.outbox.release(drafts.idOf("dead"), "resend"), false);
    const { database, outbox, idOf } = await openStates();
    database.exec("DELETE FROM outbox_file");
    assert.equal(await outbox.release(idOf("dead"), "resend"), false);
    assert.equal(await outbox.release(99, "resend"), false);
    assert.equal(await outbox.release(99, "drop"), false);
  });

  it("[R8] removes the draft of a message that is given up", async () => {
    for (const [state, action] of [["sent", "delete"], ["sending", undefined]] as const) {
      const { database, store: { outbox }, rows } = openTestStore();
      const draft = frozen({ nonce: "draft", of: part("1", { kind: "draft" }) });
      const shown = await outbox.add(draft, NOW);
      await outbox.markSending(shown, NOW);
      if (state === "sent") await outbox.markSent(shown, messageId("77"));
      const becomes = { nonce: "draft", becomes: "this" } as const;
      const final = await outbox.add(
        frozen({ nonce: "final", of: part("1") }, { draft: becomes }),
        NOW,
      );
      assert.equal(await outbox.release(final.id, "drop"), true);
      assert.equal(await outbox.release(final.id, "drop"), false);
      const [, dropped, removal, ...more] = rows("SELECT state, action, draft_nonce FROM outbox");
      assert.deepEqual(dropped, { state: "dropped", action: "replace", draft_nonce: "draft" });
      assert.deepEqual(removal, { state: "pending", action: "remove", draft_nonce: "draft" });
      assert.deepEqual(more, []);
      const [head] = await outbox.heads(ACCOUNT);
      if (action) assert.deepEqual(head?.action, { kind: action, messageId: "77" });
      else assert.equal(head?.id, shown.id, "Barnacle must first find out whether it was posted");
      database.close();
    }
  });

  it("[R8] removes no draft that was never posted", async () => {
    for (const state of ["pending", "dead", "withdrawn"]) {
      const { database, store: { outbox }, rows } = openTestStore();
      await outbox.add(frozen({ nonce: "draft", of: part("1", { kind: "draft" }) }), NOW);
      const becomes = { nonce: "draft", becomes: "this" } as const;
      const final = await outbox.add(
        frozen({ nonce: "final", of: part("1") }, { draft: becomes }),
        NOW,
      );
      database.prepare("UPDATE outbox SET state = ? WHERE nonce = 'draft'").run(state);
      assert.equal(await outbox.release(final.id, "drop"), true);
      const expected = [state === "pending" ? "withdrawn" : state, "dropped"];
      assert.deepEqual(rows("SELECT state FROM outbox").map(({ state }) => state), expected);
      database.close();
    }
  });

  it("[D2] does not undo changes of the running bot", async () => {
    const { outbox } = openTestStore().store;
    const row = await outbox.add(frozen(), NOW);
    await outbox.markSending(row, NOW);
    assert.equal(await outbox.release(row.id, "drop"), true);
    assert.equal(await outbox.markSending(row, NOW), false, "its queue continues without it");
    assert.equal(await outbox.markSent(row, messageId("77")), true, "the attempt was running");
    assert.equal(await outbox.release(row.id, "drop"), false);
  });
});

const FILES_FILES: readonly OutboundFile[] = [
  {
    name: "Grüße 🐚.md",
    alt: "all of it",
    contentType: "text/markdown",
    bytes: new TextEncoder().encode("hello\n".repeat(1_000)),
  },
  { name: "empty", isSpoiler: true, bytes: new Uint8Array(0) },
  { name: "raw.bin", bytes: Uint8Array.from({ length: 70_000 }, (_, index) => index % 251) },
];

async function openSending(nonce = "with") {
  const test = openTestStore();
  const { outbox } = test.store;
  const row = await outbox.add(frozen({ nonce }, { files: FILES_FILES }), NOW);
  const remaining = () => test.rows("SELECT * FROM outbox_file").length;
  return { ...test, outbox, row, remaining };
}

describe("filesOf()", () => {
  it("[R12] returns each file whole, in the order of sending", async () => {
    const { outbox, row } = await openSending();
    assert.equal(row.fileCount, 3);
    sameData(await outbox.filesOf(row), FILES_FILES);
    const [head] = await outbox.heads(ACCOUNT);
    sameData(await outbox.filesOf(head!), FILES_FILES);
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
      await outbox.add(frozen(channel, { files: FILES_FILES }), NOW);
    }
    const heads = await outbox.heads(ACCOUNT);
    for (const row of heads.slice(0, 5)) await outbox.markDead(row, "no");
    await outbox.markSending(heads[5]!, NOW);
    await outbox.markUncertain(heads[5]!, "unknown");
    const remaining = () =>
      rows("SELECT DISTINCT outbox_row AS id FROM outbox_file ORDER BY 1").map(({ id }) => id);
    await store.gateway.touchAlive(ACCOUNT, undefined, NOW + 7 * DAY_MS);
    assert.equal(remaining().length, 7);
    await store.gateway.touchAlive(ACCOUNT, undefined, NOW + 7 * DAY_MS + 1);
    assert.equal(remaining().length, 3);
    await store.gateway.touchAlive(ACCOUNT, undefined, NOW + 7 * DAY_MS + 1);
    assert.deepEqual(remaining(), [7], "unsent messages keep their files");
  });

  it("[X6] stay for ever if `mediaDays` is 0", async () => {
    const retention = { decisionsDays: 0, contextDays: 0, mediaDays: 0, contextPerChannel: 9 };
    const { database, rows } = openTestStore();
    const store = createStore(database, ":memory:", { elapsed: () => 0, retention });
    const row = await store.outbox.add(frozen({}, { files: FILES_FILES }), NOW);
    await store.outbox.markDead(row, "no");
    await store.gateway.touchAlive(ACCOUNT, undefined, NOW + 10_000 * DAY_MS);
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

it("[D5] unpark() › unparks the given channels, or all of the account", async () => {
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
