/**
 * Messages on their way to Discord, on disk.
 *
 * Rows are added by whatever ends a turn, inside its transaction, and by what
 * answers nobody; from there they are followed until Discord has them. Another
 * process, `barnacle send`, may add and release rows of its own, so each change
 * names the row's nonce and the state it changes. The queues of known channels are
 * in memory (`send_queues.ts`), until another process has written.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { Frozen, OutboundFile, OutboxRow } from "../../core/outbound/outbound.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { createSendResults, type SendResults } from "./send_results.ts";
import { createHeldRows, type HeldRows } from "./held.ts";
import { prepareOutboxFiles } from "./files.ts";
import { createOutgoing, type Outgoing } from "../memory/outgoing.ts";
import { JOIN_DRAFT, prepareAddOnce, ROW_COLUMNS, toOutboxRow } from "./rows.ts";
import { createParkedChannels, isNotParked, type ParkedChannels } from "./parked_channels.ts";
import { prepareSettle } from "./settle.ts";
import { TERMS, type Terms, UNNAMED } from "../database/durability.ts";
import { transactAlone, type Transactions } from "../database/transact.ts";

/** `now` is Unix time in milliseconds throughout. */
export interface Outbox extends SendResults, HeldRows, ParkedChannels {
  /**
   * The first unsent row of each channel that is not parked; it holds up the rest of that channel
   * only.
   *
   * @param channels Those to look into, each once: all, if absent, which costs more.
   */
  heads(accountId: AccountId, channels?: readonly ChannelId[]): Promise<readonly OutboxRow[]>;
  /** In the order of sending; none once the row is sent. */
  filesOf(row: OutboxRow): Promise<readonly OutboundFile[]>;
  /**
   * Adds a message. One without a nonce gets that of its row; of one whose nonce is there already,
   * as a draft's is when its turn runs again, nothing changes.
   *
   * @returns The row as it is; with the message's id once it is sent.
   */
  add(frozen: Frozen, now: number): Promise<AddedRow>;
  /**
   * Adds the messages of one text, all or none of them, with nothing in between: whoever dies while
   * he adds leaves no half of it, and whoever adds beside him nothing in its midst.
   */
  addAll(frozen: readonly Frozen[], now: number): Promise<readonly AddedRow[]>;
  /**
   * T4: Discord may have the message from now on.
   *
   * @param now The first attempt's is kept.
   * @returns Whether the row was still to be sent.
   */
  markSending(row: OutboxRow, now: number): Promise<boolean>;
  /**
   * T5: Discord has the message, or had it and somebody deleted it; its files are forgotten.
   *
   * @returns Whether that is news: the gateway's echo can be first.
   */
  markSent(row: OutboxRow, messageId?: MessageId): Promise<boolean>;
  /** Takes T4 back, since this attempt created nothing; an earlier one may have. */
  markRefused(row: OutboxRow, reason: string, now: number): Promise<void>;
  /** An attempt was not answered: T4 stays, and the row is failing from now on if it was not. */
  markFailing(row: OutboxRow, now: number): Promise<void>;
  /**
   * The clock was set forward: all that fails since `until` or before fails since so many
   * milliseconds later, and so for as long as before.
   */
  shiftFailing(accountId: AccountId, byMs: number, until: number): Promise<void>;
  /** The channel's history says that no attempt has succeeded: it is as if there was none. */
  markAbsent(row: OutboxRow): Promise<void>;
  /** Discord will not take it, ever: it is kept and shown, and holds up nobody. */
  markDead(row: OutboxRow, reason: string): Promise<void>;
  /** Nobody can tell whether Discord has it: it is held and shown, and never sent by itself (D2). */
  markUncertain(row: OutboxRow): Promise<void>;
  /** Which of the messages of a channel are ours, as far as Discord has told of them. */
  known(
    channelId: ChannelId,
    messageIds: readonly MessageId[],
  ): Promise<ReadonlySet<MessageId>>;
}

const addedSchema = z.object({
  state: z.enum([
    "pending",
    "sending",
    "sent",
    "uncertain",
    "dead",
    "dropped",
    "folded",
    "withdrawn",
  ]),
  message_id: snowflakeSchema<"message">().nullable(),
});

/** A row that is there, whoever added it. */
export interface AddedRow extends OutboxRow {
  readonly state: z.infer<typeof addedSchema>["state"];
  /** Set once it is sent, unless the message was gone by then. */
  readonly messageId?: MessageId;
}

/** The journal's record of a T4. */
interface Intent {
  readonly accountId: AccountId;
  readonly nonce: string;
  /** Unix time in milliseconds. */
  readonly now: number;
}

/** A row by its nonce: its number in memory may be that of another row in the table. */
const THIS = "account_id = :accountId AND nonce = :nonce";

function keyOf({ message: { accountId, nonce } }: OutboxRow) {
  return { accountId, nonce };
}

const knownSchema = z.object({ message_id: snowflakeSchema<"message">() });

