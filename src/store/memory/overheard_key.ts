/**
 * Names a channel's context by its channel and the account that overheard it. Two accounts in one
 * channel may have different rules for its context.
 *
 * @module
 */

import type { AccountId, ChannelId } from "../../core/discord/ids.ts";

/** The key of a channel's context. */
export interface OverheardKey {
  /** The account that overheard the messages. */
  readonly accountId: AccountId;
  /** Channel, thread or direct message channel of the messages. */
  readonly channelId: ChannelId;
}
