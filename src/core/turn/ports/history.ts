/** Declares channels' histories, threads and questions to people for tools. */

import type { ChannelId, MessageId } from "../../discord/ids.ts";
import type { InboundMessage } from "../../inbound/inbound.ts";
import type { DiscordCall, ShownMessage } from "./discord.ts";

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

/** A summary, with the part of the messages that it covers. */
export interface ChannelSummary {
  /** The summary, with ids of messages in brackets. Untrusted. */
  readonly text: string;
  /** Number of summarised messages. */
  readonly messages: number;
  /** The oldest of them. */
  readonly first: MessageId;
  /** The newest of them. */
  readonly last: MessageId;
  /** Number of messages that are missing within this range, because the model gave no summary. */
  readonly missing: number;
}

/** Channels that tools read. */
export interface HistoryPort {
  /**
   * Reads messages that the policy lets a model see (P10), oldest first.
   *
   * @throws {Error} If the asker may not read them, or if Discord does not answer or refuses; as a
   * rejection. The message tells the model why.
   */
  read(call: DiscordCall, range: EarlierRange): Promise<readonly ShownMessage[]>;
  /**
   * Summarises messages in requests to the model, which count as its use and obey budgets.
   *
   * @param messages Oldest first, at least one. If they are too many, the newest ones.
   * @param question The question that the summary must answer; absent: a general summary.
   * @throws {Error} If a budget is spent, or the model gives no summary; as a rejection.
   */
  summarise(
    call: DiscordCall,
    messages: readonly ShownMessage[],
    question?: string,
  ): Promise<ChannelSummary>;
}

export interface ThreadsPort {
  /**
   * Opens a thread on a message, for the rest of the answer to it (S3). A second call finds the
   * same thread.
   *
   * @param title At most 100 characters.
   * @throws {Error} If the sender may not open one there, if the place takes none, or if Discord
   * does not answer or refuses; as a rejection.
   */
  open(on: InboundMessage, title: string): Promise<void>;
}

export interface QuestionsPort {
  /** Milliseconds until a question of the tool `ask` expires, from `tools.askExpiresMin`. */
  askTimeoutMs(): number;
}
