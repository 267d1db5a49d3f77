/**
 * Reads the drafts of a turn (R8), and removes those of a turn that ends without an answer.
 *
 * They belong to the message that the turn began with, whatever its text is now.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { type DraftRow, placeDrafts } from "../../core/outbound/draft.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Outgoing } from "../memory/outgoing.ts";
import { prepareAddToOutbox, storedMessageSchema } from "./rows.ts";

/** The turn of drafts. */
export interface DraftsTurn {
  /** The account that answers. */
  readonly accountId: string;
  /** The message that the turn began with. */
  readonly messageId: string;
  /** The agent that answers. */
  readonly agentId: string;
}

const draftSchema = z.object({
  message: storedMessageSchema,
  state: z.enum(["pending", "sending", "sent"]),
  message_id: snowflakeSchema<"message">().nullable(),
});

const DRAFT_STATES = { pending: "untried", sending: "open", sent: "there" } as const;

/** Prepares the reading of the drafts that Discord has or may have. */
export function prepareDraftsOf(database: DatabaseSync): (turn: DraftsTurn) => readonly DraftRow[] {
  const select = database.prepare(
    `SELECT message, state, message_id FROM outbox
     WHERE kind = 'draft' AND account_id = ? AND cause_id = ?
       AND state IN ('pending', 'sending', 'sent')
     ORDER BY id`,
  );
  return ({ accountId, messageId, agentId }) =>
    select.all(accountId, messageId).flatMap((row): readonly DraftRow[] => {
      const { message, state, message_id } = draftSchema.parse(row);
      const { of, ...rest } = message;
      if (of?.agentId !== agentId) return [];
      return [{
        message: { ...rest, of },
        state: DRAFT_STATES[state],
        messageId: message_id ?? undefined,
      }];
    });
}

/**
 * Withdraws drafts without an attempt, and adds a row that deletes each other one.
 *
 * @param now Unix time in milliseconds.
 * @returns Whether there was a draft to delete.
 */
export type RemoveDrafts = (turn: DraftsTurn, now: number) => boolean;

/** Prepares the statements. */
export function prepareRemoveDrafts(database: DatabaseSync, outgoing: Outgoing): RemoveDrafts {
  const draftsOf = prepareDraftsOf(database);
  const add = prepareAddToOutbox(database, outgoing);
  const withdraw = database.prepare(
    `UPDATE outbox SET state = 'withdrawn' WHERE account_id = ? AND nonce = ? AND state = 'pending'`,
  );
  return (turn, now) => {
    const drafts = draftsOf(turn);
    if (drafts.length === 0) return false;
    const placed = placeDrafts(drafts, []);
    for (const nonce of placed.withdraw) withdraw.run(turn.accountId, nonce);
    for (const frozen of placed.outbox) add(frozen, now);
    return placed.outbox.length > 0;
  };
}
