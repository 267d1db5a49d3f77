/**
 * The contract of `store.outbox`: stored messages on their way to Discord.
 *
 * The end of a turn adds rows inside its transaction. Notices and commands add rows, too. A row stays
 * open until Discord has its message.
 */

import type { AccountId, ChannelId, MessageId } from "../discord/ids.ts";
import type { FooterOf } from "../outbound/footer_line.ts";
import type { OutboundKind } from "../outbound/nonce.ts";
import type { Frozen, OutboundFile, OutboundMessage, OutboxRow } from "../outbound/outbound.ts";

/** All methods of `store.outbox`. */
export interface Outbox
  extends
    Additions,
    AttemptRows,
    FilelessChannels,
    Heads,
    HeldRows,
    InvalidRequestCounts,
    ParkedChannels,
    SendResults,
    Unfolding {}

/** Adds messages. `now` is Unix time in milliseconds throughout. */
export interface Additions {
  /**
   * Adds a message. Without a nonce, it gets the nonce of its row. If a row has its nonce already
   * (a draft whose turn runs again), that row stays unchanged.
   *
   * @returns The stored row, with the message's id once it is sent.
   */
  add(frozen: Frozen, now: number): Promise<AddedRow>;
  /**
   * Adds the messages of one text: all or none of them, without other messages between them. This
   * holds even if this process dies.
   */
  addAll(frozen: readonly Frozen[], now: number): Promise<readonly AddedRow[]>;
}

/** A row of the outbox that this call or an earlier one has added. */
export interface AddedRow extends OutboxRow {
  readonly state: RowState;
  /**
   * Discord's id of the sent message; absent while it is not sent, or if it was deleted before
   * Discord told the id.
   */
  readonly messageId?: MessageId;
}

/**
 * States of a row. `uncertain`: Barnacle cannot tell whether Discord has it. `folded`: another
 * row has its text. `withdrawn`: not needed any more before it was sent, such as a draft.
 */
export type RowState =
  | "pending"
  | "sending"
  | "sent"
  | "uncertain"
  | "dead"
  | "dropped"
  | "folded"
  | "withdrawn";

/** Stores outcomes of attempts. `now` is Unix time in milliseconds throughout. */
export interface AttemptRows {
  /**
   * T4: Discord may have the message from now on.
   *
   * @param now Stored for the first attempt only.
   * @returns Whether the row was still to be sent.
   */
  markSending(row: OutboxRow, now: number): Promise<boolean>;
  /**
   * T5: Discord has the message, or had it before it was deleted. Its files are deleted.
   *
   * @returns Whether this call settled the row; the gateway's echo may have settled it before.
   */
  markSent(row: OutboxRow, messageId?: MessageId): Promise<boolean>;
  /**
   * Takes T4 back, because this attempt created no message. An earlier attempt may have created
   * one.
   *
   * @param reason Discord's refusal, for the operator.
   */
  markRefused(row: OutboxRow, reason: string, now: number): Promise<void>;
  /**
   * Notes that an attempt got no answer. T4 stays. The row is failing from now on, unless it
   * already was.
   */
  markFailing(row: OutboxRow, now: number): Promise<void>;
  /**
   * Stores why an unsent row waits.
   *
   * @param reason For the operator.
   * @param nextAttemptAt Unix time in milliseconds of the next attempt.
   */
  markWaiting(row: OutboxRow, reason: string, nextAttemptAt: number): Promise<void>;
  /**
   * Shifts times after the clock was set forward. Each row that has been failing since `until` or
   * earlier starts `byMs` later. So it has been failing for as long as before.
   */
  shiftFailing(accountId: AccountId, byMs: number, until: number): Promise<void>;
  /** Takes all attempts back, because the channel's history shows that none has succeeded. */
  markAbsent(row: OutboxRow): Promise<void>;
  /**
   * Gives up a row that Discord will never accept. The row stays on record for the operator, and
   * later rows do not wait for it.
   *
   * @param reason Discord's refusal, for the operator.
   */
  markDead(row: OutboxRow, reason: string): Promise<void>;
  /**
   * Holds a row, because Barnacle cannot tell whether Discord has it. The operator sees it, and it
   * is not sent (D2).
   *
   * @param reason For the operator.
   */
  markUncertain(row: OutboxRow, reason: string): Promise<void>;
}

/** Keeps channels that take no files. `now` is Unix time in milliseconds. */
export interface FilelessChannels {
  /** Whether the owners got the notice about a channel within the last day. */
  wasToldNoFiles(accountId: AccountId, channelId: ChannelId, now: number): Promise<boolean>;
  /** Stores that the owners get the notice now, and deletes records that are older than a day. */
  noteToldNoFiles(accountId: AccountId, channelId: ChannelId, now: number): Promise<void>;
  /** Replaces the message of an unsent row, and deletes the row's files. */
  removeFiles(row: OutboxRow, message: OutboundMessage): Promise<void>;
}

