/**
 * Where a message was overheard, and by which account: what context is kept by
 * and goes by. Two accounts in one channel may have different rules for it.
 *
 * @module
 */

import type { AccountId, ChannelId } from "../../core/discord/ids.ts";

export interface OverheardKey {
  readonly accountId: AccountId;
  readonly channelId: ChannelId;
}
