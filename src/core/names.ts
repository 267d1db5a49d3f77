/**
 * Names in the config for which Discord has found an id (P12), names as a config can hold them, and
 * the allow lists of people, as `/allowlist` shows and changes them (K2, P2, P10).
 *
 * From then on the entry means this id. A later owner of the name gets no access.
 */

import type { ChannelId, GuildId, UserId } from "./discord/ids.ts";

/**
 * Which list. `here`: the list that decides in the place of the command. `server`: that of the guild,
 * even if the channel has its own. `dm`: direct messages.
 * `owners`: the owners of the bot.
 */
export type ListChoice = "here" | "server" | "dm" | "owners";

export interface ListedEntry {
  /** As the config has it: `"123"`, `"ada"`, `"role:5"`, `"*"`. */
  readonly text: string;
  /** The person, if the entry is an id, or a name that was resolved to one (P12). */
  readonly userId?: UserId;
}

/** A list of the config that decides who may talk to the bot. */
export interface PeopleList {
  readonly kind: "list";
  /** Config path. */
  readonly rule: string;
  readonly entries: readonly ListedEntry[];
  /** Set if it is the list of direct messages, or of owners: empty, it closes no guild. */
  readonly isOfDms?: true;
  /** Set if people also get access by a pairing. */
  readonly hasPairings?: true;
}

/** Why there is no list to change. */
export type NoList =
  /** Every member may talk. A list at `rule` would keep out all others. */
  | { readonly kind: "everyone"; readonly rule: string }
  /**
   * The config lists no guilds. A list at `rule` would keep the bot silent in each guild that the
   * config does not list.
   */
  | { readonly kind: "no_guilds"; readonly rule: string }
  /** The owners are those of the application at Discord. A list at `rule` would replace them. */
  | { readonly kind: "application"; readonly rule: string }
  /** The bot answers no one there. */
  | { readonly kind: "closed"; readonly rule: string }
  /** The command was given outside of guilds, and asks for a guild's list. */
  | { readonly kind: "no_guild" };

export type ListChange =
  | NoList
  | {
    readonly kind: "changed" | "unchanged";
    readonly rule: string;
    /** Set if the list has `"*"`, so that it admits everyone. */
    readonly hasEveryone?: true;
    /** Set if the list is a guild's, and admits no one any more. */
    readonly admitsNoOne?: true;
    /** Set if a pairing of the person has ended. */
    readonly isUnpaired?: true;
  }
  /** The file was not changed; `command` does the same on the bot's machine. */
  | { readonly kind: "failed"; readonly problem: string; readonly command: string }
  /** Discord has no such user. */
  | { readonly kind: "no_user" };

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
