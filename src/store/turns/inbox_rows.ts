/**
 * Writes the rows of the inbox: accepted (T1), claimed (T2), and ended (T3), within transactions of
 * the caller's.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import type { Route, TurnEnd } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { TurnCost } from "../../core/spending/usage.ts";
import type { Tail } from "../database/journal.ts";

/** The journal's record of a T2. */
export interface ClaimRecord {
  readonly turn: string;
  readonly messages: readonly { readonly messageId: string; readonly attempt: number }[];
  /** Unix time in milliseconds. */
  readonly now: number;
}

export interface EndRecord {
  readonly messageId: string;
  /** Number of the turn for the message; absent in records of earlier versions: 1. */
  readonly attempt?: number;
  /** When the turn began, which no T2 may have stored; absent in records of earlier versions. */
  readonly claimedAt?: number;
  /** Ids of the further messages that the turn answers; absent: none. */
  readonly also?: readonly string[];
  readonly end: TurnEnd;
  /** Cost of the whole turn; absent if no model was asked. */
  readonly cost?: TurnCost;
  /** Unix time in milliseconds. */
  readonly now: number;
}

interface RowClaim {
  attempt: number;
  claimedAt: number | null;
  turnOf: string | null;
}

interface InboxRow extends RowClaim {
  readonly message: InboundMessage;
  readonly route: Route;
  readonly acceptedAt: number;
  state: "waiting" | "running" | TurnEnd["kind"];
  end?: RowEnd;
}

type RowEnd = readonly [
  finishedAt: number,
  failureId: string | null,
  failure: string | null,
  cost: string | null,
  replyTo: string | null,
];

const NO_END = [null, null, null, null, null] as const;

export function prepareInboxRows(database: DatabaseSync, tail: Tail) {
  const sql = statementsOf(database);
  const insert = sql`
    INSERT INTO inbox (message_id, account_id, channel_id, agent_id, session_key, message,
                       accepted_at, state, attempt, claimed_at, turn_of, finished_at, failure_id,
                       failure, cost, reply_to)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (message_id) DO NOTHING`;
  const markRunning = sql`
    UPDATE inbox SET state = 'running', attempt = ?, claimed_at = ?, turn_of = ?
    WHERE message_id = ? AND (state = 'waiting' OR state = 'running' AND attempt < ?)`;
  // A claim may be in memory only (T2), so the row may still be `waiting` in the table.
  const finish = sql`UPDATE inbox
     SET state = ?, attempt = MAX(attempt, ?), claimed_at = COALESCE(claimed_at, ?), turn_of = ?,
         finished_at = ?, failure_id = ?, failure = ?, cost = ?, reply_to = ?
     WHERE message_id = ? AND state IN ('waiting', 'running')`;

  const selectEnded = sql`
    SELECT 1 FROM inbox WHERE message_id = ? AND finished_at IS NOT NULL`;

  const rows = tail.table<InboxRow>((row) => {
    const { message, route: { agentId, sessionKey }, acceptedAt } = row;
    const { id, accountId, channelId } = message;
    return insert.run(
      ...[id, accountId, channelId, agentId, sessionKey, JSON.stringify(message), acceptedAt],
      ...[row.state, row.attempt, row.claimedAt, row.turnOf],
      ...row.end ?? NO_END,
    ).changes > 0;
  });

  function claimOne(messageId: string, claim: RowClaim): void {
    const row = rows.find(messageId);
    const { attempt, claimedAt, turnOf } = claim;
    if (!row) markRunning.run(attempt, claimedAt, turnOf, messageId, attempt);
    else if (row.state === "waiting" || row.state === "running" && row.attempt < attempt) {
      Object.assign(row, claim, { state: "running" });
    }
  }

  function hasEnded(messageId: string): boolean {
    const row = rows.find(messageId);
    return row ? row.end !== undefined : selectEnded.get(messageId) !== undefined;
  }

  function endOne(
    messageId: string,
    state: TurnEnd["kind"],
    claim: RowClaim,
    end: RowEnd,
  ): boolean {
    const { attempt, claimedAt, turnOf } = claim;
    const row = rows.find(messageId);
    if (!row) {
      return finish.run(state, attempt, claimedAt, turnOf, ...end, messageId).changes > 0;
    }
    if (row.end) return false;
    row.attempt = Math.max(row.attempt, attempt);
    row.claimedAt ??= claimedAt;
    Object.assign(row, { state, turnOf, end });
    return true;
  }

  return {
    /**
     * Adds a message.
     *
     * @returns Whether it was new. If two accounts accept one message, the first one answers it (G7).
     */
    add(message: InboundMessage, route: Route, acceptedAt: number) {
      const claim = { state: "waiting", attempt: 0, claimedAt: null, turnOf: null } as const;
      return rows.add(message.id, { message, route, acceptedAt, ...claim });
    },
    /** Notes a claim of messages that wait, or that an earlier claim has. */
    claim({ turn, messages, now: claimedAt }: ClaimRecord) {
      // A stop may have ended the first message before this record came: the others keep the turn.
      const kept = messages.length > 1 && hasEnded(turn)
        ? messages.find(({ messageId }) => !hasEnded(messageId))
        : undefined;
      const first = kept?.messageId ?? turn;
      for (const { messageId, attempt } of messages) {
        claimOne(messageId, { attempt, claimedAt, turnOf: messageId === first ? null : first });
      }
    },
    /** Ends a turn. Returns whether its first message was in the inbox without an end. */
    end({ messageId, attempt = 1, claimedAt, also = [], end: how, cost, now }: EndRecord) {
      const failureId = how.kind === "failed" ? how.failureId : null;
      const reason = "reason" in how ? how.reason ?? null : null;
      const last = also.at(-1);
      const endRow = (id: string, turnOf: string | null, json: string | null) => {
        const replyTo = last === undefined || last === id ? null : last;
        const claim = { attempt, claimedAt: claimedAt ?? null, turnOf };
        return endOne(id, how.kind, claim, [now, failureId, reason, json, replyTo]);
      };
      if (!endRow(messageId, null, cost ? JSON.stringify(cost) : null)) return false;
      for (const id of also) endRow(id, messageId, null);
      return true;
    },
  };
}

export type InboxRows = ReturnType<typeof prepareInboxRows>;
