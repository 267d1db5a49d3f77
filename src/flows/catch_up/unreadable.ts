/**
 * Which channels cannot be read back, and what is missing.
 *
 * An empty page may mean that nothing is left of what was said, or that the bot
 * may not read what was; only the permissions tell (G6). They are looked at when
 * there is a doubt, for a whole guild at once.
 *
 * @module
 */

import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { Log } from "../../lib/log.ts";
import { type MissedChannel, nameOf } from "./missed.ts";

/** What is missing in a channel for it to be read back, as Discord's settings call it. */
export type MissingIn = (channelId: ChannelId) => readonly string[];

/** A channel in which the bot hears people, and whose history it may not read. */
export interface UnreadableChannel {
  readonly channelId: ChannelId;
  readonly name: string;
  /** Permissions, as Discord's settings call them. */
  readonly missing: readonly string[];
}

export interface UnreadablePorts {
  /** Looks at the permissions in a guild. */
  readonly lookAtGuild: (guildId: GuildId) => Promise<MissingIn>;
  /** Whether Discord will never show it: 403 and 404. */
  readonly isRefused: (error: unknown) => boolean;
  readonly log: Log;
}

export interface Unreadable {
  /** Forgets what was seen: somebody may have granted a permission, or removed a channel. */
  lookAnew(): void;
  /** Whether it is known that a channel cannot be read; asks nobody. */
  has(channel: MissedChannel): boolean;
  /** Looks whether a permission is missing, and says so. */
  check(channel: MissedChannel): Promise<boolean>;
  /** A channel could be read. */
  clear(channelId: ChannelId): void;
  list(): readonly UnreadableChannel[];
}

/** Discord's word for it; such a channel is hidden, and nobody there waits for an answer. */
const HIDDEN = "View Channel";

export function createUnreadable({ lookAtGuild, isRefused, log }: UnreadablePorts): Unreadable {
  const channels = new Map<ChannelId, UnreadableChannel>();
  const looks = new Map<GuildId, MissingIn>();

  async function lookAt(guildId: GuildId): Promise<MissingIn> {
    try {
      return await lookAtGuild(guildId);
    } catch (error) {
      if (!isRefused(error)) throw error;
      return () => []; // a guild that was left meanwhile: there is nothing to grant
    }
  }

  /** A thread has the permissions of its parent. */
  function missingIn({ guildId, place }: MissedChannel): readonly string[] {
    const look = guildId && looks.get(guildId);
    return look && place ? look(place.channel.id) : [];
  }

  function note(channel: MissedChannel): boolean {
    const missing = missingIn(channel);
    if (missing.length === 0) return false;
    const { id: channelId, guildId } = channel;
    if (missing.includes(HIDDEN)) {
      log.debug("A channel is hidden from the bot", { channelId, guildId });
      return true;
    }
    const name = nameOf(channel);
    channels.set(channelId, { channelId, name, missing });
    log.warn(`Cannot read what was said in ${name} while nobody listened`, {
      channelId,
      guildId,
      missing,
      fix: `Grant the bot's role "${missing.join('" and "')}" in ${name}`,
    });
    return true;
  }

  return {
    lookAnew() {
      looks.clear();
      channels.clear();
    },
    has: (channel) => missingIn(channel).length > 0 && note(channel),
    async check(channel) {
      const { guildId } = channel;
      if (!guildId) return false; // whoever is in a private channel may read it
      if (!looks.has(guildId)) looks.set(guildId, await lookAt(guildId));
      return note(channel);
    },
    clear: (channelId) => void channels.delete(channelId),
    list: () => [...channels.values()],
  };
}
