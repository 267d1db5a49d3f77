import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OutboxAction } from "../../../src/core/outbound/outbound.ts";
import { ACCOUNT, messageId } from "../../support/discord/builders.ts";
import { frozen, openTestStore, part } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const MESSAGE = messageId("1400000000000000077");

describe("the action of a row", () => {
  const edit: OutboxAction = { kind: "edit", messageId: MESSAGE };
  const remove: OutboxAction = { kind: "delete", messageId: MESSAGE };
  const post: OutboxAction = { kind: "post" };
  const nothing: OutboxAction = { kind: "nothing" };

  /** By the state of the draft. */
  const TABLE: readonly (readonly [
    state: string | undefined,
    messageId: string | null,
    becomesThis: OutboxAction,
    becomesNothing: OutboxAction,
  ])[] = [
    ["sent", MESSAGE, edit, remove],
    ["sent", null, nothing, nothing], // deleted before Discord told its id
    ["dead", null, post, nothing],
    ["withdrawn", null, post, nothing],
    ["dropped", null, post, nothing],
    ["uncertain", null, post, nothing],
    [undefined, null, post, nothing],
  ];
  for (const [state = "none", id, becomesThis, becomesNothing] of TABLE) {
    it(`[R8] is ${becomesThis.kind} or ${becomesNothing.kind} of a draft that is ${state}${id ? "" : ", without an id"}`, async () => {
      for (const becomes of ["this", "nothing"] as const) {
        const { database, store } = openTestStore();
        if (state !== "none") {
          await store.outbox.add(frozen({ nonce: "draft", of: part("1", { kind: "draft" }) }), NOW);
          database.prepare("UPDATE outbox SET state = ?, message_id = ?").run(state, id);
        }
        await store.outbox.add(
          frozen({ nonce: "final" }, { draft: { nonce: "draft", becomes } }),
          NOW,
        );
        const [head] = await store.outbox.heads(ACCOUNT);
        assert.equal(head?.message.nonce, "final");
        assert.deepEqual(head.action, becomes === "this" ? becomesThis : becomesNothing);
      }
    });
  }

  it("[R8] depends on the draft, which is settled first", async () => {
    const { store: { outbox } } = openTestStore();
    const draft = await outbox.add(frozen({ nonce: "draft", of: part("1", { kind: "draft" }) }), 1);
    await outbox.add(
      frozen({ nonce: "final" }, { draft: { nonce: "draft", becomes: "this" } }),
      NOW,
    );
    assert.deepEqual((await outbox.heads(ACCOUNT)).map(({ id }) => id), [draft.id]);
    await outbox.markSending(draft, NOW);
    assert.deepEqual((await outbox.heads(ACCOUNT)).map(({ id }) => id), [draft.id]);
    await outbox.markSent(draft, MESSAGE);
    const [head] = await outbox.heads(ACCOUNT);
    assert.deepEqual(head?.action, edit);
  });
});
