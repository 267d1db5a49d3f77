import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createdAtMs, type MessageId } from "../../../src/core/discord/ids.ts";
import type { Verdict } from "../../../src/core/inbound/inbox.ts";
import {
  endOfReading,
  judgeMissed,
  mayHaveMissed,
  nameOf,
} from "../../../src/flows/catch_up/catch_up.ts";
import { channelId, guildMessage, guildPlace, messageId } from "../../support/discord/builders.ts";

const SAID = messageId("1400000000000000001");
const AT = createdAtMs(SAID);
const ACCEPT: Verdict = { kind: "accept", why: "mentioned", rule: "r" };
const CHATTER: Verdict = { kind: "ignore", why: "no-mention", rule: "r", keepAsContext: true };

describe("[G6] mayHaveMissed()", () => {
  const cases: readonly [string, MessageId | "none" | undefined, number, boolean][] = [
    ["said after the start", SAID, AT - 1, true],
    ["said at the start", SAID, AT, false],
    ["said before it", SAID, AT + 1, false],
    ["never said anything in", "none", 0, false],
    ["of which nobody knows", undefined, AT + 1, true],
  ];
  for (const [name, lastMessageId, since, ahead] of cases) {
    it(`${ahead ? "asks" : "does not ask"} a channel ${name}`, () => {
      const channel = { id: channelId("1"), ...(lastMessageId && { lastMessageId }) };
      assert.equal(mayHaveMissed(channel, since), ahead);
    });
  }

  it("reads a little further back than the newest stored message: dispatches may change places", () => {
    assert.ok(mayHaveMissed({ id: channelId("1"), lastMessageId: SAID }, endOfReading(AT)));
    assert.ok(
      !mayHaveMissed({ id: channelId("1"), lastMessageId: SAID }, endOfReading(AT + 10_000)),
    );
  });
});

describe("[G6] judgeMissed()", () => {
  const open: readonly Verdict[] = [
    { kind: "challenge", why: "pairing", rule: "r" },
    { kind: "undecided", why: "pluralkit", rule: "r" },
    { kind: "undecided", why: "pluralkit-original", rule: "r" },
  ];
  const verdicts = fc.constantFrom(ACCEPT, CHATTER, { ...CHATTER, keepAsContext: false }, ...open);

  it("[P3] [P10] [P13] ends what is too old or too much, and keeps only accepted ones as context", () => {
    const ages = fc.record({ max: fc.nat(), over: fc.integer({ min: -2, max: 2 }) });
    fc.assert(fc.property(verdicts, ages, fc.boolean(), (verdict, { max, over }, isNew) => {
      const at = { now: AT + max + over, maxAgeMs: max };
      const judged = judgeMissed(verdict, { sentAt: AT }, isNew, at);
      if (verdict.kind === "ignore" || over <= 0 && isNew) return assert.equal(judged, verdict);
      const [why, key] = over > 0 ? ["too-old", "maxAgeMin"] : ["too-many", "maxPerChannel"];
      assert.deepEqual([judged.why, judged.rule], [why, `channels.discord.gateway.catchUp.${key}`]);
      assert.ok(judged.kind === "ignore");
      assert.equal(judged.keepAsContext, verdict === ACCEPT);
    }));
  });
});

describe("[G6] nameOf()", () => {
  it("uses the name that people know", () => {
    const place = guildPlace();
    assert.equal(nameOf({ id: place.channel.id, place }), "#help");
    const thread = { id: channelId("7"), name: "a leak" };
    assert.equal(nameOf({ id: thread.id, place: { ...place, thread } }), "#a leak");
    assert.equal(
      nameOf({ id: guildMessage().channelId }),
      "the direct messages 1400000000000000011",
    );
  });
});
