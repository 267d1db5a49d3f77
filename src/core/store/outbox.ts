/** Values of `store.outbox`: rows on their way to Discord, parked channels, and results. */

import type { ChannelId, MessageId } from "../discord/ids.ts";
import type { OutboundKind } from "../outbound/nonce.ts";

/** A message that is not sent. Times are Unix times in milliseconds. */
export interface OpenRow {
  readonly id: number;
  readonly channelId: ChannelId;
  /** `parked`: it waits in a channel in which Discord does not let the bot post. */
  readonly state: "pending" | "sending" | "parked" | "uncertain" | "dead";
  /** Absent for messages that answer no one. */
  readonly kind?: OutboundKind;
  /** The first characters of its text. */
  readonly preview: string;
  /** Length of the whole text in UTF-16 units. */
  readonly chars: number;
  /** Number of files that the message was stored with. */
  readonly fileCount: number;
  readonly createdAt: number;
  /** When Discord may first have got it; absent before the first attempt. */
  readonly firstAttemptAt?: number;
  /** Since when no attempt has succeeded; absent if the row is not failing. */
  readonly failingSince?: number;
  /** Why the last attempt failed, or why its channel is parked. Absent without either. */
  readonly reason?: string;
  /** When Barnacle tries it again, at the latest; absent while it does, and after the last try. */
  readonly nextAttemptAt?: number;
  /** Number of the first unsent message of its channel, if it waits for that one. */
  readonly behind?: number;
}

export type SendResult =
  /** Sent; without `messageId` if the message was deleted before Discord told its id. */
  | { readonly id: number; readonly kind: "sent"; readonly messageId?: MessageId }
  /**
   * Not sent. `held`: Barnacle cannot tell whether Discord has it. The reason is Discord's last
   * refusal, or why the channel is parked.
   */
  | { readonly id: number; readonly kind: "waits" | "failed" | "held"; readonly reason?: string };
