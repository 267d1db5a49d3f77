/**
 * The contract of `store.inbox`: messages from their arrival (T1) until a turn claims them (T2).
 */

import type { AccountId, ChannelId, MessageId, UserId } from "../discord/ids.ts";
import type {
  Accepted,
  AcceptedBatch,
  Claim,
  Judged,
  Route,
  StopScope,
  UnansweredMessage,
  WaitingTurn,
} from "../inbound/inbox.ts";
import type { UnansweredReason, WaitingRules } from "../inbound/waiting_limits.ts";
import type { InboundMessage } from "../inbound/inbound.ts";
import type { KnownFacts } from "../inbound/facts.ts";
import type { UndecidedReason, Verdict } from "../inbound/verdict.ts";
import type { Frozen } from "../outbound/outbound.ts";
import type { Step } from "../step.ts";

/** All methods of `store.inbox`. */
export interface Inbox
  extends
    AnsweredPeople,
    AcceptedBatches,
    Claims,
    ProxiedUsers,
    StopTurns,
    UnansweredMessages,
    UndecidedMessages {}

/** Finds people by the bot's messages. */
export interface AnsweredPeople {
  /**
   * The sender of the message whose turn has posted this one, by the outbox or by the tool
   * `discord`; `undefined` if no turn has, or if the store has forgotten it.
   */
  askerOf(accountId: AccountId, messageId: MessageId): Promise<UserId | undefined>;
}

/** Stores batches. */
export interface AcceptedBatches {
  /**
   * T1. A message that the store has already stays unchanged, with its verdict. Challenges are
   * settled here. A sender who is paired by now is accepted. If a sender gets a code, the message
   * with the code goes to the outbox. If too many turns wait, an accepted message is refused, and
   * the notice about that goes to the outbox (X4).
   *
   * @param arrivedAt Unix time in milliseconds at which the batch arrived. That may be an hour ago,
   * if the disk has refused it since.
   */
  acceptBatch(batch: AcceptedBatch, arrivedAt: number): Promise<Accepted>;
}

/** Claims messages, and gives claims back. */
export interface Claims {
  /**
   * T2: claims a waiting message of an account. Of the sessions with messages that may begin, it
   * chooses the one that has waited longest, and in it the message that was written first. Catch-up
   * may bring that message after a later one. Several accounts may share a session.
   *
   * @param blocked Channels without claims for now, because older messages of them may still
   * arrive.
   * @param carries Whether the turn of a message also answers the one that waits behind it (S5).
   * Without it, each message has a turn of its own. A turn that an earlier attempt began keeps its
   * messages, and gets no more.
   * @param admits Whether the turn of a message may begin now, beside these running turns of its
   * session, named by the messages that they began with. Others of its session may begin before it.
   * Absent: each may, if no turn of its session runs.
   */
  claimNext(
    accountId: AccountId,
    now: number,
    blocked: "all" | readonly ChannelId[],
    carries?: Carries,
    admits?: Admits,
  ): Promise<Claim | undefined>;
  /**
   * TS: adds messages that wait behind a running turn to it, and stores that together with steps.
   *
   * @param carries As for {@link Claims.claimNext}, with the last message of the turn.
   * @param stepsWith The steps to store if the turn gets these messages.
   * @returns The turn with its further messages; `undefined` if none wait that it may get.
   */
  takeIn(
    claim: Claim,
    now: number,
    carries: Carries,
    stepsWith: (messages: readonly InboundMessage[]) => readonly Step[],
  ): Promise<Claim | undefined>;
  /** Whether a claim still runs: neither ended, nor given back, nor touched by a change (H6). */
  isRunning(claim: Claim): boolean;
  /** Makes a message wait again whose turn could not finish. */
  release(claim: Claim): Promise<void>;
  /**
   * Makes every running message wait again: of one account before its first claim, or of all
   * accounts that ever existed before any claim. Accounts share sessions, and a turn of a removed
   * account would block the others for ever.
   *
   * @returns Number of turns that were left unfinished.
   */
  voidClaims(accountId?: AccountId): Promise<number>;
}

