/**
 * Finds members of a guild by the beginning of their names.
 *
 * As at Discord, nickname and display name count as much as the username. So a search for one
 * account finds all members with that name.
 *
 * @see {@link https://docs.discord.com/developers/resources/guild#search-guild-members}
 */

import type { Guild, Member, World } from "./world.ts";

/** @param query The beginning of a name, in any case. */
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
