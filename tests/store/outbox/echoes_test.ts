import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type { Echo, Foreign } from "../../../src/core/inbound/inbox.ts";
import { prepareSettleEcho } from "../../../src/store/outbox/echoes.ts";
import { prepareAddToOutbox } from "../../../src/store/outbox/rows.ts";
import { createOutgoing } from "../../../src/store/memory/outgoing.ts";
import { ACCOUNT, channelId, messageId, outboundMessage } from "../../support/discord/builders.ts";
import { openDatabase } from "../../support/store/open_database.ts";

const SECOND = toAccountId("second");
const MESSAGE = messageId("1400000000000000077");
const OTHER = messageId("1400000000000000078");
/** When it came. */
const AT = 1_000_000;
const ROW = outboundMessage({ nonce: "ours" });

const echo = (fields: Partial<Echo> = {}): Echo => ({
  nonce: "ours",
  messageId: MESSAGE,
  channelId: ROW.channelId,
  heardAt: AT,
  ...fields,
});

/** One row, in the state given. */
function openRow(state: string, fields: { attemptAt?: number; messageId?: string } = {}) {
  const database = openDatabase();
  prepareAddToOutbox(database, createOutgoing(database))({ message: ROW, files: [] }, 0);
  database.prepare("UPDATE outbox SET state = ?, first_attempt_at = ?, message_id = ?")
    .run(state, fields.attemptAt ?? null, fields.messageId ?? null);
  const settle = prepareSettleEcho(database);
  const stored = () => ({ ...database.prepare("SELECT state, message_id FROM outbox").get() });
  return { settle, stored };
}

describe("prepareSettleEcho()", () => {
  const WHY: readonly (readonly [
    name: string,
    state: string,
    fields: { attemptAt?: number; messageId?: string },
    why: Foreign["why"] | undefined,
  ])[] = [
    ["the echo of what is being sent", "sending", { attemptAt: AT - 300 }, undefined],
    ["one that came as we asked", "sending", { attemptAt: AT }, undefined],
    ["one that came before our first attempt", "sending", { attemptAt: AT + 1 }, "early"],
    ["one of which we could not tell", "uncertain", { attemptAt: AT - 60_000 }, undefined],
    [
      "one that we had given up, before our first attempt",
      "dead",
      { attemptAt: AT + 9_000 },
      "early",
    ],
    ["a twin's answer to what we are to answer", "pending", {}, "unsent"],
    ["what Discord refused us, and took of somebody else", "dead", {}, "unsent"],
    ["one that is sent, again", "sent", { attemptAt: AT, messageId: MESSAGE }, undefined],
    ["one that was gone by the time we asked", "sent", { attemptAt: AT }, undefined],
    ["a second message of a nonce", "sent", { attemptAt: AT, messageId: OTHER }, "unknown"],
  ];
  for (const [name, state, fields, why] of WHY) {
    it(`[G11] takes ${name} for ${why ?? "ours"}, and settles its row once`, () => {
      const { settle, stored } = openRow(state, fields);
      const foreign = why && { foreign: { messageId: MESSAGE, channelId: ROW.channelId, why } };
      const settledIn = state !== "sent" && { settledIn: ROW.channelId };
      const before = stored();
      assert.deepEqual(settle(ACCOUNT, echo()), { ...settledIn, ...foreign });
      const after = state === "sent" ? before : { state: "sent", message_id: MESSAGE };
      assert.deepEqual(stored(), after);
      if (state !== "sent") assert.deepEqual(settle(ACCOUNT, echo()), {}, "replayed, it is known");
      assert.deepEqual(stored(), after);
    });
  }

  it("[G11] knows nothing of when what a history told was said", () => {
    const { settle } = openRow("sending", { attemptAt: AT + 1 });
    const { heardAt: _, ...found } = echo();
    assert.deepEqual(settle(ACCOUNT, found), { settledIn: ROW.channelId });
  });

  it("[G11] takes for unknown what has no nonce, or one of no row, or of another account's", () => {
    const { settle, stored } = openRow("sending", { attemptAt: AT });
    const elsewhere = channelId("5");
    const { nonce: _, ...bare } = echo({ channelId: elsewhere });
    const foreign: Foreign = { messageId: MESSAGE, channelId: elsewhere, why: "unknown" };
    assert.deepEqual(settle(ACCOUNT, bare), { foreign });
    assert.deepEqual(settle(ACCOUNT, { ...bare, nonce: "another" }), { foreign });
    assert.deepEqual(settle(SECOND, { ...bare, nonce: "ours" }), { foreign });
    assert.deepEqual(stored(), { state: "sending", message_id: null });
  });
});
