/**
 * The ladder: every question that a verdict is come by goes through one function.
 *
 * What it is given is what it returns, so the answer that decides is the answer that is noted.
 * Nobody listens where messages arrive, and `barnacle why` listens to the very same questions.
 *
 * @module
 */

import type { Check } from "../core/inbound/facts.ts";
import type { GuildPlace, Sender } from "../core/inbound/inbound.ts";
import type { IgnoreReason, Verdict } from "../core/inbound/verdict.ts";
import { quoted } from "../lib/text/quoted.ts";

/** What can be asked; one word, the same for the same question. */
export type Question =
  | "own"
  | "dm"
  | "dm-policy"
  | "group"
  | "group-list"
  | "guilds"
  | "guild"
  | "channel"
  | "enabled"
  | "pluralkit"
  | "bots"
  | "loop"
  | "sender"
  | "content"
  | "command"
  | "rights"
  | "mention"
  | "intent"
  | "reactions"
  | "original";

/**
 * Asks one question.
 *
 * @param fact What is so, in words; made only where somebody listens.
 * @returns `passed`.
 */
export type Ask = (id: Question, passed: boolean, rule: string, fact: () => string) => boolean;

/** Nobody listens. */
export const silently: Ask = (_id, passed) => passed;

/** Notes every question. */
export function noting(checks: Check[], ruleOf: (path: string) => string): Ask {
  return (id, passed, rule, fact) => {
    checks.push({ id, passed, fact: fact(), rule: ruleOf(rule) });
    return passed;
  };
}

/** A refusal that leaves nothing behind. */
export function ignore(why: IgnoreReason, rule: string): Verdict & { readonly kind: "ignore" } {
  return { kind: "ignore", why, rule, keepAsContext: false };
}

/** Somebody as they are written in a fact: the name, which anybody may choose, is in quotes. */
export function nameOf({ id, username, pluralkit }: Sender): string {
  if (pluralkit) return `${quoted(pluralkit.name)} (pk:${pluralkit.memberId}, by ${id})`;
  return `${quoted(username)} (${id})`;
}

export function guildName({ guild, isUnknown }: GuildPlace): string {
  return isUnknown ? `the guild ${guild.id}` : `${quoted(guild.name)} (${guild.id})`;
}

/** A thread is named with its parent, whose rules it has. */
export function channelName({ channel, thread, isUnknown }: GuildPlace): string {
  const name = isUnknown
    ? `the channel ${channel.id}`
    : `${quoted(`#${channel.name}`)} (${channel.id})`;
  return thread ? `the thread ${thread.id} of ${name}` : name;
}
