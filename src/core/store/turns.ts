/** Values of `store.turns`: the place of overheard messages. */

import type { AccountId, ChannelId } from "../discord/ids.ts";

export interface OverheardKey {
  readonly accountId: AccountId;
  /** Channel, thread or direct message channel of the messages. */
  readonly channelId: ChannelId;
}
