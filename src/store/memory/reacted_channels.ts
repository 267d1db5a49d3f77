/**
 * Remembers the channels with reactions that no turn has seen. Turns of all other channels need not
 * look for them in the tables.
 *
 * @module
 */
import type { OverheardKey } from "../../core/store/turns.ts";

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
const MAX = 25_000;
/** Estimated bytes of one channel. */
const ENTRY_BYTES = 120;

/** Creates empty memory. */
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
      if (channels && channels.size >= MAX) channels = undefined;
      else channels?.add(nameOf(key));
    },
    mayHave: (key) => channels?.has(nameOf(key)) ?? true,
    allSeen: (key) => void channels?.delete(nameOf(key)),
    forget() {
      channels = undefined;
    },
    bytes: () => (channels?.size ?? 0) * ENTRY_BYTES,
  };
}

function nameOf({ accountId, channelId }: OverheardKey): string {
  return `${accountId} ${channelId}`;
}