/** @param database Open, migrated, and owned by the caller. */
export function createOutbox(
  database: DatabaseSync,
  transactions: Transactions = transactAlone(database),
  outgoing: Outgoing = createOutgoing(database),
): Outbox {
  const { commit, journaled, later, read } = transactions;
  const { queues } = outgoing;
  const add = prepareAdd(database, outgoing);
  const files = prepareOutboxFiles(database);
  const settle = prepareSettle(database);
  const selectRow = `SELECT ${ROW_COLUMNS} FROM outbox AS o ${JOIN_DRAFT}`;
  const selectHeads = database.prepare(
    `${selectRow}
     WHERE o.id IN (
       SELECT MIN(u.id) FROM outbox AS u
       WHERE u.account_id = :accountId AND u.state IN ('pending', 'sending') AND ${isNotParked("u")}
       GROUP BY u.channel_id
     )
     ORDER BY o.id`,
  );
  const selectHead = database.prepare(
    `${selectRow}
     WHERE o.account_id = :accountId AND o.channel_id = :channelId
       AND o.state IN ('pending', 'sending') AND ${isNotParked("o")}
     ORDER BY o.id LIMIT 1`,
  );
  const markSending = database.prepare(
    `UPDATE outbox
     SET state = 'sending', first_attempt_at = COALESCE(first_attempt_at, :now),
         action = IIF(:isPost, 'post', action)
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
    `UPDATE outbox SET state = 'uncertain' WHERE ${THIS} AND state = 'sending'`,
  );
  const selectKnown = database.prepare(
    `SELECT message_id FROM outbox
     WHERE message_id IN (SELECT value FROM json_each(?)) AND channel_id = ?`,
  );

  const intend = journaled<Intent>("intent", ({ accountId, nonce, now }) => {
    markSending.run({ accountId, nonce, now, isPost: 0 });
  });

  /** The head of a channel as the tables have it. */
  function headOf(accountId: AccountId, channelId: ChannelId): readonly OutboxRow[] {
    const row = selectHead.get({ accountId, channelId });
    if (row) return [toOutboxRow(row)];
    outgoing.look(accountId, channelId);
    return [];
  }

  /** A change that is not on the common way: from then on the tables say what waits there. */
  function change({ message: { accountId, channelId } }: OutboxRow, work: () => void) {
    queues.forget(accountId, channelId);
    return commit(UNNAMED, work);
  }

  return {
    ...createSendResults(database, transactions),
    ...createHeldRows(database, transactions, outgoing),
    ...createParkedChannels(database, transactions),
    async heads(accountId, channels) {
      if (!channels) {
        queues.forget(accountId);
        return await read(() => selectHeads.all({ accountId }).map(toOutboxRow));
      }
      outgoing.heedOthers();
      const isKnown = (channelId: ChannelId) => queues.isKnown(accountId, channelId);
      const rows = channels.filter(isKnown).flatMap((channelId) =>
        queues.head(accountId, channelId) ?? []
      );
      const unknown = channels.filter((channelId) => !isKnown(channelId));
      if (unknown.length === 0) return rows;
      const found = await read(() => unknown.flatMap((channelId) => headOf(accountId, channelId)));
      return [...rows, ...found];
    },
    filesOf: ({ id, fileCount }) => read(() => fileCount === 0 ? [] : files.select(id)),
    add: (frozen, now) => commit(termsOf(frozen), () => add(frozen, now)),
    addAll: (frozen, now) =>
      commit(TERMS.BY_HAND, () => frozen.map((message) => add(message, now))),
    async markSending(row, now) {
      outgoing.heedOthers();
      queues.attempted(row, now);
      if (queues.takeIntent(row)) return true;
      if (!queues.has(row)) {
        return await commit(TERMS.T4, () => {
          // What is posted in a draft's place stays a post, whatever becomes of the draft.
          const isPost = row.action.kind === "post" ? 1 : 0;
          return markSending.run({ ...keyOf(row), now, isPost }).changes === 1;
        });
      }
      const { accountId, nonce } = row.message;
      await intend(TERMS.T4, { accountId, nonce, now });
      return queues.has(row); // or the gateway's echo was first
    },
    markSent(row, messageId) {
      const { id, message: { channelId }, fileCount } = row;
      const end = () => settle({ id, ...keyOf(row), channelId, fileCount }, messageId);
      if (!queues.has(row)) return commit(TERMS.T5, end);
      queues.settle(row, messageId);
      later(TERMS.T5, end);
      return Promise.resolve(true);
    },
    markRefused: (row, reason, now) =>
      change(row, () => {
        const { firstAttemptAt = null } = row;
        markRefused.run({ ...keyOf(row), firstAttemptAt, reason, now });
      }),
    markFailing: (row, now) => change(row, () => void markFailing.run({ ...keyOf(row), now })),
    shiftFailing(accountId, byMs, until) {
      queues.forget(accountId);
      return commit(UNNAMED, () => void shiftFailing.run({ accountId, byMs, until }));
    },
    markAbsent: (row) => change(row, () => void markAbsent.run(keyOf(row))),
    markDead: (row, reason) => change(row, () => void markDead.run({ ...keyOf(row), reason })),
    markUncertain: (row) => change(row, () => void markUncertain.run(keyOf(row))),
    known: (channelId, messageIds) =>
      read(() => {
        const rows = selectKnown.all(JSON.stringify(messageIds), channelId);
        return new Set(rows.map((row) => knownSchema.parse(row).message_id));
      }),
  };
}

/** What a turn says, it would say again. */
function termsOf({ message }: Frozen): Terms {
  return message.of ? UNNAMED : TERMS.BY_HAND;
}

/** @returns What adds a message, or finds it by its nonce, within a transaction of the caller's. */
function prepareAdd(
  database: DatabaseSync,
  outgoing: Outgoing,
): (frozen: Frozen, now: number) => AddedRow {
  const addOnce = prepareAddOnce(database, outgoing);
  const select = database.prepare(
    `SELECT ${ROW_COLUMNS}, o.state, o.message_id FROM outbox AS o ${JOIN_DRAFT} WHERE o.id = ?`,
  );
  return (frozen, now) => {
    const row = select.get(addOnce(frozen, now));
    const { state, message_id } = addedSchema.parse(row);
    return { ...toOutboxRow(row), state, ...(message_id !== null && { messageId: message_id }) };
  };
}
