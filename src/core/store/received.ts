/**
 * The contract of `store.received`: verdicts, policies, direct channels and the record of each
 * message. And that of `store.knowledge`: received messages that people search (T17).
 */

import type { ENDED_STATES, TURN_STATES } from "../inbound/inbox.ts";
import type { AccountId, ChannelId, GuildId, MessageId, UserId } from "../discord/ids.ts";
import type { Facts } from "../inbound/facts.ts";
import type { InboundMessage, Place } from "../inbound/inbound.ts";
import type { Triggered } from "../inbound/triggered.ts";
import type { Verdict } from "../inbound/verdict.ts";
import type { ResolvedName } from "../names.ts";
import type { TurnCost } from "../spending/usage.ts";
import type { OpenRow } from "./outbox.ts";

/** All methods of `store.received`. */
export interface Received
  extends RecordedVerdicts, DirectChannels, MessageRecords, RecentTurns, RecentTalk, Policies {}

/** Reads verdicts, page by page. */
export interface RecordedVerdicts {
  /** The newest verdicts before a number, the newest first, at most `limit`, with their facts. */
  newestVerdicts(limit: number, before?: number): Promise<readonly JudgedOnRecord[]>;
  /**
   * The verdicts after a number, oldest first, at most `limit`; 0 starts with the oldest. An
   * undecided message is left out until it is decided.
   */
  verdictsAfter(id: number, limit: number): Promise<readonly RecordedVerdict[]>;
}

/** A verdict as it is on record. */
export interface RecordedVerdict {
  /** Number that rises with each decision; the next page begins after it. */
  readonly id: number;
  /** The account that judged the message. */
  readonly accountId: AccountId;
  readonly messageId: MessageId;
  /** Channel, thread or direct message channel of the message. */
  readonly channelId: ChannelId;
  /** The sender that policy judged. */
  readonly authorId: UserId;
  readonly verdict: Verdict["kind"];
  /** The reason as this or an older Barnacle named it: `"no-mention"`. */
  readonly why: string;
  /** Config path of the rule that decided. */
  readonly rule: string;
  readonly at: number;
}

/** A verdict with the facts that it was made from; without, if an older Barnacle decided. */
export interface JudgedOnRecord extends RecordedVerdict {
  /** The facts. */
  readonly facts?: Facts;
}

/** Reads direct channels. */
export interface DirectChannels {
  /** Direct channels of an account, with the newest activity first. */
  directChannels(accountId: AccountId): Promise<readonly ChannelId[]>;
  /**
   * Whether a direct channel is a group. Its history does not tell, and no code may go to a group
   * (P5).
   */
  isGroupChannel(accountId: AccountId, channelId: ChannelId): Promise<boolean>;
}

/** Reads the records of messages. */
export interface MessageRecords {
  /**
   * Finds the record by a message, by one of our own messages that answers it, or by the failure id
   * in a notice. A message of ours that answers no one has a record without decisions.
   *
   * @returns `undefined` if nothing is on record.
   */
  messageRecordOf(
    asked: { readonly messageId: MessageId } | { readonly failureId: string },
  ): Promise<MessageRecord | undefined>;
}

/** Reads recent messages. */
export interface RecentTalk {
  /**
   * The newest messages of all channels of an account since a time, oldest first: at most `limit` of
   * those to the bot, of its own, and of all others.
   */
  recentTalk(
    accountId: AccountId,
    since: number,
    limit: number,
  ): Promise<readonly TalkedMessage[]>;
}

/** A stored message, as far as a conversation's state depends on it. */
export type TalkedMessage =
  & { readonly id: MessageId; readonly channelId: ChannelId }
  & Pick<InboundMessage, "text" | "sentAt">
  & (
    | {
      readonly kind: "person";
      readonly sender: Pick<InboundMessage["sender"], "id" | "username">;
      readonly mention?: InboundMessage["mention"];
      readonly replyTo?: MessageId;
    }
    /** `to`: the person whom it answers, with the message `answers`. */
    | { readonly kind: "own"; readonly to?: UserId; readonly answers?: MessageId }
  );

