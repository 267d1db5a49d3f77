/**
 * Finds channels whose history the bot may not read, and the missing permissions.
 *
 * An empty page may mean that no message is left, or that the bot may not read them. Only the
 * permissions tell (G6). Barnacle checks them in case of doubt, for a whole guild at once.
 */

import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import { type MissedChannel, nameOf } from "./missed_reading.ts";
import type { BotAccount } from "../../account/account.ts";
import { createMissingReadPermissions } from "../../discord/rest/permissions/explain_denial.ts";
import { BACKGROUND, isRefused } from "./missed_pages.ts";

/** The permissions that a channel lacks, by their names in Discord's settings. */
type MissingIn = (channelId: ChannelId) => readonly string[];

/** A channel in which the bot gets messages, but may not read the history. */
interface UnreadableChannel {
  readonly channelId: ChannelId;
  /** Name for people: `"#general"`. */
  readonly name: string;
  /** Missing permissions, by their names in Discord's settings. */
  readonly missing: readonly string[];
}

/**
 * Discord's name of the permission. A channel without it is hidden, and no person there expects an
 * answer.
 */
const HIDDEN = "View Channel";

export function createUnreadable({ reader, rest, log }: BotAccount) {
  const readPermissions = createMissingReadPermissions(rest, BACKGROUND);
  const channels = new Map<ChannelId, UnreadableChannel>();
  const permissions = new Map<GuildId, MissingIn>();

  async function permissionsIn(guildId: GuildId): Promise<MissingIn> {
    if (!reader.self) throw new TypeError("Cannot look at a guild before READY");
    try {
      return await readPermissions(guildId, reader.self.userId);
    } catch (error) {
      if (!isRefused(error)) throw error;
      return () => []; // the bot has left the guild: there is nothing to grant
    }
  }

  /** A thread has the permissions of its parent. */
  function missingIn({ guildId, place }: MissedChannel): readonly string[] {
    const missingInGuild = guildId && permissions.get(guildId);
    return missingInGuild && place ? missingInGuild(place.channel.id) : [];
  }

  function record(channel: MissedChannel): boolean {
    const missing = missingIn(channel);
    if (missing.length === 0) return false;
    const { id: channelId, guildId } = channel;
    if (missing.includes(HIDDEN)) {
      log.debug("A channel is hidden from the bot", { channelId, guildId });
      return true;
    }
    const name = nameOf(channel);
    channels.set(channelId, { channelId, name, missing });
    log.warn(`Cannot read the missed messages in ${name}`, {
      channelId,
      guildId,
      missing,
      fix: `Grant the bot's role "${missing.join('" and "')}" in ${name}`,
    });
    return true;
  }

  return {
    /** Forgets all results: a person may have granted a permission, or removed a channel. */
    reset(): void {
      permissions.clear();
      channels.clear();
    },
    /** Whether Barnacle already knows that a channel is unreadable. Sends no request. */
    has: (channel: MissedChannel): boolean => missingIn(channel).length > 0 && record(channel),
    /**
     * Checks whether a channel lacks a permission, and logs it.
     *
     * @throws {unknown} Any other failure than a refusal, as a rejection.
     */
    async check(channel: MissedChannel): Promise<boolean> {
      const { guildId } = channel;
      if (!guildId) return false; // in a direct message channel, the bot may always read
      if (!permissions.has(guildId)) permissions.set(guildId, await permissionsIn(guildId));
      return record(channel);
    },
    /** Tells that Barnacle could read a channel. */
    clear: (channelId: ChannelId): void => void channels.delete(channelId),
    /** All known unreadable channels, except hidden ones. */
    list: (): readonly UnreadableChannel[] => [...channels.values()],
  };
}
