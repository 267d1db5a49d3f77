/**
 * Remembers channels in which a turn need not search the tables: those whose context a session has
 * read completely, and those without reactions.
 *
 * Most turns follow another turn with no message in between. They need not search the tables for
 * overheard messages.
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
const MAX_QUIET = 8_192;
/** Estimated bytes of one. */
const QUIET_BYTES = 200;

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
      if (readCounts.size >= MAX_QUIET) forget();
      const channel = channelKeyOf(key);
      const count = counts.get(channel) ?? 0;
      counts.set(channel, count);
      readCounts.set(`${channel} ${sessionKey}`, count);
    },
    forget,
    bytes: () => (counts.size + readCounts.size) * QUIET_BYTES,
  };
}

function channelKeyOf({ accountId, channelId }: OverheardKey): string {
  return `${accountId} ${channelId}`;
}

/** Channels with reactions for a turn. Unknown until they are read from the table. */
export interface ReactedChannels {
  /** Whether {@link ReactedChannels.know} was called since the last {@link ReactedChannels.forget}. */
  readonly isKnown: boolean;
  /** Sets all of them, as the table has them. */
  know(keys: readonly OverheardKey[]): void;
  /** Notes a reaction. */
  reacted(key: OverheardKey): void;
  /** Whether the table may have reactions for a turn in the channel. */
  mayHave(key: OverheardKey): boolean;
  /** Notes that a turn found no more of them. */
  allSeen(key: OverheardKey): void;
  /** Forgets all channels; the table must then be read again. */
  forget(): void;
  /** Estimated bytes of memory. */
  bytes(): number;
}

/** Maximum number of channels, more than the table has rows. At the limit, all are forgotten. */
const MAX_REACTED = 25_000;
/** Estimated bytes of one channel. */
const REACTED_BYTES = 120;

/**
 * Remembers the channels with reactions that no turn has seen. Turns of all other channels need not
 * look for them in the tables.
 */
export function createReactedChannels(): ReactedChannels {
  let channels: Set<string> | undefined;
  return {
    get isKnown() {
      return channels !== undefined;
    },
    know(keys) {
      channels = new Set(keys.map(nameOf));
    },
    reacted(key) {
      if (channels && channels.size >= MAX_REACTED) channels = undefined;
      else channels?.add(nameOf(key));
    },
    mayHave: (key) => channels?.has(nameOf(key)) ?? true,
    allSeen: (key) => void channels?.delete(nameOf(key)),
    forget() {
      channels = undefined;
    },
    bytes: () => (channels?.size ?? 0) * REACTED_BYTES,
  };
}

function nameOf({ accountId, channelId }: OverheardKey): string {
  return `${accountId} ${channelId}`;
}
