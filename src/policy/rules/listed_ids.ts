/** Lists the ids that the access rules name, with the config path of each (P7). */

import { pathTo } from "../../core/config_file.ts";
import {
  type ChannelId,
  type GuildId,
  parseSnowflake,
  type RoleId,
  type UserId,
} from "../../core/discord/ids.ts";
import type { AllowEntry } from "./allowlist.ts";
import type { AccessPolicy, ChannelRules, GuildRules } from "./rules.ts";

export type ListedId =
  & {
    /** Config path of the entry. */
    readonly rule: string;
    /** Key of the guild entry that contains it; `"*"`: any guild; absent outside guilds. */
    readonly guild?: string;
  }
  & (
    /** `isEntry`: a key of `guilds`. */
    | { readonly kind: "guild"; readonly id: GuildId; readonly isEntry?: true }
    | { readonly kind: "channel"; readonly id: ChannelId }
    | { readonly kind: "role"; readonly id: RoleId }
    | { readonly kind: "user"; readonly id: UserId }
  );

/**
 * Lists the ids of guilds, channels, roles and people, in the order of the config. A name that was
 * resolved to an id is left out.
 */
export function listedIds(policy: AccessPolicy): readonly ListedId[] {
  const { dm, commands, approvers, guilds = {}, ruleOf } = policy;
  const found: readonly ListedId[] = [
    ...inList(dm.allowFrom, "channels.discord.dm.allowFrom"),
    ...Object.entries(guilds).flatMap(([key, guild]) => inGuild(guild, key)),
    ...inList(commands.owners, "commands.ownerAllowFrom"),
    ...approvers.map((id, at): ListedId => ({
      kind: "user",
      id,
      rule: pathTo("channels.discord.execApprovals.approvers", at),
    })),
  ];
  return found.map((listed) => ({ ...listed, rule: ruleOf(listed.rule) }));
}

function inGuild(rules: GuildRules, guild: string): readonly ListedId[] {
  const rule = pathTo("channels.discord.guilds", guild);
  const id = parseSnowflake<"guild">(guild);
  return [
    ...(id === undefined ? [] : [{ kind: "guild", id, rule, isEntry: true } as const]),
    ...inPlace(rules, rule, guild),
    ...Object.entries(rules.channels ?? {}).flatMap(([key, channel]) => {
      const path = pathTo(pathTo(rule, "channels"), key);
      const channelId = parseSnowflake<"channel">(key);
      const own = channelId === undefined
        ? []
        : [{ kind: "channel", id: channelId, rule: path, guild } as const];
      return [...own, ...inPlace(channel, path, guild)];
    }),
  ];
}

function inPlace(
  { users, toolsBySender = [] }: Pick<GuildRules | ChannelRules, "users" | "toolsBySender">,
  path: string,
  guild: string,
): readonly ListedId[] {
  return [
    ...inList(users, pathTo(path, "users"), guild),
    ...toolsBySender.flatMap(({ key, who }) =>
      listed(who, pathTo(pathTo(path, "toolsBySender"), key), guild)
    ),
  ];
}

function inList(
  entries: readonly AllowEntry[] = [],
  path: string,
  guild?: string,
): readonly ListedId[] {
  return entries.flatMap((entry, at) => listed(entry, pathTo(path, at), guild));
}

function listed(entry: AllowEntry, rule: string, guild?: string): readonly ListedId[] {
  switch (entry.kind) {
    case "user":
      return entry.typed === undefined ? [{ kind: "user", id: entry.id, rule, guild }] : [];
    case "role":
      return [{ kind: "role", id: entry.id, rule, guild }];
    default:
      return [];
  }
}
