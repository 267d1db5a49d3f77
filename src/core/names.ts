/**
 * Names in the config for which Discord has found an id (P12), and names as a config can hold them.
 *
 * From then on the entry means this id. A later owner of the name gets no access.
 */

import type { ChannelId, GuildId, UserId } from "./discord/ids.ts";

/** One name and its id. `typed` is the entry's text in the config. */
export type ResolvedName =
  & {
    readonly typed: string;
    /** The object's name at Discord at that time. */
    readonly name: string;
    readonly at: number;
  }
  & (
    /** An entry of `allowFrom`, `users` or `ownerAllowFrom`. */
    | { readonly kind: "user"; readonly id: UserId }
    | { readonly kind: "guild"; readonly id: GuildId }
    /** A key of `channels`, within the entry of that guild's id. */
    | { readonly kind: "channel"; readonly id: ChannelId; readonly guildId: GuildId }
  );

/**
 * Turns the name of a guild or channel into one that a config can hold.
 *
 * The slug is lower case, and each run of characters other than `a-z0-9` becomes a single `-`. None
 * stays at the ends: `"#Help Desk"` becomes `"help-desk"`. A leading `#` and surrounding spaces are
 * such runs.
 *
 * @returns The slug; empty for a name without Latin letters and digits, such as `"日本語"`. An empty
 * slug matches nothing: the config then needs the id or the exact name.
 */
export function slug(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
}
