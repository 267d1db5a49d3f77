/**
 * Judges the bot's permissions in each channel in which the config lets it answer, and finds
 * excess rights (O3, SEC-R34).
 *
 * A listed channel has a row of its own. All other open channels of a guild share one.
 *
 * @module
 */

import { pathTo } from "../../core/config_path.ts";
import type { GuildId } from "../../core/discord/ids.ts";
import type { Finding } from "../../core/finding.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import { channelPins, findKeys, GUILD_PINS } from "../../policy/rules/entries.ts";
import { rulesFor } from "../../policy/rules/place_rules.ts";
import type { AccessPolicy, GuildRules } from "../../policy/rules/rules.ts";
import {
  ABOUT,
  GRANT_IN_CHANNEL,
  lackText,
  REQUIRED,
  type SeenChannel,
  summarise,
} from "./channel_summary.ts";

/** A guild of the bot, with the bot's permissions. */
export interface SeenGuild extends Named<GuildId> {
  /** Permissions that no bot of this program needs: `"Administrator"`. */
  readonly risky: readonly string[];
  /** Set if Barnacle did not read the details, because the bot may answer in too many guilds. */
  readonly isPassedOver?: true;
  /** Absent if Discord did not answer, or if Barnacle did not ask. */
  readonly details?: {
    /** All channels, without categories and threads. */
    readonly channels: readonly SeenChannel[];
  };
}

/** Whether the config lets the bot answer in a guild, at least in some of its channels. */
export function mayAnswerIn(policy: AccessPolicy, guild: Named<GuildId>): boolean {
  const { groupPolicy, guilds } = policy;
  if (groupPolicy === "disabled") return false;
  return guilds ? guildKeyOf(policy, guild) !== undefined : groupPolicy === "open";
}

/** The key of the config's entry for a guild; `undefined` if there is none. */
function guildKeyOf({ guilds }: AccessPolicy, guild: Named<GuildId>): string | undefined {
  return guilds && findKeys(guilds, guild, GUILD_PINS)[0];
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
  const rows = guilds.flatMap((guild) => judgeGuild(policy, guild));
  const right = rows.flatMap((row) => row.kind === "right" ? [row.why] : []);
  const notable = rows.flatMap((row) => row.kind === "finding" ? [row.finding] : []);
  const pass: readonly Finding[] = right.length === 0 ? [] : [{
    ...ABOUT,
    status: "pass",
    why: notable.length === 0
      ? right.slice(0, SHOWN).join("; ") + others(right.length)
      : `the other places are right: ${right.length}`,
  }];
  return [...absent(policy, guilds), ...notable, ...passedOver(guilds), ...pass, ...risks];
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

function passedOver(guilds: readonly SeenGuild[]): readonly Finding[] {
  const count = guilds.filter(({ isPassedOver }) => isPassedOver).length;
  if (count === 0) return [];
  const why = `not checked, because the bot may answer in too many guilds: ${count} of them`;
  return [{ ...ABOUT, status: "skipped", why }];
}

const ANY = "*";

function ruleOf(policy: AccessPolicy, key: string): string {
  return pathTo(policy.ruleOf("channels.discord.guilds"), key);
}

/** The judgement of one place, or of several. */
type Row =
  /** Nothing is missing; such rows share a line. */
  | { readonly kind: "right"; readonly why: string }
  | { readonly kind: "finding"; readonly finding: Finding };

function judgeGuild(policy: AccessPolicy, guild: SeenGuild): readonly Row[] {
  if (guild.isPassedOver || !mayAnswerIn(policy, guild)) return [];
  const { details, name } = guild;
  if (!details) {
    const why = `Discord did not answer about ${name}`;
    return [{ kind: "finding", finding: { ...ABOUT, status: "skipped", why } }];
  }
  const key = guildKeyOf(policy, guild);
  const rules = (key === undefined ? undefined : policy.guilds?.[key]) ?? {};
  const open = details.channels.filter((channel) =>
    rulesFor({ kind: "guild", guild, channel }, policy).kind === "open"
  );
  const unlisted = open.filter((channel) => keyOf(rules, guild, channel) === ANY);
  return [
    ...(key === undefined ? [] : judgeListed(policy, guild, key, rules, open)),
    ...summarise(name, unlisted).map((finding): Row =>
      unlisted.some(({ missing }) => missing.length > 0)
        ? { kind: "finding", finding }
        : { kind: "right", why: finding.why }
    ),
  ];
}

/** The rules of a guild that decide which channels are listed. */
type Channels = Pick<GuildRules, "channels">;

/** One row for each listed channel, and for each entry without a channel. */
function judgeListed(
  policy: AccessPolicy,
  guild: SeenGuild,
  guildKey: string,
  rules: Channels,
  open: readonly SeenChannel[],
): readonly Row[] {
  const path = pathTo(ruleOf(policy, guildKey), "channels");
  return Object.entries(rules.channels ?? {}).flatMap(([key, { allow, enabled }]) => {
    if (key === ANY || allow === false || enabled === false) return [];
    const isTheirs = (channel: SeenChannel) => keyOf(rules, guild, channel) === key;
    const found = open.filter(isTheirs);
    // An entry for all guilds may mean another guild's channel; a closed channel needs no rights.
    if (guildKey === ANY || guild.details?.channels.some(isTheirs)) {
      return found.map((channel) => judgeChannel(guild, channel));
    }
    const finding = {
      ...ABOUT,
      status: "warn" as const,
      where: pathTo(path, key),
      why: `${pathTo(path, key)}: the bot sees no such channel in ${guild.name}`,
      fix: 'correct the entry, or allow the bot "View Channel" there; ' +
        "threads are not checked",
    };
    return [{ kind: "finding" as const, finding }];
  });
}

/** The key of a channel's entry; `"*"` if it has no entry of its own. */
function keyOf({ channels = {} }: Channels, guild: SeenGuild, channel: SeenChannel): string {
  return findKeys(channels, channel, channelPins(guild.id))[0] ?? ANY;
}

function judgeChannel(guild: SeenGuild, { name, missing }: SeenChannel): Row {
  const place = `#${name} in ${guild.name}`;
  if (missing.length === 0) return { kind: "right", why: `${place}: all granted` };
  const isFailure = missing.some(({ permission }) => REQUIRED.has(permission));
  return {
    kind: "finding",
    finding: {
      ...ABOUT,
      status: isFailure ? "fail" : "warn",
      why: `${place}: the bot lacks ${missing.map(lackText).join(", ")}`,
      fix: GRANT_IN_CHANNEL,
    },
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
