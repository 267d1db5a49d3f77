/**
 * Builds the display name of a guild's session.
 *
 * The name is for people only. Rules never match it and models never see it, because anyone with
 * the permission may rename guilds and channels.
 *
 * @module
 */

import type { GuildPlace, Named } from "../core/inbound/inbound.ts";

/**
 * Builds the display name of a place (S2).
 *
 * @param guildSlug `guilds.<id>.slug`, if the operator chose one.
 * @returns `"discord:friends#help"`, or `"discord:friends#help/<thread>"`. Letters of every script
 * stay; a name without any becomes the id.
 */
export function displayNameOf({ guild, channel, thread }: GuildPlace, guildSlug?: string): string {
  const place = `discord:${guildSlug || slugOrId(guild)}#${slugOrId(channel)}`;
  return thread ? `${place}/${slugOrId(thread)}` : place;
}

/** Differs from the slug that matches a config's keys, which has Latin letters only. */
function slugOrId({ id, name }: Named<string>): string {
  return name.toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || id;
}
