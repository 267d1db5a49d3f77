/**
 * Messages on their way to Discord, on disk.
 *
 * Rows are added by whatever ends a turn, inside its transaction; here they are
 * only followed until Discord has them.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId, MessageId } from "../core/ids.ts";
import type { OutboundMessage, OutboxRow } from "../core/outbound.ts";
import { TERMS, UNNAMED } from "./terms.ts";
import { transactAlone, type Transactions } from "./transact.ts";

export interface Outbox {
  /** The first unsent row of each channel, which holds up the rest of that channel only. */
  heads(accountId: AccountId): Promise<readonly OutboxRow[]>;
  /**
   * T4: Discord may have the message from now on.
   *
   * @param now Unix time in milliseconds; the first attempt's is kept.
   * @returns Whether the row was still to be sent.
   */
  markSending(row: OutboxRow, now: number): Promise<boolean>;
  /**
   * T5: Discord has the message, or had it and somebody deleted it.
   *
   * @returns Whether that is news: the gateway's echo can be first.
   */
  markSent(row: OutboxRow, messageId?: MessageId): Promise<boolean>;
  /** Takes T4 back, since this attempt created nothing; an earlier one may have. */
  markRefused(row: OutboxRow, reason: string): Promise<void>;
  /** Discord will not take it, ever: it is kept and shown, and holds up nobody. */
  markDead(row: OutboxRow, reason: string): Promise<void>;
  /** Nobody can tell whether Discord has it: it is held and shown, and never sent by itself (D2). */
  markUncertain(row: OutboxRow): Promise<void>;
}

/**
 * Adds messages within a transaction of the caller's; a second one of a nonce throws.
 *
 * @param now Unix time in milliseconds, for the age of what is not sent.
 */
export type AddToOutbox = (messages: readonly OutboundMessage[], now: number) => void;

export function prepareAddToOutbox(database: DatabaseSync): AddToOutbox {
  const insert = database.prepare(
    `INSERT INTO outbox (account_id, channel_id, nonce, message, created_at)
     VALUES (?, ?, ?, ?, ?)`,
  );
  return (messages, now) => {
    for (const message of messages) {
      const { accountId, channelId, nonce } = message;
      insert.run(accountId, channelId, nonce, JSON.stringify(message), now);
    }
  };
}

const rowSchema = z.object({
  id: z.number(),
  message: z.string(),
  first_attempt_at: z.number().nullable(),
});

/** @param database Open, migrated, and owned by the caller. */
export function createOutbox(
  database: DatabaseSync,
  { commit, read }: Transactions = transactAlone(database),
): Outbox {
  const selectHeads = database.prepare(
    `SELECT id, message, first_attempt_at FROM outbox
     WHERE id IN (
       SELECT MIN(id) FROM outbox
       WHERE account_id = ? AND state IN ('pending', 'sending')
       GROUP BY channel_id
     )
     ORDER BY id`,
  );
  const markSending = database.prepare(
    `UPDATE outbox
     SET state = 'sending', first_attempt_at = COALESCE(first_attempt_at, :now)
     WHERE id = :id AND state IN ('pending', 'sending')`,
  );
  const markSent = database.prepare(
    `UPDATE outbox
     SET state = 'sent', message_id = :messageId
     WHERE id = :id AND state <> 'sent'`,
  );
  const markRefused = database.prepare(
    `UPDATE outbox
     SET state = IIF(:firstAttemptAt IS NULL, 'pending', 'sending'),
         first_attempt_at = :firstAttemptAt,
         refusal = :reason
     WHERE id = :id AND state = 'sending'`,
  );

  const markDead = database.prepare(
    `UPDATE outbox SET state = 'dead', refusal = :reason
     WHERE id = :id AND state IN ('pending', 'sending')`,
  );
  const markUncertain = database.prepare(
    `UPDATE outbox SET state = 'uncertain' WHERE id = ? AND state = 'sending'`,
  );

  return {
    heads: (accountId) => read(() => selectHeads.all(accountId).map(toOutboxRow)),
    markSending: ({ id }, now) =>
      commit(TERMS.T4, () => markSending.run({ id, now }).changes === 1),
    markSent: ({ id }, messageId) =>
      commit(
        TERMS.T5,
        () => markSent.run({ id, messageId: messageId ?? null }).changes === 1,
      ),
    markRefused: ({ id, firstAttemptAt }, reason) =>
      commit(UNNAMED, () => {
        markRefused.run({ id, firstAttemptAt: firstAttemptAt ?? null, reason });
      }),
    markDead: ({ id }, reason) =>
      commit(UNNAMED, () => {
        markDead.run({ id, reason });
      }),
    markUncertain: ({ id }) =>
      commit(UNNAMED, () => {
        markUncertain.run(id);
      }),
  };
}

function toOutboxRow(row: unknown): OutboxRow {
  const { id, message, first_attempt_at } = rowSchema.parse(row);
  return {
    id,
    message: JSON.parse(message), // ours, written by `prepareAddToOutbox`
    ...(first_attempt_at !== null && { firstAttemptAt: first_attempt_at }),
  };
}
