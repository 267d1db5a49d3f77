/**
 * What a session of a guild is called for people.
 *
 * Nothing is matched by it, and no model reads it: guilds and channels are
 * renamed at will, by anybody with the right to do so.
 *
 * @module
 */

import type { GuildPlace, Named } from "../core/inbound/inbound.ts";

/**
 * The display name of a place (S2).
 *
 * @param guildSlug `guilds.<id>.slug`, where the operator chose one.
 * @returns `"discord:friends#help"`, or `"discord:friends#help/<thread>"`; letters of every script
 * stay, and the id stands for a name without any.
 */
export function displayNameOf({ guild, channel, thread }: GuildPlace, guildSlug?: string): string {
  const place = `discord:${guildSlug || slugOrId(guild)}#${slugOrId(channel)}`;
  return thread ? `${place}/${slugOrId(thread)}` : place;
}

/** Not the slug that a config's keys are matched by, which knows Latin letters only. */
function slugOrId({ id, name }: Named<string>): string {
  return name.toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || id;
}
