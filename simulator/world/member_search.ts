/**
 * Finds members of a guild by how their names begin.
 *
 * As at Discord, the nickname and the display name count as much as the username:
 * whoever searches for one account finds all who call themselves so.
 *
 * @module
 * @see {@link https://docs.discord.com/developers/resources/guild#search-guild-members}
 */

import type { Guild, Member, World } from "./world.ts";

/** @param query The beginning of a name, whatever its case. */
export function searchMembers(
  world: World,
  guild: Guild,
  query: string,
  limit: number,
): readonly Member[] {
  const wanted = query.toLowerCase();
  return [...guild.members.values()].filter(({ userId, nick }) => {
    const user = world.users.get(userId);
    return [user?.username, user?.globalName, nick].some((name) =>
      name?.toLowerCase().startsWith(wanted) ?? false
    );
  }).slice(0, limit);
}
