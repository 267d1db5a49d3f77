/**
 * Makes the tables of reasons in `docs/reasons.md` from the sentences that `barnacle why` prints.
 *
 * The cures are here, since only the page shows them. A reason without a cure does not compile.
 */

import { ACCEPTED, CHALLENGED, IGNORED, UNDECIDED } from "../../src/render/failure.ts";
import type { ChallengeReason, IgnoreReason } from "../../src/core/inbound/inbox.ts";
import { table } from "./markdown_table.ts";

/** How an operator can change the verdict. Short keys are those of the page. */
const CURES: Readonly<Record<ChallengeReason | IgnoreReason, string>> = {
  "pairing": "`barnacle pairing approve <code>`, or add the sender to `dm.allowFrom`",
  "dm-disabled": "`dm.enabled`, `dm.policy`",
  "dm-not-allowed": 'add the sender to `dm.allowFrom`; with `dm.policy: "pairing"`, a direct ' +
    "message gets a code, and a group DM none",
  "pairing-pending": "approve the code that the bot sent once: `barnacle pairing list` shows it",
  "pairing-full": "approve or deny waiting people; a code expires after an hour",
  "pairing-denied": "wait for the end of the hour, or add the sender's ID to `dm.allowFrom`",
  "group-dm-disabled": "`dm.groupEnabled`",
  "group-dm-not-listed": "add its ID to `dm.groupChannels`; without the key, all are allowed",
  "guilds-disabled": "`groupPolicy`",
  "guild-not-listed": "`barnacle config set 'channels.discord.guilds.<id>' '{}'`",
  "channel-not-listed": 'add the channel to the server\'s `channels`, or `"*"`; without the ' +
    "key, all are allowed",
  "channel-disabled": "`allow` or `enabled` of the channel",
  "sender-not-listed": "`users` of the place; a channel's list replaces the server's",
  "bot": "`allowBots`, with `requireMention` or `users`",
  "webhook": "`allowBots`, with `requireMention` or `users`",
  "own": "no cure: two accounts would answer each other without end",
  "loop-guard": "a person writes there, or `loopGuard.muteMin` passes",
  "pk-original": "no cure needed",
  "other-account": "mention the other bot, or see `bindings` and `router.assignments`",
  "no-mention": "mention the bot, or set `requireMention: false`",
  "no-content": "switch on the Message Content Intent: `barnacle doctor --fix`, then restart",
  "too-old": "`gateway.catchUp.maxAgeMin`",
  "too-many": "`gateway.catchUp.maxPerChannel`",
  "send-off": "`/settings send on`, or `/settings send inherit`",
  "caught-up": "no cure needed",
  "command-cut": "no cure needed",
  "queue-full": "send it again later; `messages.queue.perUser`, `messages.queue.perChannel`",
  "creator-gone": "`barnacle schedules delete <number>`",
  "restored": "set it again, or wait for its next run",
  "reactions-off": "`reactionNotifications` of the server",
  "not-manager": "give the sender Manage Messages, or use `commands.ownerAllowFrom`",
  "not-owner": "`commands.ownerAllowFrom`; without it, the application's owner or team counts",
  "not-approver": "`execApprovals.approvers`",
  "to-others": "mention the bot",
  "no-score": "mention the bot",
  "not-for-bot": "mention the bot; `intentFilter.respondThreshold`",
  "no-reply-needed": "mention the bot",
};

const START = "<!-- Generated: deno run -A scripts/reference/commands.ts -->";
const END = "<!-- End of the generated part -->";

/**
 * Replaces the generated part of the page.
 *
 * @throws {Error} If the page has no generated part.
 */
export function withReasonTables(page: string): string {
  const from = page.indexOf(START);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error(`The page has no part from ${START} to ${END}`);
  return page.slice(0, from) + [START, ...tables(), ""].join("\n") + page.slice(to);
}

function tables(): readonly string[] {
  return [
    "<!-- deno-fmt-ignore-start -->",
    "",
    "## Answered",
    "",
    ...table(["reason", "sentence of `barnacle why`"], rowsOf(ACCEPTED)),
    "",
    "## Not answered",
    "",
    ...table(
      ["reason", "sentence of `barnacle why`", "to change it"],
      rowsOf({ ...CHALLENGED, ...IGNORED }, CURES),
    ),
    "",
    "## Not decided yet",
    "",
    ...table(["reason", "sentence of `barnacle why`"], rowsOf(UNDECIDED)),
    "",
    "<!-- deno-fmt-ignore-end -->",
  ];
}

function rowsOf<Reason extends string>(
  sentences: Readonly<Record<Reason, string>>,
  cures?: Readonly<Record<Reason, string>>,
): readonly (readonly string[])[] {
  const reasons = Object.keys(sentences).filter((key): key is Reason => key in sentences);
  return reasons.map((reason) => [
    `\`${reason}\``,
    sentences[reason],
    ...(cures === undefined ? [] : [cures[reason]]),
  ]);
}
