/**
 * Declares what the delivery of an account shares: its outbox, the requests to Discord, and the
 * rules of attempts.
 */

import type { Messages } from "../../core/outbound/requests.ts";
import type { Account } from "../../core/account/account.ts";
import type { Emits } from "../../core/account/events.ts";
import type { ChannelId, MessageId, UserId } from "../../core/discord/ids.ts";
import type { OutboundMessage, OutboxRow } from "../../core/outbound/outbound.ts";
import type { PostedPage, Unread } from "../../core/outbound/posted.ts";
import type { MissingHere } from "../../core/outbound/refusals.ts";
import type { RetryRules } from "../../lib/network/backoff.ts";
import type { Outbox } from "../../store/outbox/outbox.ts";

export interface Sending<Used extends keyof Outbox = keyof Outbox>
  extends
    Pick<Account, "accountId" | "now" | "schedule" | "random" | "log">,
    Emits<"delivered" | "attempted" | "parked" | "setAside" | "dead" | "filesRefused"> {
  readonly outbox: Pick<Outbox, Used>;
  /** Requests to Discord. Only a bug of ours makes one reject. */
  readonly messages: Messages;
  /** Reads the page before a message, or the newest one. Only a bug of ours makes it reject. */
  readonly history: (channelId: ChannelId, before?: MessageId) => Promise<PostedPage | Unread>;
  /**
   * Whether the bot has the permission. Without it, Discord shows an empty history, not an error.
   */
  readonly canReadHistory: (
    place: Pick<OutboundMessage, "channelId" | "guildId" | "of">,
  ) => Promise<boolean>;
  /** Finds the missing permission of a refused row, and its cause. */
  readonly explain: (row: OutboxRow, code: number | undefined) => Promise<Explained>;
  readonly withoutFiles: (message: OutboundMessage, names: readonly string[]) => OutboundMessage;
  /** The bot's own user id; `undefined` until READY. */
  readonly self: () => UserId | undefined;
  /** Milliseconds after the first attempt for which Barnacle relies on a nonce. */
  readonly nonceWindowMs: number;
  readonly retry: RetryRules;
  /** Unix time in milliseconds at which the machine started, by the clock as it is now. */
  readonly bootedAt: () => number;
  /** Milliseconds of a clock that no one sets: `performance.now()`. */
  readonly steadyNow: () => number;
}

export interface Explained {
  readonly missing: MissingHere;
  /** For people: the missing permission by name; absent if only Discord's words are known. */
  readonly reason?: string;
}
