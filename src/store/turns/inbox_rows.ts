/**
 * Writes the rows of the inbox: accepted (T1), claimed (T2), and ended (T3), within transactions of
 * the caller's.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import type { Route, TurnEnd } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { TurnCost } from "../../core/spending/usage.ts";

/** A claim of messages (T2). */
export interface ClaimRecord {
  readonly turn: string;
  readonly messages: readonly { readonly messageId: string; readonly attempt: number }[];
  /** Unix time in milliseconds. */
  readonly now: number;
}

export interface EndRecord {
  readonly messageId: string;
  /** Number of the turn for the message, from 1. */
  readonly attempt: number;
  /** When the turn began. */
  readonly claimedAt: number;
  /** Ids of the further messages that the turn answers; absent: none. */
  readonly also?: readonly string[];
  readonly end: TurnEnd;
  /** Cost of the whole turn; absent if no model was asked. */
  readonly cost?: TurnCost;
  /** Unix time in milliseconds. */
  readonly now: number;
}

export function prepareInboxRows(database: DatabaseSync) {
  const sql = statementsOf(database);
  const insert = sql`
    INSERT INTO inbox (message_id, account_id, channel_id, agent_id, session_key, message,
                       accepted_at, state, attempt)
    VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', 0)
    ON CONFLICT (message_id) DO NOTHING`;
  const markRunning = sql`
    UPDATE inbox SET state = 'running', attempt = ?, claimed_at = ?, turn_of = ?
    WHERE message_id = ? AND (state = 'waiting' OR state = 'running' AND attempt < ?)`;
  const finish = sql`UPDATE inbox
     SET state = ?, attempt = MAX(attempt, ?), claimed_at = COALESCE(claimed_at, ?), turn_of = ?,
         finished_at = ?, failure_id = ?, failure = ?, cost = ?, reply_to = ?
     WHERE message_id = ? AND state IN ('waiting', 'running')`;
  const selectEnded = sql`
    SELECT 1 FROM inbox WHERE message_id = ? AND finished_at IS NOT NULL`;
  const hasEnded = (messageId: string) => selectEnded.get(messageId) !== undefined;

  return {
    /**
     * Adds a message.
     *
     * @returns Whether it was new. If two accounts accept one message, the first one answers it (G7).
     */
    add(message: InboundMessage, route: Route, acceptedAt: number) {
      const { id, accountId, channelId } = message;
      const { agentId, sessionKey } = route;
      const json = JSON.stringify(message);
      return insert.run(id, accountId, channelId, agentId, sessionKey, json, acceptedAt).changes >
        0;
    },
    /** Notes a claim of messages that wait, or that an earlier claim has. */
    claim({ turn, messages, now: claimedAt }: ClaimRecord) {
      // A stop may have ended the first message before this record came: the others keep the turn.
      const kept = messages.length > 1 && hasEnded(turn)
        ? messages.find(({ messageId }) => !hasEnded(messageId))
        : undefined;
      const first = kept?.messageId ?? turn;
      for (const { messageId, attempt } of messages) {
        const turnOf = messageId === first ? null : first;
        markRunning.run(attempt, claimedAt, turnOf, messageId, attempt);
      }
    },
    /** Ends a turn. Returns whether its first message was in the inbox without an end. */
    end({ messageId, attempt, claimedAt, also = [], end: how, cost, now }: EndRecord) {
      const failureId = how.kind === "failed" ? how.failureId : null;
      const reason = "reason" in how ? how.reason ?? null : null;
      const last = also.at(-1);
      const endRow = (id: string, turnOf: string | null, json: string | null) => {
        const replyTo = last === undefined || last === id ? null : last;
        const end = [now, failureId, reason, json, replyTo];
        return finish.run(how.kind, attempt, claimedAt, turnOf, ...end, id).changes > 0;
      };
      if (!endRow(messageId, null, cost ? JSON.stringify(cost) : null)) return false;
      for (const id of also) endRow(id, messageId, null);
      return true;
    },
  };
}

export type InboxRows = ReturnType<typeof prepareInboxRows>;
