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
  const limits = { now: AT + 60_000, maxAgeMs: 60_000 };
  const late = { now: AT + 60_001, maxAgeMs: 60_000 };
  const cases: readonly [string, Verdict, boolean, typeof limits, string, string][] = [
    ["in time and among the newest", ACCEPT, true, limits, "mentioned", "r"],
    ["too old", ACCEPT, true, late, "too-old", "channels.discord.gateway.catchUp.maxAgeMin"],
    [
      "before the newest",
      ACCEPT,
      false,
      limits,
      "too-many",
      "channels.discord.gateway.catchUp.maxPerChannel",
    ],
    ["both", ACCEPT, false, late, "too-old", "channels.discord.gateway.catchUp.maxAgeMin"],
    ["chatter, whatever its age", CHATTER, false, late, "no-mention", "r"],
  ];
  for (const [name, verdict, isAmongNewest, at, why, rule] of cases) {
    it(`gives ${why} to a message that is ${name}`, () => {
      const judged = judgeMissed(verdict, { sentAt: AT }, isAmongNewest, at);
      assert.deepEqual([judged.why, judged.rule], [why, rule]);
      assert.ok(judged.kind === "accept" || (judged.kind === "ignore" && judged.keepAsContext));
    });
  }

  const open: readonly Verdict[] = [
    { kind: "challenge", why: "pairing", rule: "r" },
    { kind: "undecided", why: "pluralkit", rule: "r" },
    { kind: "undecided", why: "pluralkit-original", rule: "r" },
  ];
  for (const verdict of open) {
    it(`[P3] [P13] keeps a ${verdict.kind} of ${verdict.why} for a new message`, () => {
      assert.equal(judgeMissed(verdict, { sentAt: AT }, true, limits), verdict);
    });

    it(`[P3] [P10] [P13] ends a ${verdict.kind} of ${verdict.why} for an old message, and keeps it out of context`, () => {
      for (
        const [isNew, at, why] of [[true, late, "too-old"], [false, limits, "too-many"]] as const
      ) {
        const judged = judgeMissed(verdict, { sentAt: AT }, isNew, at);
        assert.ok(judged.kind === "ignore" && !judged.keepAsContext);
        assert.equal(judged.why, why);
      }
    });
  }

  it("answers no message that it would not have answered live", () => {
    const verdict = fc.constantFrom(ACCEPT, CHATTER, { ...CHATTER, keepAsContext: false });
    fc.assert(fc.property(verdict, fc.nat(), fc.boolean(), fc.nat(), (verdict, age, isNew, max) => {
      const at = { now: AT + age, maxAgeMs: max };
      const judged = judgeMissed(verdict, { sentAt: AT }, isNew, at);
      if (judged.kind === "accept") assert.ok(verdict === ACCEPT && age <= max && isNew);
      if (verdict.kind === "ignore") assert.equal(judged, verdict);
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
