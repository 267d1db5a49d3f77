/**
 * Makes the rows of the access matrix: one for each place that the config names, or that the bot is
 * in.
 *
 * The row of an unknown place says which rules would apply if the place existed.
 */

import { type ChannelId, type GuildId, parseSnowflake } from "../../core/discord/ids.ts";
import type { GuildPlace, Named } from "../../core/inbound/inbound.ts";
import type { Guild, GuildIndex } from "../../discord/gateway/decode/guild_index.ts";
import { placeIn } from "../../discord/gateway/decode/places.ts";
import { type AllowEntry, entryText } from "../../policy/rules/allowlist.ts";
import { isFormOf } from "../../policy/rules/entries.ts";
import { rulesFor } from "../../policy/rules/place_rules.ts";
import type {
  AccessPolicy,
  ChannelRules,
  GroupEntry,
  GuildRules,
} from "../../policy/rules/rules.ts";
import { unknownId } from "../../cli/verdict/place.ts";

export interface AccessRow {
  /** Name of the place, for people. */
  readonly place: string;
  /** Absent if unknown, or outside of guilds. */
  readonly guildId?: GuildId;
  /** Absent for rows about several channels. */
  readonly channelId?: ChannelId;
  /** `"everyone"`, `"no one"`, or entries of the allow list; an unresolved name ends in `?`. */
  readonly talk: readonly string[];
  /** Whether the bot answers mentions only. */
  readonly needsMention: boolean;
  readonly reactions: GuildRules["reactionNotifications"];
  /** Users of commands that need no more than the right to talk. */
  readonly commands: readonly string[];
  /** Users of commands that change the session. */
  readonly sessionCommands: "the same" | "managers";
  /** Config path of the rule for talking. */
  readonly rule: string;
  /** The config names it, but the bot does not know it. */
  readonly isUnknown?: true;
}

const EVERYONE = ["everyone"];
const EVERYONE_WITH_OWNER = ["everyone, if an owner of the bot is a member"];
const NO_ONE = ["no one"];

/**
 * Makes all rows.
 *
 * @param pairedCount Number of paired users; `undefined` if the store cannot be read.
 */
export function rowsOf(
  policy: AccessPolicy,
  index: GuildIndex,
  pairedCount: number | undefined,
): readonly AccessRow[] {
  return [direct(policy, pairedCount), group(policy, pairedCount), ...guildRows(policy, index)];
}

function direct(policy: AccessPolicy, pairedCount: number | undefined): AccessRow {
  const { dm: { enabled, policy: dmPolicy }, ruleOf } = policy;
  const talk = enabled ? dmTalkers(policy, pairedCount) : NO_ONE;
  const key = !enabled ? "enabled" : dmPolicy === "allowlist" ? "allowFrom" : "policy";
  return row(policy, {
    place: "direct messages",
    talk,
    needsMention: false,
    reactions: "own",
    sessionCommands: "the same",
    rule: ruleOf(`channels.discord.dm.${key}`),
  });
}

function group(policy: AccessPolicy, pairedCount: number | undefined): AccessRow {
  const { dm: { groupEnabled, groupChannels }, ruleOf } = policy;
  const isOpen = groupEnabled && groupChannels?.length !== 0;
  const listed = groupChannels?.map(groupText).join(", ");
  return row(policy, {
    place: isOpen && listed !== undefined ? `group DMs: ${listed}` : "group DMs",
    talk: isOpen ? dmTalkers(policy, pairedCount) : NO_ONE,
    needsMention: false,
    reactions: "own",
    sessionCommands: "the same",
    rule: ruleOf(`channels.discord.dm.${groupEnabled ? "groupChannels" : "groupEnabled"}`),
  });
}

function groupText(entry: GroupEntry): string {
  if (entry.kind === "any") return "*";
  return entry.kind === "channel" ? entry.id : `${entry.name}?`;
}

function dmTalkers({ dm }: AccessPolicy, pairedCount: number | undefined): readonly string[] {
  const listed = dm.allowFrom.map(markedText);
  switch (dm.policy) {
    case "disabled":
      return NO_ONE;
    case "open":
      return EVERYONE;
    case "allowlist":
      return listed.length === 0 ? NO_ONE : listed;
    case "pairing":
      return [`paired users (${pairedCount ?? "unknown"})`, ...listed];
  }
}

/** An entry of an allow list as text; an unresolved name ends in `?`. */
export function markedText(entry: AllowEntry): string {
  if (entry.kind === "anyone") return "everyone";
  const isName = entry.kind === "name" || entry.kind === "role_name";
  return isName ? `${entryText(entry)}?` : entryText(entry);
}

/** An entry of {@link AccessRow.talk} with the name of its person, if that is known. */
export function namedEntry(entry: string, names: ReadonlyMap<string, string>): string {
  const name = names.get(entry);
  return name === undefined ? entry : `${name} = ${entry}`;
}

