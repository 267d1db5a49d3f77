import { bareAccount } from "../../support/account.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Asks, createAsk } from "../../../src/flows/interactions/ask.ts";
import type { AcceptedBatch } from "../../../src/core/inbound/inbox.ts";
import { NOTHING_ACCEPTED, toUnanswered } from "../../../src/core/inbound/inbox.ts";
import type { Verdict } from "../../../src/core/inbound/verdict.ts";
import { channelId, messageId } from "../../support/discord/builders.ts";
import { callOf } from "../../support/discord/calls.ts";

const ACCEPTED: Verdict = { kind: "accept", why: "mentioned", rule: "r" };
const DENIED: Verdict = { kind: "challenge", why: "pairing", rule: "r" };
const DIRECT = channelId("1400000000000000900");
const CHANNEL = channelId("1400000000000000901");

function build(
  verdict: Verdict = ACCEPTED,
  isFull = false,
  isRefused = false,
) {
  const batches: AcceptedBatch[] = [];
  const told: string[] = [];
  const inbox = {
    acceptBatch(batch: AcceptedBatch) {
      batches.push(batch);
      const unanswered = isFull
        ? batch.judged.map(({ message }) => toUnanswered(message, "queue-full"))
        : [];
      return Promise.resolve({ ...NOTHING_ACCEPTED, unanswered });
    },
  };
  const pairing = { isPaired: () => Promise.resolve(true) };
  const account = bareAccount({ store: { inbox, pairing } as never, now: () => 5 }, {
    turns: () => void told.push("asked"),
  });
  const ask = createAsk(account, {
    judge: (_, known) => ({ verdict, knownFacts: known }),
    route: () => ({ agentId: "main", sessionKey: "agent:main:main" }),
    openDirect: () => Promise.resolve(DIRECT),
    waiting: () => ({}) as ReturnType<Asks["waiting"]>,
    isRefused: () => isRefused,
  });
  return { ask, batches, told };
}

describe("[K6] createAsk()", () => {
  it("stores a question of the asker's with the id of the interaction", async () => {
    const { ask, batches, told } = build();
    const call = callOf("Ask Barnacle");
    const about = { id: messageId("1450000000000000002"), text: "high", channelId: CHANNEL };
    assert.equal(await ask(call, { text: "Help", about }), "here");
    const [judged] = batches[0]?.judged ?? [];
    assert.equal(judged?.message.id, call.id);
    assert.equal(judged?.message.sender.id, call.sender.id);
    assert.deepEqual([judged?.message.text, judged?.message.quoted?.id, judged?.message.asked], [
      "Help",
      about.id,
      true,
    ]);
    assert.ok(batches[0]?.waiting, "the limits of waiting turns apply (X4)");
    assert.deepEqual(told, ["asked"]);
  });

  it("stores another id beside a message with the command", async () => {
    const { ask, batches } = build();
    const call = callOf("skill", { isText: true });
    await ask(call, { text: "Help" });
    const id = batches[0]?.judged[0]?.message.id;
    assert.equal(id, String(BigInt(call.id) + 1n));
  });

  it("stores nothing if the policy does not permit it, or not yet", async () => {
    const { ask, batches, told } = build(DENIED);
    assert.equal(await ask(callOf("skill"), { text: "Help" }), "refused");
    assert.deepEqual([batches, told], [[], []]);
  });

  it("[X4] says that too many messages wait, and starts no turn", async () => {
    const { ask, told } = build(ACCEPTED, true);
    assert.equal(await ask(callOf("skill"), { text: "Help" }), "full");
    assert.deepEqual(told, []);
  });

  it("stores nothing if Discord has refused the interaction's first answer", async () => {
    const { ask, batches } = build(ACCEPTED, false, true);
    assert.equal(await ask(callOf("skill"), { text: "Help" }), "nowhere");
    assert.deepEqual(batches, []);
  });

  it("answers a user install in the direct channel, as a paired person there", async () => {
    const { ask, batches } = build();
    const { guildId: _, ...call } = callOf("Ask", { place: { kind: "dm" }, isElsewhere: true });
    assert.equal(await ask(call, { text: "Help" }), "direct");
    const judged = batches[0]?.judged[0];
    assert.equal(judged?.message.channelId, DIRECT);
    assert.equal(judged?.knownFacts?.isPaired, true);
  });
});
