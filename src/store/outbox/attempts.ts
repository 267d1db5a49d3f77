/**
 * Stores the attempts to send a row: intent (T4), end (T5), refusals and failures.
 *
 * Another process, `barnacle send`, may add and release rows of its own, so each
 * change names the row's nonce and the state it changes.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";
import { COMMIT_OPTIONS, UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Outgoing } from "../memory/outgoing.ts";
import type { AttemptRows } from "../../core/store/outbox.ts";
import { prepareOutboxFiles } from "./files.ts";
import { prepareNoteDelivered } from "./parked_channels.ts";

/** The journal's record of a T4. */
interface SendIntent {
  readonly accountId: AccountId;
  readonly nonce: string;
  /** Unix time in milliseconds. */
  readonly now: number;
}

/**
 * Selects a row by its nonce, because its number in memory may belong to another row of the table.
 */
const THIS = "account_id = :accountId AND nonce = :nonce";

function keyOf({ message: { accountId, nonce } }: OutboxRow) {
  return { accountId, nonce };
}

/**
 * Creates the storage of attempts.
 *
 * The function is longer than most, because each statement and each method stands here once.
 */
export function createAttempts(
  database: DatabaseSync,
  { commit, journaled, later }: Transactions,
  outgoing: Outgoing,
): AttemptRows {
  const { queues } = outgoing;
  const settle = prepareSettle(database);
  const markSending = database.prepare(
    `UPDATE outbox
     SET state = 'sending', first_attempt_at = COALESCE(first_attempt_at, :now),
         action = IIF(:isPost, 'post', action), next_attempt_at = NULL
     WHERE ${THIS} AND state IN ('pending', 'sending')`,
  );
  const markRefused = database.prepare(
    `UPDATE outbox
     SET state = IIF(:firstAttemptAt IS NULL, 'pending', 'sending'),
         first_attempt_at = :firstAttemptAt,
         failing_since = COALESCE(failing_since, :now),
         refusal = :reason
     WHERE ${THIS} AND state IN ('pending', 'sending')`,
  );
  const markFailing = database.prepare(
    `UPDATE outbox SET failing_since = :now
     WHERE ${THIS} AND state IN ('pending', 'sending') AND failing_since IS NULL`,
  );
  const markWaiting = database.prepare(
    `UPDATE outbox SET refusal = :reason, next_attempt_at = :nextAttemptAt
     WHERE ${THIS} AND state IN ('pending', 'sending')`,
  );
  const shiftFailing = database.prepare(
    `UPDATE outbox SET failing_since = failing_since + :byMs
     WHERE account_id = :accountId AND state IN ('pending', 'sending') AND failing_since <= :until`,
  );
  const markAbsent = database.prepare(
    `UPDATE outbox SET state = 'pending', first_attempt_at = NULL
     WHERE ${THIS} AND state = 'sending'`,
  );
  const markDead = database.prepare(
    `UPDATE outbox SET state = 'dead', refusal = :reason
     WHERE ${THIS} AND state IN ('pending', 'sending')`,
  );
  const markUncertain = database.prepare(
    `UPDATE outbox SET state = 'uncertain', refusal = :reason WHERE ${THIS} AND state = 'sending'`,
  );

  const intend = journaled<SendIntent>("intent", ({ accountId, nonce, now }) => {
    markSending.run({ accountId, nonce, now, isPost: 0 });
  });

  /**
   * Makes a change outside of the common path. From then on, the tables tell which rows wait in the
   * channel.
   */
  function change({ message: { accountId, channelId } }: OutboxRow, work: () => void) {
    queues.forget(accountId, channelId);
    return commit(UNNAMED, work);
  }

  return {
    async markSending(row, now) {
      outgoing.forgetIfOthersWrote();
      queues.attempted(row, now);
      if (queues.takeIntent(row)) return true;
      if (!queues.has(row)) {
        return await commit(COMMIT_OPTIONS.T4, () => {
          // A message posted in a draft's place stays a post, even if the draft appears later.
          const isPost = row.action.kind === "post" ? 1 : 0;
          return markSending.run({ ...keyOf(row), now, isPost }).changes === 1;
        });
      }
      const { accountId, nonce } = row.message;
      await intend(COMMIT_OPTIONS.T4, { accountId, nonce, now });
      return queues.has(row); // `false` if the gateway's echo was first
    },
    markSent(row, messageId) {
      const { id, message: { channelId }, fileCount } = row;
      const end = () => settle({ id, ...keyOf(row), channelId, fileCount }, messageId);
      // The gateway's echo was first, and the table has it before anything reads it.
      if (queues.takeEcho(row, messageId)) return Promise.resolve(false);
      if (!queues.has(row)) return commit(COMMIT_OPTIONS.T5, end);
      queues.settle(row, messageId);
      later(COMMIT_OPTIONS.T5, end);
      return Promise.resolve(true);
    },
    markRefused: (row, reason, now) =>
      change(row, () => {
        const { firstAttemptAt = null } = row;
        markRefused.run({ ...keyOf(row), firstAttemptAt, reason, now });
      }),
    markFailing: (row, now) => change(row, () => void markFailing.run({ ...keyOf(row), now })),
    markWaiting: (row, reason, nextAttemptAt) =>
      change(row, () => void markWaiting.run({ ...keyOf(row), reason, nextAttemptAt })),
    shiftFailing(accountId, byMs, until) {
      queues.forget(accountId);
      return commit(UNNAMED, () => void shiftFailing.run({ accountId, byMs, until }));
    },
    markAbsent: (row) => change(row, () => void markAbsent.run(keyOf(row))),
    markDead: (row, reason) => change(row, () => void markDead.run({ ...keyOf(row), reason })),
    markUncertain: (row, reason) =>
      change(row, () => void markUncertain.run({ ...keyOf(row), reason })),
  };
}

/** A row to settle. */
export interface Unsettled {
  /**
   * Number of the row in the table, used only to delete its files. The row's number in memory may
   * belong to another row.
   */
  readonly id: number;
  /** The account that sends the message. */
  readonly accountId: AccountId;
  /** Nonce of the message, which names the row. */
  readonly nonce: string;
  /** Target channel of the message; a delivery there ends its parking. */
  readonly channelId: ChannelId;
  /** Number of files that the row was stored with. */
  readonly fileCount: number;
}

/**
 * Settles a row within a transaction of the caller's, regardless of its state.
 *
 * @param messageId Absent if the message was deleted, or if there was none to send.
 * @returns Whether this call settled the row; `false` if it was settled before.
 */
export type Settle = (row: Unsettled, messageId: MessageId | undefined) => boolean;

/**
 * Settles rows whose message Discord has (T5), according to its answer, the gateway's echo, or the
 * channel's history.
 */
export function prepareSettle(database: DatabaseSync): Settle {
  const files = prepareOutboxFiles(database);
  const noteDelivered = prepareNoteDelivered(database);
  const settle = database.prepare(
    `UPDATE outbox SET state = 'sent', message_id = :messageId, failing_since = NULL, whole = NULL
     WHERE account_id = :accountId AND nonce = :nonce AND state <> 'sent'`,
  );
  return ({ id, accountId, nonce, channelId, fileCount }, messageId) => {
    if (settle.run({ accountId, nonce, messageId: messageId ?? null }).changes === 0) return false;
    if (fileCount > 0) files.delete(id);
    if (messageId !== undefined) noteDelivered(accountId, channelId);
    return true;
  };
}