/** Reads rows that are to be sent. */
export interface Heads {
  /**
   * The first unsent row of each channel that is not parked. It blocks the rest of that channel
   * only. A damaged row is held as dead, and the next one is the first.
   *
   * @param channels Distinct channels to read; all if absent, which costs more.
   */
  heads(accountId: AccountId, channels?: readonly ChannelId[]): Promise<readonly OutboxRow[]>;
  /** The files of a row in the order of sending; none once the row is sent. */
  filesOf(row: OutboxRow): Promise<readonly OutboundFile[]>;
  /**
   * Finds our own messages among those of a channel.
   *
   * @returns Ids of the messages that are ours, as far as Discord has told them.
   */
  known(channelId: ChannelId, messageIds: readonly MessageId[]): Promise<ReadonlySet<MessageId>>;
  /** The footer of a message of ours, for readers of Discord's text; `undefined` if it has none. */
  readonly footerOf: FooterOf;
}

/** Reads and releases unsent messages. */
export interface HeldRows {
  /** The unsent messages of an account, in the order of sending. */
  open(accountId: AccountId): Promise<readonly OpenRow[]>;
  /**
   * Sends an uncertain or dead message again, before the waiting ones of its channel, or gives up
   * an unsent message. A draft is never sent again, because it has less text than its answer.
   * Neither is a message whose files are deleted. Giving up a message also removes the draft that
   * it would have replaced. If its channel is parked, the waiting messages there are tried at once.
   *
   * @returns Whether the row was in a state that allows this.
   */
  release(id: number, how: "resend" | "drop"): Promise<boolean>;
}

/** A message that is not sent. Times are Unix times in milliseconds. */
export interface OpenRow {
  readonly id: number;
  /** Target channel of the message. */
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

/** Reads and adds counts. */
export interface InvalidRequestCounts {
  /**
   * The minutes with invalid requests, in their order.
   *
   * @param since As {@link InvalidMinute.minute}.
   */
  loadInvalidRequests(accountId: AccountId, since: number): Promise<readonly InvalidMinute[]>;
  /**
   * Counts one request, and deletes minutes that Discord has forgotten by then.
   *
   * @param minute As {@link InvalidMinute.minute}.
   */
  addInvalidRequest(accountId: AccountId, minute: number): Promise<void>;
}

/** The count of one minute. */
export interface InvalidMinute {
  /** Minutes since 1970. */
  readonly minute: number;
  readonly count: number;
}

/** Parks channels, and lets them be tried again. */
export interface ParkedChannels {
  /**
   * Parks a channel. All of its waiting messages are failing from now on, unless they already were.
   *
   * @param parked The refusal, for the operator, and Unix times in milliseconds. `nextTryAt`: when
   * the channel is tried again at the latest.
   * @returns Whether to notify the operator: not if a notice was sent and nothing has changed
   * since.
   */
  park(
    accountId: AccountId,
    channelId: ChannelId,
    parked: { readonly reason: string; readonly now: number; readonly nextTryAt: number },
  ): Promise<boolean>;
  /**
   * Lets channels be tried again. Costs almost nothing if none of them is parked.
   *
   * @returns Number of channels that were parked.
   */
  unpark(accountId: AccountId, channels: readonly ChannelId[] | "all"): Promise<number>;
  /**
   * The channels that refuse, the longest parked first. A channel that is tried again stays in the
   * list until a message arrives there. Without waiting messages, it stays for a day after its last
   * refusal.
   */
  parked(accountId: AccountId, now: number): Promise<readonly ParkedChannel[]>;
}

/** A channel in which Discord does not let the bot post. */
export interface ParkedChannel {
  /** Id of the channel, thread or direct message channel. */
  readonly channelId: ChannelId;
  /** `"cannot post in #ops: Send Messages is denied for the role Krill"`. */
  readonly reason: string;
  /** Unix time in milliseconds at which it was first parked. */
  readonly since: number;
  /** Number of unsent messages in the channel. */
  readonly waiting: number;
}

/** Reads results. */
export interface SendResults {
  /**
   * The results of these rows, in their order; missing rows are left out. A message folded into
   * another (full queue) shares that message's result.
   */
  sendResultsOf(ids: readonly number[]): Promise<readonly SendResult[]>;
}

/** The result of one row, so far. */
export type SendResult =
  /** Sent; without `messageId` if the message was deleted before Discord told its id. */
  | { readonly id: number; readonly kind: "sent"; readonly messageId?: MessageId }
  /**
   * Not sent. `held`: Barnacle cannot tell whether Discord has it. The reason is Discord's last
   * refusal, or why the channel is parked.
   */
  | { readonly id: number; readonly kind: "waits" | "failed" | "held"; readonly reason?: string };

/** Takes folded messages apart. */
export interface Unfolding {
  /**
   * Lets the messages be sent that were folded into an unsent row, and withdraws that row.
   *
   * @param withoutFile Rewrites a message whose own file was folded, too.
   * @returns Number of messages; 0 if the row is settled, or nothing was folded into it.
   */
  unfold(
    row: OutboxRow,
    withoutFile: (message: OutboundMessage) => OutboundMessage,
  ): Promise<number>;
}
