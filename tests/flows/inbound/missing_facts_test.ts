import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InboundBatch, InboundEvent } from "../../../src/core/inbound/events.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { createMissingFacts } from "../../../src/flows/inbound/missing_facts.ts";
import { ACCOUNT, guildMessage, messageId, userId } from "../../support/discord/builders.ts";

const OWN = messageId("1400000000000000501");
const SELF = {
  userId: userId("1400000000000000001"),
  username: "krill",
  applicationId: "1" as never,
};

function setUp(hasFailed = false) {
  const taken: InboundEvent[][] = [];
  const known = () => hasFailed ? Promise.reject(new Error("x")) : Promise.resolve(new Set([OWN]));
  const missingFacts = createMissingFacts({
    outbox: { known },
    self: () => SELF,
    groupName: () => Promise.resolve("Book Club"),
  });
  const accept = (...events: readonly InboundEvent[]) =>
    missingFacts.inOrder(
      { accountId: ACCOUNT, shardId: 3, events } as unknown as InboundBatch,
      (batch) => void taken.push([...batch.events]),
    );
  return { missingFacts, accept, taken };
}

const plain = guildMessage({ text: "hi" });
const reply = (id = OWN, fields: Partial<InboundMessage> = {}) =>
  guildMessage({ quoted: { id, text: "" }, mention: undefined, ...fields });

describe("[M2] createMissingFacts()", () => {
  it("knows a reply to the bot by the id of its original, and keeps the order of batches", async () => {
    const { missingFacts, accept, taken } = setUp();
    accept(plain);
    assert.equal(taken.length, 1, "it lacks nothing");
    accept(reply(), { kind: "message_edited", message: reply() });
    accept(plain);
    assert.equal(taken.length, 1);
    await missingFacts.idle();
    const [, [found, edited] = [], last] = taken;
    assert.ok(found?.kind === "message" && edited?.kind === "message_edited");
    assert.deepEqual([found.mention, edited.message.mention], ["reply", "reply"]);
    assert.deepEqual(found.quoted?.author, { id: SELF.userId, tag: "krill" });
    assert.deepEqual(last, [plain]);
    accept(plain);
    assert.equal(taken.length, 4, "nothing waits any more");
  });

  it("leaves replies to others, and replies of bots count as no mention", async () => {
    const { missingFacts } = setUp();
    const bot = { ...plain.sender, automaton: "bot" } as const;
    const found = await missingFacts.complete([
      reply(messageId("7")),
      reply(OWN, { sender: bot }),
    ]);
    const mentions = found.map(({ mention }) => mention);
    assert.deepEqual(mentions, [undefined, undefined]);
  });

  it("[P5] names a group, and takes messages as they are if a look-up fails", async () => {
    const group = { ...plain, place: { kind: "group_dm" } } as const;
    for (const hasFailed of [false, true]) {
      const { missingFacts, accept, taken } = setUp(hasFailed);
      accept(group, reply());
      await missingFacts.idle();
      const [[named, replied] = []] = taken;
      assert.ok(named?.kind === "message" && replied?.kind === "message");
      assert.deepEqual(named.place, { kind: "group_dm", name: "Book Club" });
      assert.equal(replied.mention, hasFailed ? undefined : "reply");
    }
  });
});
