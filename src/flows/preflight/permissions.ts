/**
 * Judges the bot's permissions: in each channel that the config lists, and in each guild as a whole
 * (O3, SEC-R34).
 *
 * @module
 */

import { pathTo } from "../../core/config_path.ts";
import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { Finding } from "../../core/finding.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import { channelPins, find, GUILD_PINS } from "../../policy/entries.ts";
import type { AccessPolicy, GuildRules } from "../../policy/rules.ts";

/** A permission that the bot lacks in a place. */
export interface Lack {
  /** Its name in Discord's settings: `"Send Messages"`. */
  readonly permission: string;
  /** The rule that denies it: `"the role Krill"`, `"no role grants it"`. */
  readonly deniedBy: string;
}

/** A channel of a guild. */
export interface SeenChannel extends Named<ChannelId> {
  /** Empty if the bot has all permissions that it uses there. */
  readonly lacks: readonly Lack[];
}

/** A guild of the bot, with the bot's permissions. */
export interface SeenGuild extends Named<GuildId> {
  /** Permissions that no bot of this program needs: `"Administrator"`. */
  readonly risky: readonly string[];
  /** Absent if Discord did not answer, or if the config has no rules for the guild. */
  readonly details?: {
    /** Lacks in a channel without permission overwrites. */
    readonly lacks: readonly Lack[];
    /** All channels, without categories and threads. */
    readonly channels: readonly SeenChannel[];
  };
}

/** Without these, the bot does not answer in a channel. The others cost only comfort. */
const REQUIRED: ReadonlySet<string> = new Set([
  "View Channel",
  "Send Messages",
  "Read Message History",
]);

const ABOUT = { id: "discord.permissions", what: "Permissions" };

/** The key of the config's entry for a guild; `undefined` if there is none. */
export function guildKeyOf({ guilds }: AccessPolicy, guild: Named<GuildId>): string | undefined {
  return guilds && find(guilds, guild, GUILD_PINS)[0];
}

/**
 * Judges the permissions in all guilds.
 *
 * @param guilds All guilds of the bot.
 */
export function judgePermissions(
  policy: AccessPolicy,
  guilds: readonly SeenGuild[],
): readonly Finding[] {
  const risks = guilds.flatMap(judgeRisks);
  if (policy.groupPolicy === "disabled") return risks;
  const places = guilds.flatMap((guild) => judgeGuild(policy, guild));
  const troubles = places.filter(({ status }) => status !== "pass");
  const right = places.length - troubles.length;
  const pass: readonly Finding[] = right === 0 ? [] : [{
    ...ABOUT,
    status: "pass",
    why: troubles.length === 0
      ? places.map(({ why }) => why).slice(0, SHOWN).join("; ") + others(right)
      : `the other places are right: ${right}`,
  }];
  return [...absent(policy, guilds), ...troubles, ...pass, ...risks];
}

/** Maximum number of places in one row. */
const SHOWN = 5;

function others(count: number): string {
  return count > SHOWN ? `; and ${count - SHOWN} more` : "";
}

/** Entries of the config for guilds without the bot. */
function absent(policy: AccessPolicy, guilds: readonly SeenGuild[]): readonly Finding[] {
  const found = new Set(guilds.map((guild) => guildKeyOf(policy, guild)));
  return Object.keys(policy.guilds ?? {}).filter((key) => key !== ANY && !found.has(key))
    .map((key): Finding => ({
      ...ABOUT,
      status: "warn",
      where: ruleOf(policy, key),
      why: `${ruleOf(policy, key)}: the bot is in no such guild`,
      fix: "correct the entry, or invite the bot with `barnacle invite`",
    }));
}

const ANY = "*";

function ruleOf(policy: AccessPolicy, key: string): string {
  return pathTo(policy.ruleOf("channels.discord.guilds"), key);
}

/** One row for each listed channel; for unlisted ones, one row for the guild. */
function judgeGuild(policy: AccessPolicy, guild: SeenGuild): readonly Finding[] {
  const key = guildKeyOf(policy, guild);
  const rules = key === undefined ? undefined : policy.guilds?.[key];
  if (key === undefined || !rules) return [];
  const { details, name } = guild;
  if (!details) {
    return [{ ...ABOUT, status: "skipped", why: `Discord did not answer about ${name}` }];
  }
  const { channels = { [ANY]: {} } } = rules;
  const path = pathTo(ruleOf(policy, key), "channels");
  return Object.entries(channels).flatMap(([channelKey, { allow, enabled }]) => {
    if (allow === false || enabled === false) return [];
    if (channelKey === ANY) return [judgePlace(`channels of ${name}`, details.lacks, false)];
    const found = details.channels.filter((channel) => keyOf(rules, guild, channel) === channelKey);
    if (found.length > 0) {
      return found.map((channel) => judgePlace(`#${channel.name} in ${name}`, channel.lacks, true));
    }
    if (key === ANY) return []; // the channel may be in another guild
    return [{
      ...ABOUT,
      status: "warn" as const,
      where: pathTo(path, channelKey),
      why: `${pathTo(path, channelKey)}: the bot sees no such channel in ${name}`,
      fix: 'correct the entry, or allow the bot "View Channel" there; ' +
        "threads are not checked",
    }];
  });
}

function keyOf(
  { channels = {} }: GuildRules,
  guild: SeenGuild,
  channel: SeenChannel,
): string | undefined {
  return find(channels, channel, channelPins(guild.id))[0];
}

/** @param isExact Whether the lacks are those of a channel, not of a guild as a whole. */
function judgePlace(place: string, lacks: readonly Lack[], isExact: boolean): Finding {
  if (lacks.length === 0) return { ...ABOUT, status: "pass", why: `${place}: all granted` };
  const isFailure = isExact && lacks.some(({ permission }) => REQUIRED.has(permission));
  const words = lacks.map(({ permission, deniedBy }) => `${permission} (${deniedBy})`);
  return {
    ...ABOUT,
    status: isFailure ? "fail" : "warn",
    why: `${place}: the bot lacks ${words.join(", ")}` +
      (isExact ? "" : ", unless a channel's own settings grant it"),
    fix: isExact
      ? "grant it to the bot's role in the channel's settings, under Permissions"
      : "invite the bot again with the link of `barnacle invite`, or grant it to the bot's role",
  };
}

function judgeRisks({ name, risky }: SeenGuild): readonly Finding[] {
  if (risky.length === 0) return [];
  return [{
    id: "discord.risks",
    what: "Excess rights",
    status: "warn",
    where: name,
    why: `the bot has ${risky.join(" and ")} in ${name}, and needs none of it`,
    fix: "remove it from the bot's roles, and from @everyone if that role grants it",
  }];
}
