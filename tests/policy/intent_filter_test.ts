import assert from "node:assert/strict";
import { it } from "node:test";
import type { IntentFacts, KnownFacts } from "../../src/core/inbound/inbox.ts";
import type { IntentKeys } from "../../src/policy/rules.ts";
import { guildMessage } from "../support/discord/builders.ts";
import { admit, inWords, policy } from "./policies.ts";

const G = "guilds.*";
const F = `${G}.intentFilter`;
const NOT_FOR_BOT: IntentFacts = { score: 0.2, needsReply: 0.6, top: [] };
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

const checksMentions: IntentKeys = { alwaysRespondToMentions: false };
const table: readonly [
  name: string,
  message: Parameters<typeof guildMessage>[0],
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
    "thanks for the bot",
    {},
    { intent: { ...FOR_BOT, needsReply: 0.1 } },
    `ignore: no-reply-needed+ by ${F}.enabled`,
  ],
  ["no score", {}, {}, `ignore: no-score+ by ${F}.enabled`],
  [
    "words to someone else",
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
    "a mention at any score",
    { mention: "user" },
    { intent: NOT_FOR_BOT },
    `accept: mentioned by ${G}.requireMention`,
  ],
  ["a command", { text: "/status" }, { intent: NOT_FOR_BOT }, "accept: command by commands.text"],
  [
    "a mention that the filter checks",
    { mention: "user" },
    { intent: NOT_FOR_BOT },
    `ignore: not-for-bot+ by ${F}.respondThreshold`,
    checksMentions,
  ],
  [
    "a mention with a greeting that it checks",
    { mention: "user" },
    { intent: { ...FOR_BOT, needsReply: 0.32 } },
    `accept: mentioned by ${F}.respondThreshold`,
    checksMentions,
  ],
];
for (const [name, message, known, verdict, keys] of table) {
  it(`[I1] the intent filter › decides about ${name}: ${verdict}`, () =>
    assert.equal(inWords(admit(guildMessage(message), filtered(keys), known)), verdict));
}
