/**
 * Remembers channels in which a turn need not search the tables: those whose context a session has
 * read completely, and those without reactions.
 *
 * Most turns follow another turn with no message in between. They need not search the tables for
 * overheard messages.
 */

import type { AccountId, ChannelId } from "../../core/discord/ids.ts";
import type { OverheardKey } from "../../core/store/turns.ts";

/** Maximum number of channels and sessions; at the limit, all are forgotten. */
const MAX_QUIET = 8_192;
/** Estimated bytes of a channel, with one session. */
const QUIET_BYTES = 400;

/** A channel whose context a session has read. */
interface QuietChannel {
  /** Number of messages kept in it since then. */
  kept: number;
  /** For each session, the value of `kept` up to which it has read them all. */
  readonly readUpTo: Map<string, number>;
}

/** Creates empty memory. */
export function createQuietChannels() {
  const accounts = new Map<AccountId, Map<ChannelId, QuietChannel>>();
  let size = 0;

  const channelOf = ({ accountId, channelId }: OverheardKey) =>
    accounts.get(accountId)?.get(channelId);

  function forget(): void {
    accounts.clear();
    size = 0;
  }

  return {
    /** Notes that a message was kept as context. */
    kept(key: OverheardKey): void {
      const channel = channelOf(key);
      if (channel) channel.kept++;
    },
    /** Whether nothing was kept in the channel since `allRead`. */
    isQuiet(key: OverheardKey, sessionKey: string): boolean {
      const channel = channelOf(key);
      return channel !== undefined && channel.readUpTo.get(sessionKey) === channel.kept;
    },
    /** Notes that the tables hold no context that the session has not read. */
    allRead(key: OverheardKey, sessionKey: string): void {
      if (size >= MAX_QUIET) forget();
      const { accountId, channelId } = key;
      const channels = accounts.get(accountId) ?? new Map<ChannelId, QuietChannel>();
      accounts.set(accountId, channels);
      const channel = channels.get(channelId) ?? { kept: 0, readUpTo: new Map<string, number>() };
      channels.set(channelId, channel);
      if (!channel.readUpTo.has(sessionKey)) size++;
      channel.readUpTo.set(sessionKey, channel.kept);
    },
    /** Forgets all channels; the tables must then be read again. */
    forget,
    /** Estimated bytes of memory. */
    bytes: (): number => size * QUIET_BYTES,
  };
}

/** Channels and the sessions that have read their context. */
export type QuietChannels = ReturnType<typeof createQuietChannels>;

/** Maximum number of channels, more than the table has rows. At the limit, all are forgotten. */
const MAX_REACTED = 25_000;
/** Estimated bytes of one channel. */
const REACTED_BYTES = 120;

/**
 * Remembers the channels with reactions that no turn has seen. Turns of all other channels need not
 * look for them in the tables.
 */
export function createReactedChannels() {
  let channels: Set<string> | undefined;
  return {
    /** Whether `know` was called since the last `forget`. */
    get isKnown() {
      return channels !== undefined;
    },
    /** Sets all of them, as the table has them. */
    know(keys: readonly OverheardKey[]): void {
      channels = new Set(keys.map(nameOf));
    },
    /** Notes a reaction. */
    reacted(key: OverheardKey): void {
      if (channels && channels.size >= MAX_REACTED) channels = undefined;
      else channels?.add(nameOf(key));
    },
    /** Whether the table may have reactions for a turn in the channel. */
    mayHave: (key: OverheardKey): boolean =>
      !channels || channels.size > 0 && channels.has(nameOf(key)),
    /** Notes that a turn found no more of them. */
    allSeen: (key: OverheardKey): void => void channels?.delete(nameOf(key)),
    /** Forgets all channels; the table must then be read again. */
    forget(): void {
      channels = undefined;
    },
    /** Estimated bytes of memory. */
    bytes: (): number => (channels?.size ?? 0) * REACTED_BYTES,
  };
}

/** Channels with reactions for a turn. Unknown until they are read from the table. */
export type ReactedChannels = ReturnType<typeof createReactedChannels>;

function nameOf({ accountId, channelId }: OverheardKey): string {
  return `${accountId} ${channelId}`;
}
