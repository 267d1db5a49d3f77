/**
 * Names in the config for which Discord has found an id (P12).
 *
 * From then on the entry means this id. A later owner of the name gets no access.
 *
 * @module
 */

import type { ChannelId, GuildId, UserId } from "./discord/ids.ts";

/** One name and its id. `typed` is the entry's text in the config. */
export type ResolvedName =
  & {
    readonly typed: string;
    /** The object's name at Discord at that time. */
    readonly name: string;
    /** Unix time in milliseconds at which Barnacle resolved it. */
    readonly at: number;
  }
  & (
    /** An entry of `allowFrom`, `users` or `ownerAllowFrom`. */
    | { readonly kind: "user"; readonly id: UserId }
    /** A key of `guilds`. */
    | { readonly kind: "guild"; readonly id: GuildId }
    /** A key of `channels`, within the entry of that guild's id. */
    | { readonly kind: "channel"; readonly id: ChannelId; readonly guildId: GuildId }
  );
