/**
 * Every check of a verdict goes through one function, which returns its input.
 *
 * So the result that decides is the result that is reported. For incoming messages Barnacle reports
 * no checks; `barnacle why` reports the very same ones.
 */

import type { VerdictCheck } from "../../core/inbound/facts.ts";
import type { GuildPlace, Sender } from "../../core/inbound/inbound.ts";
import { quoted } from "../../lib/text/quoted.ts";

/** Name of a check: one word, the same for the same question. */
export type AccessCheckId =
  | "own"
  | "dm"
  | "dm-policy"
  | "group"
  | "group-list"
  | "guilds"
  | "guild"
  | "owner"
  | "channel"
  | "enabled"
  | "pluralkit"
  | "bots"
  | "loop"
  | "sender"
  | "content"
  | "command"
  /** Whether answers are switched on there (K2). */
  | "send"
  | "rights"
  | "mention"
  /** Which trigger of a passive agent matched (N1). */
  | "trigger"
  /** Whether it is an event of a hook (W3). */
  | "hook"
  /** The steps of the intent filter (I1). */
  | "others"
  | "score"
  | "reply"
  | "intent"
  | "reactions"
  | "original"
  | RouteStepId;

/** Name of a step of the choice of an agent (N2). */
export type RouteStepId = "named" | "thread" | "assigned" | "bound" | "first" | "account";

/**
 * Reports one check.
 *
 * @param rule Config path of the rule that is checked.
 * @param fact Writes the observed fact; called only if checks are reported.
 * @returns `passed`.
 */
export type RecordCheck = (
  id: AccessCheckId,
  passed: boolean,
  rule: string,
  fact: () => string,
) => boolean;

export const recordNothing: RecordCheck = (_id: AccessCheckId, passed: boolean): boolean => passed;

/**
 * Adds each check to a list.
 *
 * @param ruleOf Finds the config path that sets a rule, as `AccessPolicy.ruleOf` does.
 */
export function createRecorder(
  checks: VerdictCheck[],
  ruleOf: (path: string) => string,
): RecordCheck {
  return (id, passed, rule, fact) => {
    checks.push({ id, passed, fact: fact(), rule: ruleOf(rule) });
    return passed;
  };
}

/** A sender within a fact. The name is in quotes, because any person may choose any name. */
export function nameOf({ id, username, pluralkit }: Sender): string {
  if (pluralkit) return `${quoted(pluralkit.name)} (pk:${pluralkit.memberId}, by ${id})`;
  return `${quoted(username)} (${id})`;
}

/** A guild within a fact: its name in quotes and its id, or the id alone if the name is unknown. */
export function guildName({ guild, isUnknown }: GuildPlace): string {
  return isUnknown ? `the guild ${guild.id}` : `${quoted(guild.name)} (${guild.id})`;
}

/** A channel within a fact. A thread appears with its parent, whose rules it has. */
export function channelName({ channel, thread, isUnknown }: GuildPlace): string {
  const name = isUnknown
    ? `the channel ${channel.id}`
    : `${quoted(`#${channel.name}`)} (${channel.id})`;
  return thread ? `the thread ${thread.id} of ${name}` : name;
}
