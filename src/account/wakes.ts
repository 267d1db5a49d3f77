/**
 * Wakes the two hubs of an account, which everything wakes and which use everything: its turns, and
 * the queues of its channels. They set how, so that no module has to import them for it. The REST
 * client, which exists before their code is loaded, tells them by the same way.
 */

import type { ChannelId } from "../core/discord/ids.ts";
import type { BotAccount } from "./account.ts";
import { perAccount } from "./per_account.ts";

interface Wakes {
  turns: () => void;
  channels: (channels?: readonly ChannelId[]) => void;
  /** Discord has carried out a request to a channel. */
  served: (channelId: ChannelId) => void;
  /** Sending pauses, because Discord counted too many invalid requests. */
  stopped: (invalidRequests: number) => void;
}

/** Set by the hubs once, while the account is made. */
export const wakes: (account: BotAccount) => Wakes = perAccount(
  "main",
  () => ({ turns() {}, channels() {}, served() {}, stopped() {} }),
);

/** Messages may wait for a turn. */
export function wakeTurns(account: BotAccount): void {
  wakes(account).turns();
}

/** The outbox has messages for these channels; absent: for any. */
export function wakeChannels(account: BotAccount, channels?: readonly ChannelId[]): void {
  wakes(account).channels(channels);
}
