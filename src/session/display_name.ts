/**
 * Names a guild's session for people.
 *
 * Members with the right can rename guilds and channels at any time. So Barnacle matches nothing by
 * this name, and shows it to no model.
 *
 * @module
 */

import type { GuildPlace, Named } from "../core/inbound/inbound.ts";

/**
 * The display name of a place (S2).
 *
 * @param guildSlug `guilds.<id>.slug`; absent if the operator chose none.
 * @returns `"discord:friends#help"`, or `"discord:friends#help/<thread>"`. Letters of every script
 * stay; the id replaces a name without letters.
 */
export function displayNameOf({ guild, channel, thread }: GuildPlace, guildSlug?: string): string {
  const place = `discord:${guildSlug || slugOrId(guild)}#${slugOrId(channel)}`;
  return thread ? `${place}/${slugOrId(thread)}` : place;
}

/** Differs from the slug that matches the config's keys, which keeps Latin letters only. */
function slugOrId({ id, name }: Named<string>): string {
  return name.toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || id;
}
