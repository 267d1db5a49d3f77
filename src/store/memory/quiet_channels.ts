/**
 * Remembers the channels whose context a session has read completely.
 *
 * Most turns follow another turn with no message in between. They need not look for overheard
 * messages in the tables.
 *
 * @module
 */

import type { OverheardKey } from "./overheard_key.ts";

/** Channels and the sessions that have read their context. */
export interface QuietChannels {
  /** Notes that a message was kept as context. */
  kept(ears: OverheardKey): void;
  /** Whether nothing was kept in the channel since {@link QuietChannels.heardAll}. */
  isQuiet(ears: OverheardKey, sessionKey: string): boolean;
  /** Notes that the tables hold no context that the session has not read. */
  heardAll(ears: OverheardKey, sessionKey: string): void;
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
  /** Messages kept in a channel, for the channels that a session has heard. */
  const counts = new Map<string, number>();
  const heard = new Map<string, number>();

  function forget(): void {
    counts.clear();
    heard.clear();
  }

  return {
    kept(ears) {
      const key = keyOf(ears);
      const count = counts.get(key);
      if (count !== undefined) counts.set(key, count + 1);
    },
    isQuiet(ears, sessionKey) {
      const key = keyOf(ears);
      const count = counts.get(key);
      return count !== undefined && heard.get(`${key} ${sessionKey}`) === count;
    },
    heardAll(ears, sessionKey) {
      if (heard.size >= MAX) forget();
      const key = keyOf(ears);
      const count = counts.get(key) ?? 0;
      counts.set(key, count);
      heard.set(`${key} ${sessionKey}`, count);
    },
    forget,
    bytes: () => (counts.size + heard.size) * ENTRY_BYTES,
  };
}

function keyOf({ accountId, channelId }: OverheardKey): string {
  return `${accountId} ${channelId}`;
}
