import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { IntentFacts } from "../../src/core/inbound/intent.ts";
import type { KnownFacts, VerdictCheck } from "../../src/core/inbound/facts.ts";
import { explain } from "../../src/policy/authorize.ts";
import { asksForQuiet, decideIntent, thresholdOf } from "../../src/policy/intent_filter.ts";
import { createRecorder } from "../../src/policy/rules/checks.ts";
import {
  combineIntent,
  INTENT_DEFAULTS,
  type IntentKeys,
  strictestIntent,
} from "../../src/policy/rules/intent_rules.ts";
import { TEXT_COMMANDS } from "../../src/interactions/registry.ts";
import { guildMessage } from "../support/discord/builders.ts";
import { admit, inWords, policy } from "./policies.ts";

const G = "guilds.*";
const F = `${G}.intentFilter`;
const NOT_FOR_BOT: IntentFacts = { score: 0.2, room: 0.1, needsReply: 0.6 };
const FOR_BOT: IntentFacts = { ...NOT_FOR_BOT, score: 0.93 };

function filtered(keys: IntentKeys = {}) {
  return policy({
    guilds: {
      "*": {
        requireMention: false,
        intentFilter: { enabled: true, ...keys },
        reactionNotifications: "own",
      },
    },
  });
}

type Given = Parameters<typeof guildMessage>[0];

