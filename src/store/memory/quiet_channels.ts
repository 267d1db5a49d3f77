/**
 * Remembers the channels whose context a session has read completely.
 *
 * Most turns follow another turn with no message in between. They need not search the tables for
 * overheard messages.
 *
 * @module
 */
import type { OverheardKey } from "../../core/store/turns.ts";

/** Channels and the sessions that have read their context. */
export interface QuietChannels {
  /** Notes that a message was kept as context. */
  kept(key: OverheardKey): void;
  /** Whether nothing was kept in the channel since {@link QuietChannels.allRead}. */
  isQuiet(key: OverheardKey, sessionKey: string): boolean;
  /** Notes that the tables hold no context that the session has not read. */
  allRead(key: OverheardKey, sessionKey: string): void;
  /** Forgets all channels; the tables must then be read again. */
  forget(): void;
  /** Estimated bytes of memory. */
  bytes(): number;
}

/** Maximum number of channels and sessions; at the limit, all are forgotten. */
const MAX = 8_192;
/** Estimated bytes of one. */
const ENTRY_BYTES = 200;

/** Creates empty memory. */
export function createQuietChannels(): QuietChannels {
  /** Number of messages kept in each channel whose context a session has read. */
  const counts = new Map<string, number>();
  const readCounts = new Map<string, number>();

  function forget(): void {
    counts.clear();
    readCounts.clear();
  }

  return {
    kept(key) {
      const channel = channelKeyOf(key);
      const count = counts.get(channel);
      if (count !== undefined) counts.set(channel, count + 1);
    },
    isQuiet(key, sessionKey) {
      const channel = channelKeyOf(key);
      const count = counts.get(channel);
      return count !== undefined && readCounts.get(`${channel} ${sessionKey}`) === count;
    },
    allRead(key, sessionKey) {
      if (readCounts.size >= MAX) forget();
      const channel = channelKeyOf(key);
      const count = counts.get(channel) ?? 0;
      counts.set(channel, count);
      readCounts.set(`${channel} ${sessionKey}`, count);
    },
    forget,
    bytes: () => (counts.size + readCounts.size) * ENTRY_BYTES,
  };
}

function channelKeyOf({ accountId, channelId }: OverheardKey): string {
  return `${accountId} ${channelId}`;
}