/** Whether the turn of a message may begin, beside running turns of its session. */
export type Admits = (waiting: WaitingTurn, running: readonly MessageId[]) => boolean;

/** Whether the turn of a message, which an agent answers, also answers a later one. */
export type Carries = (
  message: InboundMessage,
  next: InboundMessage,
  agentId: string,
) => boolean;

/** Reads and adds such users. */
export interface ProxiedUsers {
  /**
   * Notes that PluralKit has posted for a user. Beyond 10,000 users of an account, the oldest are
   * forgotten.
   */
  noteProxied(accountId: AccountId, userId: UserId, now: number): Promise<void>;
  /** The newest 10,000 users of an account, newest first. */
  proxied(accountId: AccountId): Promise<readonly UserId[]>;
}

/** Keeps a message for its mark, up to a limit, within a transaction of the caller's. */
export type KeepUnanswered = (message: InboundMessage, why: UnansweredReason, now: number) => void;

/** Messages without an answer whose senders do not know it yet (X4). */
export interface UnansweredMessages {
  /**
   * The oldest ones of the last day that wait for a mark, a bounded number of each channel.
   *
   * @param except Messages that the caller has already.
   * @param limit Maximum number of messages.
   */
  unmarked(
    accountId: AccountId,
    now: number,
    except: readonly MessageId[],
    limit: number,
  ): Promise<readonly UnansweredMessage[]>;
  /** The channels with messages that cannot be marked. */
  unmarkableIn(accountId: AccountId, now: number): Promise<readonly ChannelId[]>;
  /** The oldest messages of a channel that cannot be marked. */
  unmarkable(
    accountId: AccountId,
    channelId: ChannelId,
    now: number,
    limit: number,
  ): Promise<readonly UnansweredMessage[]>;
  /** Notes that a message has its mark, or needs none. */
  marked(accountId: AccountId, messageId: MessageId): Promise<void>;
  /** Notes that a message cannot be marked. */
  refusedMark(accountId: AccountId, messageId: MessageId): Promise<void>;
  /** Adds a notice about messages to the outbox, and forgets them. */
  linked(
    accountId: AccountId,
    messageIds: readonly MessageId[],
    notice: readonly Frozen[],
    now: number,
  ): Promise<void>;
}

/** Stops turns for a command or a button. */
export interface StopTurns {
  /**
   * Ends all turns of a scope, as `stopped`.
   *
   * @returns The messages that have lost their turns; turns of them that run must end.
   */
  stopTurns(scope: StopScope, now: number): Promise<readonly MessageId[]>;
}

/** Reads, decides and takes back messages. */
export interface UndecidedMessages {
  /** Undecided messages of an account, in the order of arrival. */
  undecided(accountId: AccountId): Promise<readonly Undecided[]>;
  /**
   * Decides an undecided message, or stores the fact that it waits for now. Any other message stays
   * unchanged. The content may differ from the stored one, because PluralKit names the real sender.
   *
   * @param waiting Limits of waiting turns (X4). Without them, every accepted message gets a turn.
   */
  decide(judged: Judged, now: number, waiting?: WaitingRules): Promise<Accepted>;
  /**
   * Takes back a message that is undecided, or accepted and still waiting for its first turn.
   *
   * @returns Whether it was taken back; `false` if its turn has begun.
   */
  retract(
    accountId: AccountId,
    messageId: MessageId,
    verdict: Verdict & { readonly kind: "ignore" },
  ): Promise<boolean>;
}

/** A message that is still to be decided. */
export interface Undecided {
  /** The message, as it was judged last. */
  readonly message: InboundMessage;
  readonly why: UndecidedReason;
  /** The agent and session of its turn; absent if its verdict had no route. */
  readonly route?: Route;
  /** The facts known beside the message when it was judged; absent if none were stored. */
  readonly knownFacts?: KnownFacts;
  /** The store's number of the policy that judged it; absent if the store kept none. */
  readonly policyId?: number;
  readonly at: number;
}
