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

/** Number of guilds from which those without effect are forgotten. */
const MANY = 256;

/** Creates the order; no guild has had a turn. */
export function createFairTurns(): FairTurns {
  const times = new Map<string, number>();
  let now = 0;
  const timeOf = (entry: Placed) => Math.max(now, times.get(keyOf(entry)) ?? 0);
  return {
    timeOf,
    begun(entry) {
      now = timeOf(entry);
      times.set(keyOf(entry), now + 1);
      if (times.size < MANY) return;
      for (const [key, time] of times) if (time <= now) times.delete(key);
    },
  };
}

function keyOf({ accountId, guildId, channelId }: Placed): string {
  return `${accountId} ${guildId ?? channelId}`;
}
