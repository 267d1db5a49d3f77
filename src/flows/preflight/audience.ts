/**
 * Tells who gets an answer and where, for `barnacle doctor` and `barnacle status --probe` (O3).
 *
 * A bot that is set to be silent looks like a broken one. So these rows say what the config does; a
 * choice of the operator is no problem.
 */

import type { Finding } from "../../core/finding.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { rulesFor } from "../../policy/rules/place_rules.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import { mayAnswerIn, type SeenChannel, type SeenGuild } from "./permissions.ts";

/** Groups of channels, or guilds, that a row names; it counts the others. */
const SHOWN_MAX = 5;

/** Judges whether the bot answers in any of its guilds, and says whom it answers. */
export function judgeAudience(
  policy: AccessPolicy,
  guilds: readonly SeenGuild[],
): readonly Finding[] {
  if (guilds.length === 0) return [];
  const about = { id: "access.guilds", what: "Answers in servers" };
  const { groupPolicy, groupPolicyRule } = policy;
  if (groupPolicy === "disabled") {
    const why = `the bot answers no one in servers: ${groupPolicyRule} is "disabled"`;
    const fix = 'if it should, set it to "allowlist", and list servers in channels.discord.guilds';
    return [{ ...about, status: "pass", why, fix }];
  }
  const open = guilds.filter((guild) => mayAnswerIn(policy, guild));
  if (open.length === 0) {
    const [first] = guilds;
    const rule = policy.guilds
      ? `${policy.ruleOf("channels.discord.guilds")} lists none of them`
      : `${groupPolicyRule} is "allowlist", and no server is listed`;
    return [{
      ...about,
      status: "warn",
      why: `the bot answers no one in its servers (${named(guilds)}): ${rule}`,
      fix: `run \`barnacle config set channels.discord.guilds.${first?.id} {}\` for each server ` +
        "in which it should answer",
    }];
  }
  const seen = open.filter(({ details }) => details);
  const texts = seen.map((guild) => `${guild.name}: ${audienceOf(policy, guild)}`);
  if (texts.length === 0) return [];
  const more = texts.length > SHOWN_MAX ? `; and ${texts.length - SHOWN_MAX} more` : "";
  return [{
    ...about,
    status: "pass",
    why: `${texts.slice(0, SHOWN_MAX).join("; ")}${more}`,
  }];
}

function named(guilds: readonly SeenGuild[]): string {
  const more = guilds.length > SHOWN_MAX ? ` and ${guilds.length - SHOWN_MAX} more` : "";
  return guilds.slice(0, SHOWN_MAX).map(({ name }) => quoted(name)).join(", ") + more;
}

/** `"answers everyone, when mentioned, in 12 channels; no one in #ops (…)"`. */
function audienceOf(policy: AccessPolicy, guild: SeenGuild): string {
  const groups = new Map<string, SeenChannel[]>();
  const channels = guild.details?.channels ?? [];
  for (const channel of channels) {
    const text = answersText(policy, guild, channel);
    groups.set(text, [...groups.get(text) ?? [], channel]);
  }
  const parts = [...groups].toSorted(([, one], [, other]) => other.length - one.length).map((
    [text, members],
  ) => `${text}, ${placesText(members, channels.length)}`);
  const more = parts.length > SHOWN_MAX ? [`and ${parts.length - SHOWN_MAX} other rules`] : [];
  return [...parts.slice(0, SHOWN_MAX), ...more].join("; ");
}

function placesText(channels: readonly SeenChannel[], all: number): string {
  if (channels.length === all && all > 1) return `in all ${all} channels`;
  return channels.length <= SHOWN_MAX
    ? `in ${channels.map(({ name }) => `#${name}`).join(", ")}`
    : `in ${channels.length} channels`;
}

/** Says whom the bot answers in a channel, and which of their messages, with the rule. */
export function answersText(
  policy: AccessPolicy,
  guild: SeenGuild,
  channel: SeenChannel,
): string {
  const rules = rulesFor({ kind: "guild", guild, channel }, policy);
  if (rules.kind === "closed") return `answers no one (${rules.why}: ${rules.rule})`;
  const { users, requireMention, intentFilter } = rules;
  const people = users ? `only the people of ${users.rule}` : "everyone";
  const messages = requireMention.value
    ? `when mentioned (${requireMention.rule})`
    : intentFilter.enabled.value
    ? "if the intent filter takes the message for the bot"
    : "each message";
  return `answers ${people}, ${messages}`;
}

/** Says whose direct messages the bot answers. */
export function judgeDirect({ dm, ruleOf }: AccessPolicy, facts: {
  /** Number of paired people. */
  readonly paired: number;
  /** Number of people who wait for an approval. */
  readonly waiting: number;
}): Finding {
  const about = { id: "access.dm", what: "Direct messages" };
  const key = (name: string) => ruleOf(`channels.discord.dm.${name}`);
  const { allowFrom } = dm;
  const list = `the people of ${key("allowFrom")} (${allowFrom.length})`;
  switch (dm.enabled ? dm.policy : "disabled") {
    case "disabled": {
      const off = dm.enabled ? `${key("policy")} is "disabled"` : `${key("enabled")} is false`;
      const fix = 'if it should answer them, set "dm": { "enabled": true, "policy": "pairing" }';
      return { ...about, status: "pass", why: `the bot ignores them: ${off}`, fix };
    }
    case "open":
      return { ...about, status: "pass", why: "the bot answers everyone" };
    case "allowlist":
      return allowFrom.length > 0
        ? { ...about, status: "pass", why: `the bot answers only ${list}` }
        : {
          ...about,
          status: "warn",
          why: `the bot answers no one: ${key("policy")} is "allowlist", and the list is empty`,
          fix: `add people to ${key("allowFrom")}, or set ${key("policy")} to "pairing"`,
        };
    case "pairing":
      return {
        ...about,
        status: "pass",
        why: `the bot answers ${list} and those that are paired (${facts.paired})` +
          (facts.waiting > 0 ? `; ${facts.waiting} wait for an approval` : ""),
        fix: facts.waiting > 0 ? "see `barnacle pairing list`" : undefined,
      };
  }
}
