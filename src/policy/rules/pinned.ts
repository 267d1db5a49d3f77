/**
 * Replaces names in the rules by the ids that Discord gave for them, and lists the names that have
 * none (P4, P12).
 *
 * Once an entry is resolved it means that id, even if the object is renamed or another one takes
 * the name. The config still contains the name, so the policy is made anew from both.
 */

import { pathTo } from "../../core/config_file.ts";
import {
  type ChannelId,
  type GuildId,
  parseSnowflake,
  type UserId,
} from "../../core/discord/ids.ts";
import type { ResolvedName } from "../../core/names.ts";
import type { AllowEntry } from "./allowlist.ts";
import { isNameKey } from "./checks.ts";
import type { AccessPolicy, ChannelRules, GuildRules, SenderTools } from "./rules.ts";

/** An entry that matches by a name, which another object may take. */
export interface UnresolvedName {
  readonly kind: "user" | "guild" | "channel" | "role";
  readonly typed: string;
  readonly rule: string;
  /** Key of the guild entry that contains it; absent outside guilds. */
  readonly guild?: string;
}

type Guilds = NonNullable<AccessPolicy["guilds"]>;
/** The policy with ids in place of names, as far as they are resolved. */
export function withNames(policy: AccessPolicy, names: readonly ResolvedName[]): AccessPolicy {
  if (names.length === 0) return policy;
  const pins = pinsOf(names);
  const { dm, commands, guilds } = policy;
  const { owners } = commands;
  return {
    ...policy,
    dm: { ...dm, allowFrom: pinnedList(dm.allowFrom, pins) },
    commands: { ...commands, ...(owners && { owners: pinnedList(owners, pins) }) },
    ...(guilds && { guilds: mapEntries(guilds, (guild, key) => pinnedGuild(guild, key, pins)) }),
  };
}

interface ResolvedIds {
  readonly users: ReadonlyMap<string, UserId>;
  readonly guilds: ReadonlyMap<string, GuildId>;
  readonly channels: ReadonlyMap<string, ReadonlyMap<GuildId, ChannelId>>;
}

function pinsOf(names: readonly ResolvedName[]): ResolvedIds {
  const users = new Map<string, UserId>();
  const guilds = new Map<string, GuildId>();
  const channels = new Map<string, Map<GuildId, ChannelId>>();
  for (const name of names) {
    const typed = name.typed.trim();
    switch (name.kind) {
      case "user":
        users.set(typed, name.id);
        break;
      case "guild":
        guilds.set(name.typed, name.id);
        break;
      case "channel": {
        const inGuilds = channels.get(name.typed) ?? new Map<GuildId, ChannelId>();
        channels.set(name.typed, inGuilds.set(name.guildId, name.id));
        break;
      }
    }
  }
  return { users, guilds, channels };
}

function pinnedList(entries: readonly AllowEntry[], pins: ResolvedIds): readonly AllowEntry[] {
  return entries.map((entry) => pinnedEntry(entry, pins));
}

function pinnedEntry(entry: AllowEntry, { users }: ResolvedIds): AllowEntry {
  const id = entry.kind === "name" ? users.get(entry.name) : undefined;
  return id === undefined || entry.kind !== "name"
    ? entry
    : { kind: "user", id, typed: entry.name };
}

type PeopleRules = Pick<GuildRules, "users" | "toolsBySender">;

function pinnedPeople(
  { users, toolsBySender }: PeopleRules,
  pins: ResolvedIds,
): PeopleRules {
  return {
    users: users && pinnedList(users, pins),
    toolsBySender: toolsBySender?.map((one) => ({ ...one, who: pinnedEntry(one.who, pins) })),
  };
}

function pinnedGuild(guild: GuildRules, key: string, pins: ResolvedIds): GuildRules {
  const pinned = isNameKey(key) ? pins.guilds.get(key) : undefined;
  const { channels } = guild;
  return {
    ...guild,
    ...(pinned && { pinned }),
    ...pinnedPeople(guild, pins),
    channels: channels &&
      mapEntries(channels, (channel, name) => pinnedChannel(channel, name, pins)),
  };
}

