/**
 * Finds names of guilds and roles in the access rules that nothing has (P7).
 *
 * A wrong name closes a guild, or lets people wait for nothing, like a wrong id. Other names are not
 * judged: Discord does not show all channels, and a person may join a guild later.
 */

import { pathTo } from "../../core/config_file.ts";
import { parseSnowflake } from "../../core/discord/ids.ts";
import { findKeys, GUILD_PINS, isFormOf } from "../../policy/rules/entries.ts";
import { type UnresolvedName, unresolvedNames } from "../../policy/rules/pinned.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import { nameAsCode } from "../../render/name.ts";
import { namedText, nearNamesText } from "./nearest.ts";
import {
  isFor,
  isNameless,
  type SearchedGuild,
  serverText,
  type WrongId,
} from "./searched_guild.ts";
import type { GuildSight } from "./seen_shards.ts";

/**
 * Finds the wrong names of a config, in its order. A name is not wrong if a guild may have it that
 * the process does not see.
 */
export function findWrongNames(
  policy: AccessPolicy,
  guilds: readonly SearchedGuild[],
  sight: GuildSight,
): readonly WrongId[] {
  const unresolved = unresolvedNames(policy).flatMap((name): readonly WrongId[] => {
    const { kind, typed, rule } = name;
    const why = kind === "guild"
      ? guildFault(typed, policy, guilds, sight)
      : kind === "role"
      ? roleFault(name, policy, guilds, sight)
      : undefined;
    if (why === undefined) return [];
    const named = kind === "guild" ? "" : `${nameAsCode(typed)}: `;
    return [{ rule, id: typed, why: named + why }];
  });
  return [...unresolved, ...leftGuilds(policy, guilds, sight)];
}

/** Names that mean a guild which the bot has left since. */
function leftGuilds(
  { guilds: entries = {}, ruleOf }: AccessPolicy,
  guilds: readonly SearchedGuild[],
  sight: GuildSight,
): readonly WrongId[] {
  return Object.entries(entries).flatMap(([key, { pinned }]): readonly WrongId[] => {
    if (pinned === undefined || sight.mayMiss(pinned)) return [];
    if (guilds.some(({ id }) => id === pinned)) return [];
    const rule = ruleOf(pathTo("channels.discord.guilds", key));
    return [{ rule, id: key, why: `the bot is no longer in the server of this name (${pinned})` }];
  });
}

function guildFault(
  typed: string,
  policy: AccessPolicy,
  guilds: readonly SearchedGuild[],
  sight: GuildSight,
): string | undefined {
  if (sight.mayMiss() || guilds.some(isNameless)) return undefined;
  const found = guilds.filter(({ name }) => isFormOf(typed, name));
  if (found.length === 1) return undefined;
  if (found.length > 1) {
    return `several servers have this name, so it means none of them; use an ID: ${
      namedText(found)
    }`;
  }
  const possible = guilds.filter((guild) => {
    const [entry = "*"] = findKeys(policy.guilds ?? {}, guild, GUILD_PINS);
    return entry === "*";
  });
  return `the bot is in no server with this name${nearNamesText(typed, possible)}`;
}

function roleFault(
  { typed, guild: key }: UnresolvedName,
  policy: AccessPolicy,
  guilds: readonly SearchedGuild[],
  sight: GuildSight,
): string | undefined {
  if (key === undefined) return undefined; // no one has a role there
  const within = guilds.filter((guild) => isFor(policy, key, guild));
  if (within.length === 0) return undefined; // the row of the guild's entry tells it
  if (sight.mayMiss(parseSnowflake<"guild">(key))) return undefined;
  if (within.some(({ isUnread }) => isUnread)) return undefined;
  const roles = within.flatMap((guild) => guild.roles);
  if (roles.some(({ name }) => name === typed)) return undefined;
  const where = key === "*" ? "" : ` of ${within.map(serverText).join(" and ")}`;
  return `no role${where} has this name${nearNamesText(typed, roles)}`;
}
