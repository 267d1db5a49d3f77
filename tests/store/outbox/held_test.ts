import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { PREVIEW_CHARS } from "../../../src/store/outbox/outbox.ts";
import { ACCOUNT, channelId, messageId, outboundMessage } from "../../support/discord/builders.ts";
import { frozen, openTestStore, part } from "../../support/store/store.ts";
import { sameData } from "../../support/same_data.ts";

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
