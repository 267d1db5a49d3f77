/** A call of the tool `discord`, and a message in its result. */

import type { BotAccount } from "../../../account/account.ts";
import type { ChannelId, GuildId, MessageId } from "../../discord/ids.ts";
import type { Decision } from "../../people/question.ts";
import type { InboundMessage } from "../../inbound/inbound.ts";

/** The call of a tool: who asks, where, and in which step of the turn. */
export interface DiscordCall {
  /** The account whose turn calls the tool. */
  readonly account: BotAccount;
  /** The agent whose turn it is. */
  readonly agentId: string;
  /** The message whose turn calls the tool: it runs with the rights of its sender (T4). */
  readonly message: InboundMessage;
  /**
   * Later messages that the turn answers too (S5): each of their senders needs the rights. Absent if
   * there are none.
   */
  readonly also?: readonly InboundMessage[];
  /** Key of the turn's session. Actions of a session run in the order of their calls. */
  readonly sessionKey: string;
  /** Identifies the call among all calls of all turns, also after a crash. */
  readonly callKey: string;
  /** The decision of a person about this call; absent: no person was asked. */
  readonly decision?: Decision;
  /** Whether the turn has a tool, by its name (T2); absent: it has none. */
  readonly mayUse?: (tool: string) => boolean;
  /** Set if its result shows nothing of Discord; absent: what it reads is cut to its readers. */
  readonly showsNothing?: boolean;
  /** Set for a probe, which ends before its first change. */
  readonly isProbe?: true;
  /** Probes with the same object share the facts of servers that they read; absent: it shares none. */
  readonly sharesReads?: object;
  /** Aborted when the turn ends, or the call takes too long (T1). */
  readonly signal: AbortSignal;
}

export interface ToolTarget {
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** The channel of a thread that is not the place of the turn; absent for other places. */
  readonly parentId?: ChannelId;
}

/** A message as the model reads it. */
export interface ShownMessage {
  readonly id: MessageId;
  /** The author, untrusted; `"you"` for the bot itself. */
  readonly from: string;
  readonly fromId: string;
  /** The text, with a line for each extra. Untrusted. */
  readonly text: string;
  readonly timestamp: string;
  /** The same in Unix time, in milliseconds. */
  readonly timestampMs: number;
  /** The message that it replies to; absent if it is no reply. */
  readonly replyTo?: MessageId;
  /** The message that it forwards; absent: none. */
  readonly forwards?: MessageId;
}

/** A range of earlier messages: the newest, or those before a message. */
export interface EarlierRange {
  /** Absent: the channel of the turn. */
  readonly channelId?: ChannelId;
  /** 1 to 500, counted before the policy. */
  readonly limit: number;
  /** Only older messages; absent: the newest ones, in the turn's own channel those before its message. */
  readonly before?: MessageId;
  /** Only messages from this time on, in Unix time in milliseconds. */
  readonly sinceMs?: number;
}

export interface ShownPlace {
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** Whether the channel is a group of direct messages. */
  readonly isGroup: boolean;
  /** Whether the turn is in another channel: it then sees no text behind a spoiler (H9). */
  readonly isElsewhere: boolean;
}

/** A message in Discord's own form. */
export type RawMessage = Readonly<Record<string, unknown>> & { readonly id: string };

/**
 * A message as one line.
 *
 * @param cut Bounds the text.
 */
export function shownLine(
  { id, from, fromId, timestampMs, replyTo, forwards, text }: ShownMessage,
  cut: (text: string) => string,
): string {
  return JSON.stringify({
    id,
    from,
    from_id: fromId,
    at: new Date(timestampMs).toISOString(),
    reply_to: replyTo,
    forwards,
    text: cut(text),
  });
}
