/**
 * Finds names of guilds, channels and roles in the access rules that nothing has (P7).
 *
 * A wrong name closes a place, or lets people wait for nothing, like a wrong id. Names of people are
 * not judged: a person may join a guild later, and Discord does not search all accounts by name.
 */

import { parseSnowflake } from "../../core/discord/ids.ts";
import type { Named } from "../../core/inbound/inbound.ts";
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
  return unresolvedNames(policy).flatMap((name): readonly WrongId[] => {
    const { typed, rule } = name;
    const why = name.kind === "guild"
      ? guildFault(typed, policy, guilds, sight)
      : faultWithin(name, policy, guilds, sight);
    if (why === undefined) return [];
    const named = rule.includes(typed) ? "" : `${nameAsCode(typed)}: `;
    return [{ rule, id: typed, why: named + why }];
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

/** The fault of a channel's or role's name in the entry of a guild. */
function faultWithin(
  { kind, typed, guild: key }: UnresolvedName,
  policy: AccessPolicy,
  guilds: readonly SearchedGuild[],
  sight: GuildSight,
): string | undefined {
  if (key === undefined || kind === "user" || kind === "guild") return undefined;
  const within = guilds.filter((guild) => isFor(policy, key, guild));
  if (within.length === 0) return undefined; // the row of the guild's entry tells it
  const id = parseSnowflake<"guild">(key);
  const mayMiss = id === undefined ? sight.mayMiss() : sight.mayMiss(id);
  if (mayMiss || within.some(({ isUnread }) => isUnread)) return undefined;
  const real = within.flatMap(({ channels, roles }): readonly Named<string>[] =>
    kind === "channel" ? channels : roles
  );
  const isIt = kind === "channel"
    ? (name: string) => isFormOf(typed, name)
    : (name: string) => name === typed;
  if (real.some(({ name }) => isIt(name))) return undefined;
  const where = key === "*" ? "" : ` of ${within.map(serverText).join(" and ")}`;
  return `no ${kind}${where} has this name${nearNamesText(typed, real)}`;
}
