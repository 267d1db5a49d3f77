/**
 * Channels in which a session has heard all that was said, in memory.
 *
 * Most turns follow another turn with nothing said in between, and need not look
 * for overheard messages in the tables.
 *
 * @module
 */

import type { OverheardKey } from "./overheard_key.ts";

export interface QuietChannels {
  /** A message was kept as context. */
  kept(ears: OverheardKey): void;
  /** Whether nothing was kept in the channel since {@link QuietChannels.heardAll}. */
  isQuiet(ears: OverheardKey, sessionKey: string): boolean;
  /** The tables hold nothing that the session has not heard. */
  heardAll(ears: OverheardKey, sessionKey: string): void;
  forget(): void;
  /** Bytes of memory, about. */
  bytes(): number;
}

/** Channels and sessions, at most; beyond it all are forgotten. */
const MAX = 8_192;
/** Bytes of one, about. */
const ENTRY_BYTES = 200;

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
