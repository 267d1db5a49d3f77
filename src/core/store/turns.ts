/**
 * The contract of `store.turns`: the transcript of a session and overheard messages, which a turn
 * reads, the steps of a turn (TS), and its end (T3).
 */

import type { AccountId, ChannelId, MessageId } from "../discord/ids.ts";
import type { Claim, FinishedTurn, Route, StoredTurn } from "../inbound/inbox.ts";
import type { ReactionNote } from "../inbound/reactions.ts";
import type { AnswerThread } from "../inbound/threads.ts";
import type { Entry, Overheard } from "../inbound/transcript.ts";
import type { PlanQueue } from "../outbound/queue.ts";
import type { Charge } from "../spending/usage.ts";
import type { Step } from "../step.ts";

/** All methods of `store.turns`. */
export interface TurnRecords
  extends
    AnswerThreadRows,
    OverheardContext,
    PassedTurns,
    ReactionRecords,
    Transcripts,
    Steps,
    TurnEnds {}

/** Reads and changes threads of answers. */
export interface AnswerThreadRows {
  /** The newest threads of an account that have their asker, oldest first. */
  answerThreads(accountId: AccountId, limit: number): Promise<readonly AnswerThread[]>;
  /** A thread; `undefined` if no answer has asked for it. */
  answerThread(accountId: AccountId, threadId: ChannelId): Promise<AnswerThread | undefined>;
  /** Stores a thread before the request to Discord. A known one stays unchanged. */
  beginThread(accountId: AccountId, thread: AnswerThread, now: number): Promise<void>;
  /** Stores Discord's answer. */
  endThread(
    accountId: AccountId,
    threadId: ChannelId,
    state: Exclude<AnswerThread["state"], "opening">,
  ): Promise<void>;
  /** Stores whether the asker is in the thread. */
  setAskerIn(accountId: AccountId, threadId: ChannelId, isIn: boolean): Promise<void>;
}

/** Reads and adds overheard messages. */
export interface OverheardContext {
  /**
   * Overheard messages of a channel, before a message and after the newest one of the channel in
   * the session's transcript.
   *
   * @param isAgain Whether a turn has answered the message before: then only what was written before
   * the message counts as the newest one.
   * @returns The newest `limit`, oldest first.
   */
  overheard(
    key: OverheardKey,
    sessionKey: string,
    before: MessageId,
    limit: number,
    isAgain?: boolean,
  ): Promise<readonly Overheard[]>;
  /** Keeps messages that were written before the bot listened to the channel. */
  addOverheard(
    accountId: AccountId,
    channelId: ChannelId,
    messages: readonly Overheard[],
    now: number,
  ): Promise<void>;
}

/** The key of a channel's context. */
export interface OverheardKey {
  readonly accountId: AccountId;
  /** Channel, thread or direct message channel of the messages. */
  readonly channelId: ChannelId;
}

/** Reads reactions. */
export interface ReactionRecords {
  /**
   * The newest reactions of a channel that no earlier turn has seen, oldest first. They belong to
   * the turn of a message from now on: a repeated turn of the message sees them again, and so does
   * the next turn if this one fails.
   */
  reactionsFor(key: OverheardKey, messageId: MessageId): Promise<readonly ReactionNote[]>;
}

/** Reads transcripts. */
export interface Transcripts {
  /**
   * The newest entries of a session since its newest checkpoint, oldest first: at most `limit`, and
   * only as many as fit into `maxChars` together. Reading stops there, so a turn in a long session
   * costs no more than in a short one.
   *
   * @param maxChars UTF-16 units; unlimited by default.
   */
  entriesOf(sessionKey: string, limit: number, maxChars?: number): Promise<readonly Entry[]>;
}

/** Reads and adds the steps of turns. */
export interface Steps {
  /** The stored steps of a message's turn, in order, from all processes that ran it. */
  stepsOf(messageId: MessageId): Promise<readonly Step[]>;
  /**
   * TS: adds steps to a turn.
   *
   * @param waitsForDisk Whether the steps must survive a power cut.
   * @param charges Requests to models since the last TS.
   * @throws {Error} If the claim does not run any more; then the turn must not continue.
   */
  addSteps(
    claim: Claim,
    steps: readonly Step[],
    waitsForDisk: boolean,
    charges?: readonly Charge[],
  ): Promise<void>;
}

/** Passes turns on to other agents (N4). */
export interface PassedTurns {
  /**
   * TS: ends a turn of one agent, whose messages wait for a turn of another one.
   *
   * @returns Whether drafts of it are to be removed from the channel.
   * @throws {Error} If the claim does not run any more.
   */
  passOn(turn: TurnToPass): Promise<boolean>;
}

/** A turn to pass on. */
export interface TurnToPass {
  /** Its claim, which ends. */
  readonly claim: Claim;
  /** The agent that goes on, and the session. */
  readonly to: Route;
  /** Its last steps, which are not stored yet: at least the one that names the other agent. */
  readonly steps: readonly Step[];
  /** Requests to models since the last stored step. */
  readonly charges: readonly Charge[];
  /** Transcript entries that the session of the first agent keeps of this turn. */
  readonly entries: readonly Entry[];
  readonly now: number;
}

/** Stores the ends of turns. */
export interface TurnEnds {
  /**
   * T3: stores the end of a turn, its entries and its messages.
   *
   * @param queue The plan for a full queue of the channel; without it, no queue is ever full.
   * @returns `stored` is false if the claim does not run any more; nothing is stored then.
   */
  finishTurn(turn: FinishedTurn, now: number, queue?: PlanQueue): Promise<StoredTurn>;
}
