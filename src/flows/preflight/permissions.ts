/**
 * Judges the bot's permissions in each channel in which the config lets it answer, and finds
 * excess rights; tells who gets an answer and where (O3, SEC-R34).
 *
 * A bot that is set to be silent looks like a broken one. So rows say what the config does; a choice of
 * the operator is no problem.
 */

import {
  type ChannelId,
  type GuildId,
  parseSnowflake,
  type RoleId,
} from "../../core/discord/ids.ts";
import type { Finding, FindingStatus } from "../../core/finding.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import { pathTo, quoted } from "../../lib/text/quoted.ts";
import { channelPin, findKey, guildPin, rulesFor } from "../../policy/rules.ts";
import type { AccessPolicy } from "../../policy/rules.ts";

export interface SeenGuild extends Named<GuildId> {
  /** Permissions that no bot of this program needs: `"Administrator"`. */
  readonly risky: readonly string[];
  /** Set if Barnacle did not read the details, because the bot may answer in too many guilds. */
  readonly isPassedOver?: true;
  /** Why the details are unknown, in words; absent if they are known, or if Barnacle did not ask. */
  readonly unread?: string;
  /** Absent if Discord did not tell them, or if Barnacle did not ask. */
  readonly details?: {
    /** All channels, without categories and threads. */
    readonly channels: readonly SeenChannel[];
    /** Entries of the config whose channel Discord does not know. */
    readonly gone?: readonly string[];
    /** Absent if Barnacle did not look. */
    readonly roles?: readonly Named<RoleId>[];
  };
}

/** Whether the config lets the bot answer in a guild, at least in some of its channels. */
function mayAnswerIn(policy: AccessPolicy, guild: Named<GuildId>): boolean {
  const { groupPolicy, guilds } = policy;
  if (groupPolicy === "disabled") return false;
  return guilds ? guildKeyOf(policy, guild) !== undefined : groupPolicy === "open";
}

/** The key of the config's entry for a guild; `undefined` if there is none. */
function guildKeyOf({ guilds }: AccessPolicy, guild: Named<GuildId>): string | undefined {
  return guilds && findKey(guilds, guild, guildPin);
}

/**
 * Lists the channels that the config names by id, or by a resolved name.
 *
 * @returns `undefined` if the bot may answer no one in the guild.
 */
export function listedIn(
  policy: AccessPolicy,
  guild: Named<GuildId>,
): readonly Named<ChannelId>[] | undefined {
  if (!mayAnswerIn(policy, guild)) return undefined;
  const key = guildKeyOf(policy, guild) ?? ANY;
  return Object.entries(policy.guilds?.[key]?.channels ?? {}).flatMap(([name, { pinned }]) => {
    const own = key === ANY ? undefined : parseSnowflake<"channel">(name); // perhaps of another guild
    const id = own ?? pinned?.get(guild.id);
    return id === undefined ? [] : [{ id, name }];
  });
}

export function judgePermissions(
  policy: AccessPolicy,
  guilds: readonly SeenGuild[],
): readonly Finding[] {
  const risks = guilds.flatMap(judgeRisks);
  if (policy.groupPolicy === "disabled") return risks;
  return [
    ...absent(policy, guilds),
    ...guilds.flatMap((guild) => judgeGuild(policy, guild)),
    ...passedOver(guilds),
    ...risks,
  ];
}

/** Places, reasons or channels in a row; it counts the others. */
const SHOWN_MAX = 5;

function others(count: number): string {
  return count > SHOWN_MAX ? `; and ${count - SHOWN_MAX} more` : "";
}

