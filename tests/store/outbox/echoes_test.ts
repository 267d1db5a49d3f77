import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type { Echo, Foreign } from "../../../src/core/inbound/inbox.ts";
import { prepareAddToOutbox, prepareSettleEcho } from "../../../src/store/outbox/rows.ts";
import { ACCOUNT, channelId, messageId, outboundMessage } from "../../support/discord/builders.ts";
import { openDatabase } from "../../support/store/open_database.ts";
import { sameData } from "../../support/same_data.ts";

const SECOND = toAccountId("second");
const MESSAGE = messageId("1400000000000000077");
const OTHER = messageId("1400000000000000078");
/** Arrival time of the echo. */
const AT = 1_000_000;
const ROW = outboundMessage({ nonce: "ours" });

const echo = (fields: Partial<Echo> = {}): Echo => ({
  nonce: "ours",
  messageId: MESSAGE,
  channelId: ROW.channelId,
  heardAt: AT,
  ...fields,
});

function openRow(state: string, fields: { attemptAt?: number; messageId?: string } = {}) {
  const database = openDatabase();
  prepareAddToOutbox(database)({ message: ROW, files: [] }, 0);
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
    ["the echo of a row that is being sent", "sending", { attemptAt: AT - 300 }, undefined],
    ["an echo at the time of our attempt", "sending", { attemptAt: AT }, undefined],
    ["an echo from before our first attempt", "sending", { attemptAt: AT + 1 }, "early"],
    ["the echo of an uncertain row", "uncertain", { attemptAt: AT - 60_000 }, undefined],
    [
      "an echo of a dead row from before our first attempt",
      "dead",
      { attemptAt: AT + 9_000 },
      "early",
    ],
    ["a duplicate instance's copy of a pending row", "pending", {}, "unsent"],
    ["a foreign copy of a row that Discord refused us", "dead", {}, "unsent"],
    ["a second echo of a sent row", "sent", { attemptAt: AT, messageId: MESSAGE }, undefined],
    [
      "the echo of a row that was deleted before Discord told its id",
      "sent",
      { attemptAt: AT },
      undefined,
    ],
    [
      "a second message with the nonce of a sent row",
      "sent",
      { attemptAt: AT, messageId: OTHER },
      "unknown",
    ],
  ];
  for (const [name, state, fields, why] of WHY) {
    it(`[G11] judges ${name} as ${why ?? "ours"}, and settles the row once`, () => {
      const { settle, stored } = openRow(state, fields);
      const foreign = why && { foreign: { messageId: MESSAGE, channelId: ROW.channelId, why } };
      const settledIn = state !== "sent" && { settledIn: ROW.channelId };
      const before = stored();
      sameData(settle(ACCOUNT, echo()), { ...settledIn, ...foreign });
      const after = state === "sent" ? before : { state: "sent", message_id: MESSAGE };
      assert.deepEqual(stored(), after);
      if (state !== "sent") sameData(settle(ACCOUNT, echo()), {}, "replayed, it is known");
      assert.deepEqual(stored(), after);
    });
  }

  it("[G11] accepts a message from the channel's history, which has no arrival time", () => {
    const { settle } = openRow("sending", { attemptAt: AT + 1 });
    const { heardAt: _, ...found } = echo();
    assert.deepEqual(settle(ACCOUNT, found), { settledIn: ROW.channelId });
  });

  it("[G11] judges messages without a nonce of the account's rows as unknown", () => {
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