function guildRows(policy: AccessPolicy, index: GuildIndex): readonly AccessRow[] {
  const rows: AccessRow[] = [];
  const shown = new Set<GuildId>();
  for (const [key, rules] of Object.entries(policy.guilds ?? {})) {
    if (key === "*") continue;
    const guild = guildOf(key, rules, index);
    if (guild && shown.has(guild.id)) continue;
    if (guild) shown.add(guild.id);
    const id = guild?.id ?? rules.pinned ?? parseSnowflake<"guild">(key) ?? unknownId<"guild">();
    rows.push(...within({ id, name: guild?.name ?? key }, rules, policy, guild));
  }
  const rest = policy.guilds?.["*"] ?? { reactionNotifications: "own" };
  for (const guild of index.values()) {
    if (!shown.has(guild.id)) rows.push(...within(guild, rest, policy, guild));
  }
  const other = { id: unknownId<"guild">(), name: "any other guild" };
  return [...rows, ...within(other, rest, policy, undefined, true)];
}

function guildOf(key: string, { pinned }: GuildRules, index: GuildIndex): Guild | undefined {
  const id = pinned ?? parseSnowflake<"guild">(key);
  if (id) return index.get(id);
  return Array.from(index.values()).find(({ name }) => isFormOf(key, name));
}

/** Rows of a guild: its listed channels, then all others. */
function within(
  { id, name }: Named<GuildId>,
  rules: GuildRules,
  policy: AccessPolicy,
  guild: Guild | undefined,
  isAny = false,
): readonly AccessRow[] {
  const isUnknown = !guild && !isAny;
  const rows: AccessRow[] = [];
  const other = unknownId<"channel">();
  const keys = Object.keys(rules.channels ?? {}).filter((key) => key !== "*");
  for (const key of keys) {
    const channelId = channelOf(key, rules.channels?.[key], id, guild);
    const known = channelId && guild?.channels.get(channelId);
    const place = known
      ? placeIn(id, known.id, guild)
      : placeOf({ id, name }, channelId ?? other, key, guild);
    rows.push(inGuild(policy, place, {
      place: `${name} #${known?.name ?? key}`,
      guildId: id,
      channelId,
      isUnknown: isUnknown || !known,
    }));
  }
  const all = keys.length === 0 ? "" : ", other channels";
  rows.push(inGuild(policy, placeOf({ id, name }, other, "", guild), {
    place: `${name}${all}`,
    guildId: isAny ? undefined : id,
    channelId: undefined,
    isUnknown,
  }));
  return rows;
}

function placeOf(
  guild: Named<GuildId>,
  channelId: ChannelId,
  name: string,
  known: Guild | undefined,
): GuildPlace {
  const { hasNamesake } = known ?? {};
  const channel = { id: channelId, name };
  return { kind: "guild", guild, channel, hasNamesake: hasNamesake || undefined };
}

function channelOf(
  key: string,
  rules: ChannelRules | undefined,
  guildId: GuildId,
  guild: Guild | undefined,
): ChannelId | undefined {
  const id = rules?.pinned?.get(guildId)?.[0] ?? parseSnowflake<"channel">(key);
  if (id) return id;
  return Array.from(guild?.channels.values() ?? []).find(({ name }) => isFormOf(key, name))?.id;
}

function inGuild(
  policy: AccessPolicy,
  place: GuildPlace,
  { guildId, channelId, isUnknown, ...about }: {
    readonly place: string;
    readonly guildId: GuildId | undefined;
    readonly channelId: ChannelId | undefined;
    readonly isUnknown: boolean;
  },
): AccessRow {
  const rules = rulesFor(place, policy);
  const common = {
    ...about,
    guildId: guildId && guildId !== unknownId() ? guildId : undefined,
    channelId: channelId || undefined,
    isUnknown: isUnknown || undefined,
    sessionCommands: "managers",
  } as const;
  if (rules.kind === "closed") {
    return row(policy, {
      ...common,
      talk: NO_ONE,
      needsMention: true,
      reactions: "off",
      rule: policy.ruleOf(rules.rule),
    });
  }
  const { users, requireMention, reactionNotifications } = rules;
  const everyone = policy.needsOwnerInGuild ? EVERYONE_WITH_OWNER : EVERYONE;
  const [listed, ...also] = users.map(({ value }) => value.map(markedText));
  const limits = also.map((list) => `limited to: ${list.join(", ") || "no one"}`);
  return row(policy, {
    ...common,
    talk: listed === undefined ? everyone : listed.length === 0 ? NO_ONE : [...listed, ...limits],
    needsMention: requireMention.value,
    reactions: reactionNotifications.value,
    rule: policy.ruleOf((users[0] ?? requireMention).rule),
  });
}

/** Adds the users of commands. */
function row(policy: AccessPolicy, fields: Omit<AccessRow, "commands">): AccessRow {
  return { ...fields, commands: policy.commands.usesAccessGroups ? fields.talk : EVERYONE };
}
