/**
 * Remembers for a while what this process knows of channels and people, so that it need not search the
 * tables.
 */

import type { AccountId, ChannelId } from "../../core/discord/ids.ts";
import type { OverheardKey } from "../../core/store/turns.ts";

/** Maximum number of channels and sessions; at the limit, all are forgotten. */
const MAX_QUIET = 1_024;

/** A channel whose context a session has read. */
interface QuietChannel {
  /** Number of messages kept in it since then. */
  kept: number;
  /** For each session, the value of `kept` up to which it has read them all. */
  readonly readUpTo: Map<string, number>;
}

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
  };
}
