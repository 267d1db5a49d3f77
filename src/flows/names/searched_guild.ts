/** Describes the guilds in which ids and names of the config are searched, and the wrong ones (P7). */

import type { GuildNames } from "../../core/inbound/inbound.ts";
import { findKeys, GUILD_PINS } from "../../policy/rules/entries.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import { nameAsCode } from "../../render/name.ts";

export interface SearchedGuild extends GuildNames {
  /** Set if its channels and roles are not known, so its lists are empty. */
  readonly isUnread?: true;
}

export interface WrongId {
  /** Config path of the entry. */
  readonly rule: string;
  readonly id: string;
  /** Its fault, in words. */
  readonly why: string;
}

/** Whether Barnacle knows only the id of a guild, which an entry may mean by name. */
export function isNameless({ isUnread, id, name }: SearchedGuild): boolean {
  return isUnread === true && name === id;
}

export function isFor({ guilds = {} }: AccessPolicy, key: string, guild: GuildNames): boolean {
  return key === "*" || findKeys(guilds, guild, GUILD_PINS).includes(key);
}

/** The object of the bot's guilds that has an id; `undefined` if there is none. */
export function meaningOf(id: string, guilds: readonly GuildNames[]): string | undefined {
  for (const guild of guilds) {
    if (guild.id === id) return `that is the server ${nameAsCode(guild.name)}`;
    const channel = guild.channels.find((one) => one.id === id);
    const role = guild.roles.find((one) => one.id === id);
    const [kind, found] = channel ? ["channel", channel] : ["role", role];
    if (found) return `that is the ${kind} ${nameAsCode(found.name)} of ${serverText(guild)}`;
  }
  return undefined;
}

/** `` "the server `Krill & Co` (1400000000000000010)" ``. */
export function serverText({ id, name }: GuildNames): string {
  return `the server ${nameAsCode(name)} (${id})`;
}
