import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { type Entry } from "../../../src/core/inbound/mentions.ts";
import { ACCOUNT, guildMessage, messageId, sender } from "../../support/discord/builders.ts";
import { accepted, batch, ignored, openTestStore, ROUTE } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const CHANNEL = guildMessage().channelId;
const KEY = { accountId: ACCOUNT, channelId: CHANNEL };
const SECOND = toAccountId("second");

/** Messages with rising ids; the first id has one digit less than the others. */
const messageOf = (digits: string, fields: Partial<InboundMessage> = {}) =>
  guildMessage({ id: messageId(digits), text: `said ${digits}`, ...fields });

const call = { id: "c", name: "n", arguments: "{}" };

async function openContext(...ids: readonly string[]) {
  const test = openTestStore();
  await test.store.inbox.acceptBatch(
    batch({ judged: ids.map((id) => ignored(messageOf(id))) }),
    NOW,
  );
  /** Accepts a message with this id, and returns the ids that its turn would see. */
  const heardBy = async (id: string, limit = 20) => {
    await test.store.inbox.acceptBatch(batch({ judged: [accepted(messageOf(id))] }), NOW);
    const heard = await test.store.turns.overheard(KEY, ROUTE.sessionKey, messageId(id), limit);
    return heard.map(({ messageId }) => messageId);
  };
  const end = async (kind: "answered" | "failed", calls = 0) => {
    const claim = (await test.store.inbox.claimNext(ACCOUNT, NOW, []))!;
    const at = { messageId: claim.message.id, at: NOW };
    await test.store.turns.finishTurn({
      claim,
      end: kind === "failed" ? { kind, failureId: "f", reason: "r" } : { kind },
      entries: kind === "failed" ? [] : [
        { role: "user", text: "?", ...at },
        ...Array.from({ length: calls }, (): Entry => ({ role: "tool", text: "", call, ...at })),
        { role: "assistant", text: "!", ...at },
      ],
      outbox: [],
    }, NOW);
  };
  return { ...test, heardBy, end };
}

describe("overheard()", () => {
  it("[H1] returns the newest messages before another, and compares ids as numbers", async () => {
    const { heardBy } = await openContext("9", "10", "11", "100", "300");
    assert.deepEqual(await heardBy("200"), ["9", "10", "11", "100"]);
    assert.deepEqual(await heardBy("200", 2), ["11", "100"]);
    assert.deepEqual(await heardBy("200", 0), []);
  });

  it("[H1] returns only messages that the session does not have yet", async () => {
    const { heardBy, end } = await openContext("10", "11", "31");
    assert.deepEqual(await heardBy("20"), ["10", "11"]);
    await end("answered");
    assert.deepEqual(await heardBy("30"), []);
    assert.deepEqual(await heardBy("40"), ["31"]);
  });

  it("[H1] returns messages again after a failed turn", async () => {
    const { heardBy, end } = await openContext("10");
    await heardBy("20");
    await end("failed");
    assert.deepEqual(await heardBy("30"), ["10"]);
  });

  it("[P10] returns no message to an account that only another one may read", async () => {
    const { store, heardBy } = await openContext("10");
    const judged = [ignored(messageOf("11", { accountId: SECOND }))];
    await store.inbox.acceptBatch(batch({ accountId: SECOND, judged }), NOW);
    assert.deepEqual(await heardBy("20"), ["10"]);
  });

  it("[H1] returns author, text, reply and time", async () => {
    const { store } = openTestStore();
    const message = messageOf("10", {
      sender: sender({ tag: "ada#1234" }),
      quoted: { id: messageId("9"), text: "before" },
    });
    await store.inbox.acceptBatch(
      batch({ judged: [ignored(message), accepted(messageOf("20"))] }),
      NOW,
    );
    assert.deepEqual(await store.turns.overheard(KEY, "s", messageId("20"), 1), [{
      messageId: "10",
      tag: "ada#1234",
      authorId: message.sender.id,
      text: "said 10",
      replyTo: "9",
      sentAt: message.sentAt,
    }]);
  });
});
