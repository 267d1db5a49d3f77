/**
 * Detects guilds and channels that were renamed, also while the bot was not connected.
 *
 * @module
 */

import type { Renamed } from "../../../core/inbound/events.ts";
import type { Guild } from "../decode/guild_index.ts";
import { namesIn } from "../decode/places.ts";

/**
 * Compares a guild before and after a dispatch.
 *
 * @returns Channels first, so that each event has the guild's name of that time.
 */
export function renamedIn(before: Guild | undefined, after: Guild | undefined): readonly Renamed[] {
  if (!before || !after) return [];
  const guild = { id: before.id, name: before.name };
  const channels = namesIn(before).channels.flatMap((channel): readonly Renamed[] => {
    const now = after.channels.get(channel.id);
    return now && now.name !== channel.name ? [{ kind: "renamed", guild, channel }] : [];
  });
  // A guild without a description yet has its id as name.
  const isRenamed = before.name !== after.name && before.name !== before.id;
  return isRenamed ? [...channels, { kind: "renamed", guild }] : channels;
}
