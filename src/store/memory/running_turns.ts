/**
 * Remembers which turns run, and which messages each of them answers.
 *
 * @module
 */

import type { AccountId, MessageId } from "../../core/discord/ids.ts";
import type { Claim } from "../../core/inbound/inbox.ts";
import type { WaitingMessage, WaitingMessages } from "./backlog.ts";

/** A message whose turn runs. */
export interface RunningMessage {
  /** Number of its turns, this one included. */
  readonly attempt: number;
  /** The message that the turn began with; absent: this one. */
  readonly turnOf?: MessageId;
}

/** A turn that has not ended. It has no entries if an earlier process left its claim. */
export interface ClaimedTurn {
  /** Key of its session. */
  readonly sessionKey: string;
  /** Number of its attempt, from 1; 0 if unknown. */
  readonly attempt: number;
  /** The messages that it answers, as they waited; the first is that of the claim. */
  readonly entries: WaitingMessage[];
}

/** Running turns, by the message of their claim. A running turn blocks its session. */
export interface ClaimedTurns {
  /** Whether a running turn answers a message. */
  has(messageId: string): boolean;
  /** The turn that was claimed with a message. */
  turn(turnOf: string): ClaimedTurn | undefined;
  /** Whether this claim of its message is running. */
  isRunning(claim: Claim): boolean;
  /** A message of a running turn. */
  messageOf(messageId: string): RunningMessage | undefined;
  /** Begins the turn of a message. */
  begin(messageId: string, turn: ClaimedTurn): void;
  /** Adds a message to a turn. */
  join(turnOf: MessageId, entry: WaitingMessage): void;
  /**
   * Takes a message out of a turn.
   *
   * @returns Whether the message was part of the turn.
   */
  leave(turnOf: MessageId, messageId: MessageId): boolean;
  /**
   * Ends the turn that was claimed with a message.
   *
   * @returns The turn, if one ran.
   */
  end(turnOf: string): ClaimedTurn | undefined;
  /** Ends the turn that answers a message. */
  endTurnOf(messageId: string): ClaimedTurn | undefined;
  /** Ends the turns of an account and those of an earlier process, or all. */
  endAll(accountId?: AccountId): void;
}

/** Creates the memory of running turns, which blocks their sessions in the backlog. */
export function createRunningTurns(
  backlog: Pick<WaitingMessages, "block" | "unblock">,
): ClaimedTurns {
  const turns = new Map<string, ClaimedTurn>();
  /** For each message of a turn beside the first: the first. */
  const joined = new Map<string, MessageId>();

  function end(turnOf: string): ClaimedTurn | undefined {
    const turn = turns.get(turnOf);
    if (!turn) return undefined;
    turns.delete(turnOf);
    for (const { messageId } of turn.entries) joined.delete(messageId);
    backlog.unblock(turn.sessionKey);
    return turn;
  }

  return {
    has: (messageId) => turns.has(messageId) || joined.has(messageId),
    turn: (turnOf) => turns.get(turnOf),
    isRunning: ({ message, attempt }) => turns.get(message.id)?.attempt === attempt,
    messageOf(messageId) {
      const turnOf = joined.get(messageId);
      if (turnOf === undefined) {
        const attempt = turns.get(messageId)?.attempt;
        return attempt === undefined ? undefined : { attempt };
      }
      const entry = turns.get(turnOf)?.entries.find((one) => one.messageId === messageId);
      return entry && { attempt: entry.attempts + 1, turnOf };
    },
    begin(messageId, turn) {
      turns.set(messageId, turn);
      backlog.block(turn.sessionKey);
    },
    join(turnOf, entry) {
      turns.get(turnOf)?.entries.push(entry);
      joined.set(entry.messageId, turnOf);
    },
    leave(turnOf, messageId) {
      const entries = turns.get(turnOf)?.entries;
      const index = entries?.findIndex((one) => one.messageId === messageId) ?? -1;
      if (index < 0) return false;
      entries?.splice(index, 1);
      joined.delete(messageId);
      return true;
    },
    end,
    endTurnOf: (messageId) => end(joined.get(messageId) ?? messageId),
    endAll(accountId) {
      for (const [messageId, { entries: [first] }] of turns) {
        if (accountId === undefined || !first || first.accountId === accountId) end(messageId);
      }
    },
  };
}