/** Reads lists for the operator. */
export interface RecentTurns {
  /** The newest turns that have ended, the newest first, at most `limit`. */
  recentTurns(limit: number): Promise<readonly RecentTurn[]>;
  /** The newest username of each person whose question is stored, by the person's id. */
  askersNames(): Promise<ReadonlyMap<string, string>>;
}

/** A turn that has ended, in a list. Times are Unix time in milliseconds. */
export interface RecentTurn
  extends Pick<TurnOnRecord, "accountId" | "acceptedAt" | "failure" | "cost"> {
  /** The question. */
  readonly messageId: MessageId;
  /** Its channel or thread. */
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** Absent, with `sender` and `place`, if the message is forgotten. */
  readonly senderId?: string;
  /** Username of the sender. */
  readonly sender?: string;
  /** The place of the question. */
  readonly place?: Place;
  readonly state: (typeof ENDED_STATES)[number];
  readonly finishedAt: number;
}

/** The record of one message. Times are Unix time in milliseconds. */
export interface MessageRecord {
  readonly messageId: MessageId;
  /** One decision of each account that saw the message; none once they are deleted. */
  readonly decisions: readonly DecisionOnRecord[];
  /** The message's turn, waiting or not; absent if the message was not accepted. */
  readonly turn?: TurnOnRecord;
  /**
   * Messages frozen for it, or for the message with which it was answered. In the order of sending,
   * including drafts and unsent ones.
   */
  readonly outbox: readonly OutboxOnRecord[];
  /** Runs of passive agents that the message has caused, in their order; absent: none (N1). */
  readonly runs?: readonly RunOnRecord[];
}

/** A run of a passive agent. */
export interface RunOnRecord {
  /** The id under which the run is on record. */
  readonly messageId: MessageId;
  readonly triggered: Triggered;
  readonly state: TurnOnRecord["state"];
  /** Why it posted no text, or failed; absent: neither. */
  readonly failure?: string;
}

/**
 * A decision. Facts and policy are absent if an older Barnacle decided, or once they are deleted.
 */
export interface DecisionOnRecord extends RecordedVerdict {
  /** The facts that the verdict was made from. */
  readonly facts?: Facts;
  /** The policy that made the verdict. */
  readonly policy?: StoredPolicy;
}

/** A policy as it is on record. */
export interface StoredPolicy extends Omit<PolicyRevision, "accountId" | "hash"> {
  /** Unix time in milliseconds at which it came into force first. */
  readonly at: number;
}

/** A policy that comes into force. */
export interface PolicyRevision {
  /** The account whose messages it judges. */
  readonly accountId: AccountId;
  /** Hash of its whole content: the same hash is the same policy. */
  readonly hash: string;
  /** Path of its config file; absent without a file. */
  readonly file?: string;
  /** Text of its config, with the secrets blanked; absent without a file. */
  readonly text?: string;
  /** The names that were resolved when it came into force. */
  readonly names: readonly ResolvedName[];
}

/** A turn as the inbox has it. */
export interface TurnOnRecord {
  /** The account that accepted the message. */
  readonly accountId: AccountId;
  readonly agentId: string;
  readonly sessionKey: string;
  readonly state: TurnState;
  /** Number of the newest attempt; 0 before the first. */
  readonly attempt: number;
  readonly acceptedAt: number;
  /** When the newest attempt began; absent before the first. */
  readonly claimedAt?: number;
  /** When the turn ended; absent before. */
  readonly finishedAt?: number;
  /** Id in the notice to the sender; absent if the turn did not fail or sent no notice. */
  readonly failureId?: string;
  /** Why the turn failed or was refused, for the operator; absent if it was neither. */
  readonly failure?: string;
  /** The message that its turn began with, if the turn answers several (S5). */
  readonly turnOf?: MessageId;
  /** The message that the turn's reply belongs to, if it is another one (S5). */
  readonly replyTo?: MessageId;
  /** The change of the message by a person after its turn (H6); absent: none. */
  readonly change?: { readonly kind: "edited" | "deleted"; readonly at: number };
  /** Revision of the text that the turn has: above 0 if it was edited before the turn's end. */
  readonly revision: number;
  /** The cost of the turn's requests to models; absent if there was none. */
  readonly cost?: TurnCost;
  /** The program that asked for the person (O14); absent: the person wrote on Discord. */
  readonly program?: string;
}

