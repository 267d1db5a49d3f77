/**
 * What a session of a guild is called for people.
 *
 * Nothing is matched by it, and no model reads it: guilds and channels are
 * renamed at will, by anybody with the right to do so.
 *
 * @module
 */

import type { GuildPlace, Named } from "../core/inbound/inbound.ts";
import { slug } from "../core/slug.ts";

/**
 * The display name of a place (S2).
 *
 * @param guildSlug `guilds.<id>.slug`, where the operator chose one.
 * @returns `"discord:friends#help"`, or `"discord:friends#help/<thread>"`; the id
 * stands for a name without Latin letters and digits.
 */
export function displayNameOf({ guild, channel, thread }: GuildPlace, guildSlug?: string): string {
  const place = `discord:${guildSlug || slugOrId(guild)}#${slugOrId(channel)}`;
  return thread ? `${place}/${slugOrId(thread)}` : place;
}

function slugOrId({ id, name }: Named<string>): string {
  return slug(name) || id;
}
