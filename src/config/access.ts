/**
 * Settings to the rules of who may talk to the bot, as policy reads them.
 *
 * @module
 */

import { type AllowEntry, parseAllowEntry } from "../policy/allowlist.ts";
import type { AccessPolicy, ChannelRules, DmRules, GuildRules } from "../policy/rules.ts";
import { discordDefaults, type DiscordSettings, type Settings } from "./schema.ts";

type GuildSettings = NonNullable<DiscordSettings["guilds"]>[string];
type ChannelSettings = NonNullable<GuildSettings["channels"]>[string];

/**
 * Makes the rules of the one account.
 *
 * @param matchesPattern Whether a text addresses the bot by a pattern; see `mention.ts`.
 */
export function toAccessPolicy(
  { channels }: Settings,
  matchesPattern: (text: string) => boolean,
): AccessPolicy {
  const { discord } = channels;
  const { dm, guilds, allowBots, intentFilter } = discord ?? discordDefaults();
  return {
    dm: dmRules(dm),
    ...groupPolicyOf(channels),
    ...(guilds &&
      { guilds: mapped(guilds, (guild) => guildRules(guild, intentFilter?.enabled === true)) }),
    allowBots,
    matchesPattern,
  };
}

/**
 * Which guilds are answered, and the key that says so (P6).
 *
 * A bot that was given nothing but a token is open, mentions required; whoever writes a
 * `channels.discord` has begun to say who may talk to it, and what they leave out is denied.
 */
function groupPolicyOf(
  { discord, defaults }: Settings["channels"],
): Pick<AccessPolicy, "groupPolicy" | "groupPolicyRule"> {
  const groupPolicyRule = "channels.discord.groupPolicy";
  if (discord) return { groupPolicy: discord.groupPolicy ?? "allowlist", groupPolicyRule };
  return defaults.groupPolicy === undefined
    ? { groupPolicy: "open", groupPolicyRule }
    : { groupPolicy: defaults.groupPolicy, groupPolicyRule: "channels.defaults.groupPolicy" };
}

function dmRules(dm: DiscordSettings["dm"]): DmRules {
  return {
    enabled: dm.enabled,
    policy: dm.policy,
    allowFrom: entries(dm.allowFrom),
    groupEnabled: dm.groupEnabled,
  };
}

function guildRules(guild: GuildSettings, filtered: boolean): GuildRules {
  const { slug, requireMention, users, channels, intentFilter } = guild;
  const intents = intentFilter?.enabled ?? (filtered || undefined);
  return {
    ...(slug !== undefined && { slug }),
    ...(requireMention !== undefined && { requireMention }),
    ...(users && { users: entries(users) }),
    ...(channels && { channels: mapped(channels, channelRules) }),
    ...(intents !== undefined && { intentFilter: intents }),
  };
}

function channelRules(channel: ChannelSettings): ChannelRules {
  const { allow, enabled, requireMention, users, systemPrompt, intentFilter } = channel;
  return {
    ...(allow !== undefined && { allow }),
    ...(enabled !== undefined && { enabled }),
    ...(requireMention !== undefined && { requireMention }),
    ...(users && { users: entries(users) }),
    ...(systemPrompt !== undefined && { systemPrompt }),
    ...(intentFilter?.enabled !== undefined && { intentFilter: intentFilter.enabled }),
  };
}

/** The schema has refused entries that can match nobody; one that got here lets nobody in. */
function entries(written: readonly string[]): readonly AllowEntry[] {
  return written.map(parseAllowEntry).filter((entry) => entry.kind !== "problem");
}

/** Without a prototype: a channel that is called `constructor` must find no rule. */
function mapped<From, To>(
  record: Readonly<Record<string, From>>,
  convert: (value: From) => To,
): Readonly<Record<string, To>> {
  const result: Record<string, To> = Object.create(null);
  for (const [name, value] of Object.entries(record)) result[name] = convert(value);
  return result;
}
