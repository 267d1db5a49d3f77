/**
 * Names of the config that were found to be ids (P12).
 *
 * From then on the entry is its id: who takes the name later is a stranger.
 *
 * @module
 */

import type { ChannelId, GuildId, UserId } from "./discord/ids.ts";

/** One name; `typed` is the entry's text as it is written. */
export type ResolvedName =
  & {
    readonly typed: string;
    /** What it was called when it was found. */
    readonly name: string;
    /** Unix time in milliseconds. */
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