/** State of a turn. */
export type TurnState = (typeof TURN_STATES)[number];

/** A message for Discord as the outbox has it. */
export interface OutboxOnRecord extends
  Pick<
    OpenRow,
    | "id"
    | "channelId"
    | "createdAt"
    | "firstAttemptAt"
    | "failingSince"
    | "nextAttemptAt"
    | "behind"
  > {
  readonly accountId: AccountId;
  /** Absent for messages that answer no one. */
  readonly kind?: string;
  readonly state: string;
  /** Index among the messages of one answer, from 0; absent for messages that answer no one. */
  readonly part?: number;
  /** Number of messages of that answer; absent with `part`. */
  readonly parts?: number;
  /**
   * Discord's id of the sent message; absent if it is not sent or was deleted before Discord told
   * the id.
   */
  readonly messageId?: MessageId;
  /** Number of the row that has its text; absent if it was not folded. */
  readonly foldedInto?: number;
  /** Discord's last refusal, or the reason why the message was given up. Absent without either. */
  readonly reason?: string;
  /** Why the bot cannot post in the channel now; absent if the channel is not parked. */
  readonly parkedReason?: string;
}

/** Stores policies. */
export interface Policies {
  /**
   * Stores a policy as the newest one in force.
   *
   * @returns Number of the policy, by which decisions name it; the same for the same hash.
   */
  savePolicy(revision: PolicyRevision, now: number): Promise<number>;
}

/** A channel or thread with known messages. */
export interface SearchedChannel {
  readonly guildId: GuildId;
  readonly channelId: ChannelId;
  /** The channel of a thread; else the same id. */
  readonly parentId: ChannelId;
}

/** A search for messages. */
export interface KnownQuery {
  readonly accountId: AccountId;
  readonly guildId: GuildId;
  readonly words: string;
  /** Channels without threads; messages of their threads count, too. No other message is read. */
  readonly among: ReadonlySet<ChannelId>;
  /** Only messages of this channel or thread; absent: of all. */
  readonly channelId?: ChannelId;
  /** Only messages of this person; absent: of all. */
  readonly authorId?: UserId;
  /** Only older messages; absent: no limit. */
  readonly before?: MessageId;
  /** Only newer messages; absent: no limit. */
  readonly after?: MessageId;
  /** Maximum number of messages. */
  readonly limit: number;
}

/** A found message. It must be read at Discord before it is shown. */
export interface KnownHit {
  readonly channelId: ChannelId;
  readonly parentId: ChannelId;
  readonly messageId: MessageId;
  readonly authorId: UserId;
  readonly text: string;
  /** How well it matches, from 0 to 1. */
  readonly score: number;
  /** Known messages that reply to it, oldest first: five at most. */
  readonly replies: readonly MessageId[];
}

/** The result of a search. */
export interface KnownHits {
  /** The best first. */
  readonly hits: readonly KnownHit[];
  /** Number of newer messages whose words are not in the index yet. */
  readonly unindexed: number;
}

/** All methods of `store.knowledge`. */
export interface Knowledge {
  /** Searches messages. Brings the index up to date first, as far as that is quick. */
  search(query: KnownQuery): Promise<KnownHits>;
  /** Removes messages that Discord does not have any more. No later search finds them. */
  removeKnown(accountId: AccountId, messageIds: readonly MessageId[]): Promise<void>;
  /** Removes all messages of channels or threads. */
  removeKnownChannels(accountId: AccountId, channelIds: readonly ChannelId[]): Promise<void>;
  /** The channels and threads with messages. */
  knownChannels(accountId: AccountId): Promise<readonly SearchedChannel[]>;
  /**
   * Adds words of some messages to the index, and deletes some removed ones.
   *
   * @returns Whether there is more to do.
   */
  tend(): Promise<boolean>;
}