/** Entries of the config for guilds without the bot. */
function absent(policy: AccessPolicy, guilds: readonly SeenGuild[]): readonly Finding[] {
  const found = new Set(guilds.map((guild) => guildKeyOf(policy, guild)));
  const unlisted = guilds.filter((guild) => guildKeyOf(policy, guild) === undefined);
  const named = unlisted.slice(0, SHOWN_MAX).map(({ id, name }) => `${name} (${id})`).join(", ");
  const hint = named === "" ? "" : `; it is in ${named}${others(unlisted.length)}, not listed`;
  return Object.keys(policy.guilds ?? {}).filter((key) => key !== ANY && !found.has(key))
    .map((key): Finding => ({
      ...ABOUT,
      status: "warn",
      where: ruleOf(policy, key),
      why: `${ruleOf(policy, key)}: the bot is in no such guild${hint}`,
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

function judgeGuild(policy: AccessPolicy, guild: SeenGuild): readonly Finding[] {
  if (guild.isPassedOver || !mayAnswerIn(policy, guild)) return [];
  const { details, name } = guild;
  if (!details) {
    const why = `the settings of ${name} are unknown: ${guild.unread ?? "no answer in time"}`;
    return [{ ...ABOUT, status: "skipped", why }];
  }
  const key = guildKeyOf(policy, guild) ?? ANY;
  const { channels: rules = {} } = policy.guilds?.[key] ?? {};
  const entryOf = (channel: SeenChannel) => findKey(rules, channel, channelPin(guild.id)) ?? ANY;
  const open = details.channels.filter((channel) =>
    rulesFor({ kind: "guild", guild, channel }, policy).kind === "open"
  );
  const found = new Set(details.channels.map(entryOf));
  const path = pathTo(ruleOf(policy, key), "channels");
  const missed = Object.entries(rules).filter(([entry, { allow, enabled }]) =>
    // An entry for all guilds may mean another guild's channel; a closed channel needs no rights.
    key !== ANY && entry !== ANY && allow !== false && enabled !== false && !found.has(entry)
  );
  return [
    ...missed.map(([entry]): Finding => {
      const isGone = details.gone?.includes(entry);
      const why = isGone ? "there is no such channel" : "the bot sees no such channel";
      return {
        ...ABOUT,
        status: "warn",
        where: pathTo(path, entry),
        why: `${pathTo(path, entry)}: ${why} in ${name}`,
        fix: isGone
          ? "correct the entry"
          : 'correct the entry, or allow the bot "View Channel" there; threads are not checked',
      };
    }),
    ...summarise(name, open, (channel) => entryOf(channel) !== ANY),
  ];
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

export interface MissingPermission {
  /** Its name in Discord's settings: `"Send Messages"`. */
  readonly permission: string;
  /** The rule that denies it: `"the role Krill"`, `"no role grants it"`. */
  readonly deniedBy: string;
}

export interface SeenChannel extends Named<ChannelId> {
  /** Whether it has posts instead of messages. */
  readonly isForum?: boolean;
  /** Empty if the bot has all permissions that it uses there. */
  readonly missing: readonly MissingPermission[];
  /** Further permissions of the invite link that the bot lacks; absent if Barnacle did not look. */
  readonly furtherMissing?: readonly MissingPermission[];
  /** Permissions of the invite link that the bot has there; absent if Barnacle did not look. */
  readonly granted?: readonly string[];
}

const ABOUT = { id: "discord.permissions", what: "Permissions" } as const;

const GRANT_IN_CHANNEL = "grant it to the bot's role in the channel's settings, under Permissions";

const HIDDEN = "View Channel";

/** Without these, the bot answers all the same. Any other lack silences it, also Connect in voice. */
const COMFORT: ReadonlySet<string> = new Set(["Attach Files", "Add Reactions"]);

/** Whether the bot cannot answer in a channel in which these are missing. */
export function lacksRequired(missing: readonly MissingPermission[]): boolean {
  return missing.some(({ permission }) => !COMFORT.has(permission));
}

/** A lack as text: `"Send Messages (the role Krill)"`. */
export function lackText({ permission, deniedBy }: MissingPermission): string {
  return `${permission} (${deniedBy})`;
}

/**
 * Makes one row for all channels: in how many the bot can answer, and the reasons for the others. It
 * fails if the bot cannot answer in a channel that the config lists.
 *
 * A hidden channel alone is no problem, because most servers have channels for moderators.
 *
 * @returns Empty without channels.
 */
function summarise(
  guildName: string,
  channels: readonly SeenChannel[],
  isListed: (channel: SeenChannel) => boolean,
): readonly Finding[] {
  if (channels.length === 0) return [];
  const all = channels.flatMap(({ missing }) => missing);
  const isUsable = ({ missing }: SeenChannel) => !lacksRequired(missing);
  const usable = channels.filter(isUsable).length;
  const status = usable === 0 || channels.some((one) => isListed(one) && !isUsable(one))
    ? "fail"
    : all.every(({ permission }) => permission === HIDDEN)
    ? "pass"
    : "warn";
  const reasons = [
    ...reasonsIn(channels.filter((channel) => !isUsable(channel)), "not in"),
    ...reasonsIn(channels.filter(isUsable), "in"),
  ];
  const more = reasons.length > SHOWN_MAX ? [`and ${reasons.length - SHOWN_MAX} more reasons`] : [];
  return [{
    ...ABOUT,
    status,
    why: [
      `can post in ${usable} of ${channels.length} channels of ${guildName}`,
      ...reasons.slice(0, SHOWN_MAX),
      ...more,
    ].join("; "),
    fix: status === "pass" ? undefined : fixFor(all),
  }];
}

/** `"not in #a, #b: Send Messages missing (the role Krill)"` for each reason. */
function reasonsIn(channels: readonly SeenChannel[], word: "in" | "not in"): readonly string[] {
  const groups = new Map<string, string[]>();
  for (const { name, missing } of channels) {
    if (missing.length === 0) continue;
    const why = missing.map(({ permission, deniedBy }) => `${permission} missing (${deniedBy})`)
      .join(", ");
    groups.set(why, [...groups.get(why) ?? [], `#${name}`]);
  }
  return [...groups].map(([why, names]) => {
    const more = names.length > SHOWN_MAX ? ` and ${names.length - SHOWN_MAX} more` : "";
    return `${word} ${names.slice(0, SHOWN_MAX).join(", ")}${more}: ${why}`;
  });
}

function fixFor(missing: readonly MissingPermission[]): string {
  return missing.some(({ deniedBy }) => deniedBy === "no role grants it")
    ? "invite the bot again with the link of `barnacle invite`, or grant it to the bot's role"
    : `${GRANT_IN_CHANNEL}, or deny the channel in the config`;
}

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
  return [{ ...about, status: "pass", why: `${texts.slice(0, SHOWN_MAX).join("; ")}${more}` }];
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
function answersText(policy: AccessPolicy, guild: SeenGuild, channel: SeenChannel): string {
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

export interface AuditedChannel extends Named<ChannelId> {
  /** `fail`: the bot cannot answer. `warn`: it lacks a comfort. `skipped`: it answers no one. */
  readonly status: FindingStatus;
  /** Permissions of the invite link that the bot has there. */
  readonly granted: readonly string[];
  /** Those that it lacks. */
  readonly missing: readonly MissingPermission[];
  /** Whom the config lets the bot answer. */
  readonly answers: string;
}

export interface PermissionAudit {
  readonly guilds: readonly (Named<GuildId> & { readonly channels: readonly AuditedChannel[] })[];
  /** Guilds, and entries of the config, that could not be checked, each with the reason. */
  readonly notAudited: readonly {
    readonly where?: string;
    readonly why: string;
    readonly fix?: string;
  }[];
}

/** Judges each channel of each guild in which the config lets the bot answer. */
export function auditGuilds(policy: AccessPolicy, guilds: readonly SeenGuild[]): PermissionAudit {
  const silent = guilds.filter((guild) => !mayAnswerIn(policy, guild));
  const unseen = judgePermissions(policy, guilds).filter(({ id, status, where }) =>
    id === "discord.permissions" && (status === "skipped" || where !== undefined)
  );
  return {
    guilds: guilds.flatMap((guild) => {
      const { id, name, details } = guild;
      if (!details || !mayAnswerIn(policy, guild)) return [];
      return [{ id, name, channels: details.channels.map((one) => audit(policy, guild, one)) }];
    }),
    notAudited: [
      ...unseen.map(({ where, why, fix }) => ({ where, why, fix })),
      ...silent.map(({ name }) => ({
        why: `${name}: the config lets the bot answer no one there`,
      })),
    ],
  };
}

function audit(policy: AccessPolicy, guild: SeenGuild, channel: SeenChannel): AuditedChannel {
  const { id, name, missing, furtherMissing = [], granted = [] } = channel;
  const all = [...missing, ...furtherMissing];
  const isOpen = rulesFor({ kind: "guild", guild, channel }, policy).kind === "open";
  const status = !isOpen
    ? "skipped"
    : lacksRequired(missing)
    ? "fail"
    : all.length > 0
    ? "warn"
    : "pass";
  return { id, name, status, granted, missing: all, answers: answersText(policy, guild, channel) };
}