describe("the order of decisions", () => {
  const table: readonly [
    name: string,
    message: Given,
    known: KnownFacts,
    verdict: string,
    keys?: IntentKeys,
  ][] = [
    ["a low score", {}, { intent: NOT_FOR_BOT }, `ignore: not-for-bot+ by ${F}.respondThreshold`],
    ["a high score", {}, { intent: FOR_BOT }, `accept: intent by ${F}.respondThreshold`],
    [
      "a score at the threshold",
      {},
      { intent: { ...FOR_BOT, score: 0.7 } },
      `accept: intent by ${F}.respondThreshold`,
    ],
    [
      "a mention at any score",
      { mention: "user" },
      { intent: NOT_FOR_BOT },
      `accept: mentioned by ${G}.requireMention`,
    ],
    [
      "a reply to the bot at any score",
      { mention: "reply" },
      { intent: NOT_FOR_BOT },
      `accept: mentioned by ${G}.requireMention`,
    ],
    [
      "a command at any score",
      { text: "/status" },
      { intent: NOT_FOR_BOT },
      "accept: command by commands.text",
    ],
    [
      "a mention that the filter checks",
      { mention: "user" },
      { intent: NOT_FOR_BOT },
      `ignore: not-for-bot+ by ${F}.respondThreshold`,
      { alwaysRespondToMentions: false },
    ],
    [
      "a mention that it checks, in a silence and beyond the limits",
      { mention: "user", mentionsOthers: true },
      { intent: { ...FOR_BOT, isQuiet: true, limit: "hour" } },
      `accept: mentioned by ${F}.respondThreshold`,
      { alwaysRespondToMentions: false },
    ],
    [
      "a mention that it checks, without a score",
      { mention: "user" },
      {},
      `accept: mentioned by ${F}.enabled`,
      { alwaysRespondToMentions: false },
    ],
    [
      "a command, where it checks mentions",
      { text: "/status" },
      { intent: NOT_FOR_BOT },
      "accept: command by commands.text",
      { alwaysRespondToMentions: false },
    ],
    [
      "a mention of someone else",
      { mentionsOthers: true },
      { intent: FOR_BOT },
      `ignore: to-others+ by ${F}.enabled`,
    ],
    [
      "a reply to someone else",
      {},
      { intent: { ...FOR_BOT, repliesToOther: true } },
      `ignore: to-others+ by ${F}.enabled`,
    ],
    [
      "a mention of the bot and someone else",
      { mention: "user", mentionsOthers: true },
      { intent: NOT_FOR_BOT },
      `accept: mentioned by ${G}.requireMention`,
    ],
    ["no score", {}, {}, `ignore: no-score+ by ${F}.enabled`],
    [
      "a silence",
      {},
      { intent: { ...FOR_BOT, isQuiet: true } },
      "ignore: quiet+ by /quiet",
    ],
    [
      "a mention in a silence",
      { mention: "role" },
      { intent: { ...FOR_BOT, isQuiet: true } },
      `accept: mentioned by ${G}.requireMention`,
    ],
    [
      "a request for silence at any score",
      {},
      { intent: { ...NOT_FOR_BOT, asksQuiet: true, limit: "hour" } },
      `accept: asks-quiet by ${F}.enabled`,
    ],
    [
      "thanks",
      {},
      { intent: { ...FOR_BOT, needsReply: 0.34 } },
      `ignore: no-reply-needed+ by ${F}.noReplyReaction`,
    ],
    [
      "thanks with a mention that it checks",
      { mention: "user" },
      { intent: { ...FOR_BOT, needsReply: 0.29 } },
      `ignore: no-reply-needed+ by ${F}.noReplyReaction`,
      { alwaysRespondToMentions: false },
    ],
    [
      "the cool-down",
      {},
      { intent: { ...FOR_BOT, limit: "cooldown" } },
      `ignore: cooldown+ by ${F}.cooldownSec`,
    ],
    [
      "the hourly limit",
      {},
      { intent: { ...FOR_BOT, limit: "hour" } },
      `ignore: hourly-limit+ by ${F}.maxPerHour`,
    ],
    [
      "the limits, for a message that gets no answer anyway",
      {},
      { intent: { ...NOT_FOR_BOT, limit: "hour" } },
      `ignore: not-for-bot+ by ${F}.respondThreshold`,
    ],
    [
      "an open request, which is off by default",
      {},
      { intent: { ...NOT_FOR_BOT, room: 0.9 } },
      `ignore: not-for-bot+ by ${F}.respondThreshold`,
    ],
    [
      "an open request",
      {},
      { intent: { ...NOT_FOR_BOT, room: 0.9 } },
      `accept: open-request by ${F}.openRequests`,
      { openRequests: true },
    ],
    [
      "an open request beyond the limit",
      {},
      { intent: { ...NOT_FOR_BOT, room: 0.9, limit: "cooldown" } },
      `ignore: cooldown+ by ${F}.cooldownSec`,
      { openRequests: true },
    ],
    [
      "a model that was not asked yet",
      {},
      { intent: { ...FOR_BOT, asksModel: true } },
      `undecided: intent-model by ${F}.model`,
    ],
    [
      "a model that says yes",
      {},
      { intent: { ...NOT_FOR_BOT, asksModel: true, model: "yes" } },
      `accept: intent by ${F}.model`,
    ],
    [
      "a model that says yes to thanks",
      {},
      { intent: { ...NOT_FOR_BOT, needsReply: 0.2, asksModel: true, model: "yes" } },
      `ignore: no-reply-needed+ by ${F}.noReplyReaction`,
    ],
    [
      "a model that says yes, when the limit is reached",
      {},
      { intent: { ...FOR_BOT, asksModel: true, model: "yes", limit: "hour" } },
      `ignore: hourly-limit+ by ${F}.maxPerHour`,
    ],
    [
      "a model that says no",
      {},
      { intent: { ...FOR_BOT, asksModel: true, model: "no" } },
      `ignore: not-for-bot+ by ${F}.model`,
    ],
    [
      "a model without an answer",
      {},
      { intent: { ...FOR_BOT, asksModel: true, model: "failed" } },
      `accept: intent by ${F}.respondThreshold`,
    ],
    [
      "a threshold that outcomes raised",
      {},
      { intent: { ...FOR_BOT, score: 0.8, shift: 0.15 } },
      `ignore: not-for-bot+ by ${F}.respondThreshold`,
    ],
    [
      "a thread of an answer",
      {},
      { intent: NOT_FOR_BOT, inAnswerThread: true },
      `accept: mention-not-required by ${G}.threads`,
    ],
  ];
  for (const [name, message, known, verdict, keys] of table) {
    it(`[I1] ${name}: ${verdict}`, () => {
      assert.equal(inWords(admit(guildMessage(message), filtered(keys), known)), verdict);
    });
  }

  it("[I1] `why` says the score and its strongest features", () => {
    const intent: IntentFacts = {
      ...FOR_BOT,
      top: [{ name: "the bot spoke last", part: 1.23 }, { name: "it names no one", part: -0.8 }],
      shift: 0.05,
    };
    const { checks } = explain(
      { kind: "message", message: guildMessage({}) },
      { intent },
      filtered(),
      TEXT_COMMANDS,
    );
    const fact = checks.find(({ id }) => id === "intent")?.fact;
    assert.equal(
      fact,
      "it scores 0.93, and 0.75 is enough, which earlier outcomes have moved by 0.05: " +
        "the bot spoke last +1.2; it names no one −0.8",
    );
  });
});