/** A channel of another guild does no harm here: no message in this guild comes from it. */
function pinnedChannel(channel: ChannelRules, key: string, pins: ResolvedIds): ChannelRules {
  const pinned = isNameKey(key) ? pins.channels.get(key) : undefined;
  return { ...channel, ...(pinned && { pinned }), ...pinnedPeople(channel, pins) };
}

/** All entries that still match by name, in the order of the config. */
export function unresolvedNames(policy: AccessPolicy): readonly UnresolvedName[] {
  const { dm, commands, guilds = {}, ruleOf } = policy;
  const found = [
    ...unresolvedIn(dm.allowFrom, "channels.discord.dm.allowFrom"),
    ...Object.entries(guilds).flatMap(([key, guild]) => unresolvedInGuild(guild, key)),
    ...unresolvedIn(commands.owners, "commands.ownerAllowFrom"),
  ];
  return found.map((name) => ({ ...name, rule: ruleOf(name.rule) }));
}

function unresolvedInGuild(guild: GuildRules, key: string): readonly UnresolvedName[] {
  const path = pathTo("channels.discord.guilds", key);
  // A key that is an id is one guild; one of other digits is a name, as any word is.
  const only = guild.pinned ?? (isNameKey(key) ? undefined : parseSnowflake<"guild">(key));
  const own: readonly UnresolvedName[] = isNameKey(key) && !guild.pinned
    ? [{ kind: "guild", typed: key, rule: path }]
    : [];
  const channels = Object.entries(guild.channels ?? {}).flatMap(([typed, channel]) => {
    const rule = pathTo(pathTo(path, "channels"), typed);
    const isPinned = only !== undefined && channel.pinned?.has(only) === true;
    const name: readonly UnresolvedName[] = isNameKey(typed) && !isPinned
      ? [{ kind: "channel", typed, rule, guild: key }]
      : [];
    return [...name, ...unresolvedPeople(channel, rule, key)];
  });
  return [...own, ...unresolvedPeople(guild, path, key), ...channels];
}

/** @param guild Key of the guild entry. */
function unresolvedPeople(
  { users, toolsBySender = [] }: PeopleRules,
  path: string,
  guild: string,
): readonly UnresolvedName[] {
  const withTools = toolsBySender.flatMap(({ key, who }: SenderTools) =>
    unresolvedAt(who, pathTo(pathTo(path, "toolsBySender"), key), guild)
  );
  return [...unresolvedIn(users, pathTo(path, "users"), guild), ...withTools];
}

function unresolvedIn(
  entries: readonly AllowEntry[] | undefined,
  path: string,
  guild?: string,
): readonly UnresolvedName[] {
  return (entries ?? []).flatMap((entry, at) => unresolvedAt(entry, pathTo(path, at), guild));
}

function unresolvedAt(
  entry: AllowEntry,
  rule: string,
  guild: string | undefined,
): readonly UnresolvedName[] {
  const within = guild !== undefined && { guild };
  switch (entry.kind) {
    case "name":
      return [{ kind: "user", typed: entry.name, rule, ...within }];
    case "role_name":
      return [{ kind: "role", typed: entry.name, rule, ...within }];
    default:
      return [];
  }
}

/** The result has no prototype: a channel called `constructor` must find no rule. */
function mapEntries<Rules extends Guilds[string] | NonNullable<GuildRules["channels"]>[string]>(
  record: Readonly<Record<string, Rules>>,
  convert: (rules: Rules, key: string) => Rules,
): Readonly<Record<string, Rules>> {
  const result: Record<string, Rules> = Object.create(null);
  for (const [key, rules] of Object.entries(record)) result[key] = convert(rules, key);
  return result;
}
