/**
 * Shares turns fairly among guilds, so that one guild with many waiting messages delays no other.
 *
 * This is start-time fair queueing. Each turn of a guild moves its time on by one, and the guild
 * with the earliest time comes first. The time of a guild without waiting messages does not stay
 * behind: it gains no lead by being silent. A direct message counts as a guild of its own.
 *
 * @module
 */

/** The place of a waiting message. */
export interface Placed {
  /** The account that received it. */
  readonly accountId: string;
  /** Its channel. */
  readonly channelId: string;
  /** Absent in direct messages. */
  readonly guildId?: string;
}

/** The order of guilds. */
export interface FairTurns {
  /** The time of a message's guild; among waiting messages, the lowest is next. */
  timeOf(entry: Placed): number;
  /** Notes that a turn for the message begins. */
  begun(entry: Placed): void;
}

/** Number of guilds of an account from which those without effect are forgotten. */
const MANY = 256;

/** Creates the order; no guild has had a turn. */
export function createFairTurns(): FairTurns {
  /** By account, and by guild or direct message channel: a joined key costs much in a burst. */
  const accounts = new Map<string, Map<string, number>>();
  let now = 0;
  const timeOf = ({ accountId, guildId, channelId }: Placed) =>
    Math.max(now, accounts.get(accountId)?.get(guildId ?? channelId) ?? 0);
  return {
    timeOf,
    begun(entry) {
      const { accountId, guildId, channelId } = entry;
      now = timeOf(entry);
      const times = accounts.get(accountId) ?? new Map<string, number>();
      accounts.set(accountId, times);
      times.set(guildId ?? channelId, now + 1);
      if (times.size < MANY) return;
      for (const [place, time] of times) if (time <= now) times.delete(place);
    },
  };
}
