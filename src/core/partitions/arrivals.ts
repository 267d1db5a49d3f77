/**
 * Declares events of hooks that one process has taken for the partition of their place (O16).
 *
 * Each of them is a row of PostgreSQL before its sender gets an answer. The owner of the partition
 * stores it, and only then empties the row. The row stays, so that a repeated event is known everywhere.
 */

import type { AccountId, ChannelId } from "../discord/ids.ts";
import type { ArrivedEvent } from "../hooks/hook.ts";

/** An event that has just arrived. */
export interface Arrival {
  readonly event: ArrivedEvent;
  /** The place of its hook; absent: direct messages. */
  readonly channelId?: ChannelId;
  /** The partition of the place; absent: the guild of the channel is not known yet. */
  readonly partition?: number;
}

/** A channel whose guild is not known yet. */
export interface UnplacedChannel {
  readonly accountId: AccountId;
  readonly channelId: ChannelId;
}