describe("laws of decideIntent()", () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const someFacts: fc.Arbitrary<IntentFacts> = fc.record({
    score: share,
    room: share,
    needsReply: share,
    repliesToOther: fc.constantFrom(true as const, undefined),
    asksQuiet: fc.constantFrom(true as const, undefined),
    isQuiet: fc.constantFrom(true as const, undefined),
    limit: fc.constantFrom("cooldown" as const, "hour" as const, undefined),
    shift: fc.constantFrom(undefined, -0.3, 0.1),
  });
  const someKeys: fc.Arbitrary<IntentKeys> = fc.record({
    respondThreshold: share,
    openRequests: fc.boolean(),
  });
  const rulesOf = (intentFilter: IntentKeys) =>
    combineIntent([{ rules: { intentFilter }, path: "g" }], "g");
  const TALK = { isMention: false, mentionsOthers: false };

  it("[I1] the last check explains silence, and no check fails before an answer but the score", () => {
    fc.assert(fc.property(someFacts, someKeys, (facts, keys) => {
      const checks: VerdictCheck[] = [];
      const { kind } = decideIntent(facts, TALK, rulesOf(keys), createRecorder(checks, String));
      const failed = checks.filter(({ passed }) => !passed).map(({ id }) => id);
      if (kind === "ignore") assert.equal(checks.at(-1)?.passed, false);
      else assert.ok(failed.every((id) => id === "intent"), failed.join());
    }));
  });

  it("[I1] silence and limits hold whatever the score is", () => {
    fc.assert(fc.property(someFacts, someKeys, (facts, keys) => {
      const { kind, why } = decideIntent(facts, TALK, rulesOf(keys), createRecorder([], String));
      if (kind !== "accept" || why === "asks-quiet") return;
      assert.equal(facts.isQuiet, undefined);
      assert.equal(facts.limit, undefined);
      assert.equal(facts.repliesToOther, undefined);
    }));
  });

  it("[I1] outcomes move a threshold by 0.15 at most, and never past 0.3 and 0.95", () => {
    fc.assert(
      fc.property(share, fc.double({ min: -9, max: 9, noNaN: true }), (threshold, shift) => {
        const moved = thresholdOf(threshold, shift);
        assert.ok(Math.abs(moved - threshold) <= 0.15 + 1e-9);
        assert.ok(moved >= Math.min(threshold, 0.3) && moved <= Math.max(threshold, 0.95));
      }),
    );
  });
});

describe("combineIntent()", () => {
  it("[I1] inherits key by key, and names the level that sets each", () => {
    const rules = combineIntent([
      { rules: { intentFilter: { respondThreshold: 0.9 } }, path: "channel" },
      { rules: {}, path: "*" },
      { rules: { intentFilter: { enabled: true, respondThreshold: 0.8 } }, path: "guild" },
      { rules: { intentFilter: { cooldownSec: 5 } }, path: "account" },
    ], "home");
    assert.deepEqual(rules.respondThreshold, {
      value: 0.9,
      rule: "channel.intentFilter.respondThreshold",
    });
    assert.deepEqual(rules.enabled, { value: true, rule: "guild.intentFilter.enabled" });
    assert.deepEqual(rules.cooldownSec, { value: 5, rule: "account.intentFilter.cooldownSec" });
    assert.deepEqual(rules.maxPerHour, {
      value: INTENT_DEFAULTS.maxPerHour,
      rule: "home.intentFilter.maxPerHour",
    });
  });

  it("[P12] takes each limit of two filters that hold for one place", () => {
    const rulesOf = (intentFilter: IntentKeys) =>
      combineIntent([{ rules: { intentFilter }, path: "a" }], "a");
    const one = rulesOf({
      enabled: true,
      respondThreshold: 0.8,
      maxPerHour: 5,
      openRequests: true,
    });
    const other = rulesOf({ enabled: true, cooldownSec: 90, alwaysRespondToMentions: false });
    for (const both of [strictestIntent(one, other), strictestIntent(other, one)]) {
      assert.equal(both.respondThreshold.value, 0.8);
      assert.equal(both.cooldownSec.value, 90);
      assert.equal(both.maxPerHour.value, 5);
      assert.equal(both.openRequests.value, false);
      assert.equal(both.alwaysRespondToMentions.value, false);
    }
    assert.equal(strictestIntent(one, rulesOf({})), one);
    assert.equal(strictestIntent(rulesOf({}), one), one);
  });
});

describe("asksForQuiet()", () => {
  for (
    const text of [
      "quiet",
      "be quiet",
      "<@123> please be quiet!",
      "Stop.",
      "stop it",
      "barnacle, shut up",
      "be quiet barnacle",
      "hush",
      "🤫",
      "quiet please, bot",
      "That’s enough",
    ]
  ) {
    it(`[I1] takes ${JSON.stringify(text)}`, () => assert.ok(asksForQuiet(text, "Barnacle")));
  }
  for (
    const text of [
      "",
      "how do I stop the server?",
      "stop the music",
      "it is quiet here",
      "quietly restart it",
      "enough of this, restart nginx",
      "barnacle",
    ]
  ) {
    it(`[I1] leaves ${JSON.stringify(text)}`, () => assert.ok(!asksForQuiet(text, "Barnacle")));
  }
});
