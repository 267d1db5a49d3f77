/**
 * Names of a guild and of its members, as entries of the config are matched against them (P12).
 *
 * @module
 */

import type { ChannelId, GuildId, RoleId, UserId } from "../discord/ids.ts";
import type { Named } from "./inbound.ts";

/** A guild's names, for entries of the config that name its channels or roles. */
export interface GuildNames extends Named<GuildId> {
  /** Without threads, which anyone can name, and without categories, which have no messages. */
  readonly channels: readonly Named<ChannelId>[];
  /** All roles of the guild. */
  readonly roles: readonly Named<RoleId>[];
}

/** A member that Discord returned for a search; it searches nicknames, too. */
export interface FoundMember {
  /** The member's user id. */
  readonly userId: UserId;
  /** The member's user name, not the nickname. */
  readonly username: string;
  /** `"ada#1234"`; absent for accounts without a discriminator. */
  readonly tag?: string;
  /** Set for a bot, whose user name other bots may share. */
  readonly isBot?: true;
}
