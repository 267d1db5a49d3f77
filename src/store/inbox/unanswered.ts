/**
 * Messages without an answer whose senders do not know it yet (X4): a mark tells them, or a notice that
 * links those that Discord lets no one mark.
 *
 * They are stored with their verdict, and deleted when the sender knows. So a crash loses none of them.
 */

import type { DatabaseSync } from "node:sqlite";
import { TOLD_WITHIN_MS } from "../../core/inbound/verdict.ts";
import type { KeepUnanswered } from "../../core/store/inbox.ts";
import { COMMIT_OPTIONS, UNNAMED } from "../database/durability.ts";
import { statementsOf } from "../database/statements.ts";
import type { Transactions } from "../database/transact.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import { COUNT } from "../schema/columns.ts";
import { UNANSWERED } from "../schema/outbox.ts";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { UnansweredMessage } from "../../core/inbound/inbox.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";

/** Maximum number of messages of an account: marks for them take an hour. */
export const UNTOLD_MAX = 10_000;

/** Messages of a channel that are marked before those of other channels get their turn. */
const IN_CHANNEL = 20;

const MESSAGE = UNANSWERED.pick("messageId", "channelId", "guildId", "why");
const PLACE = UNANSWERED.pick("channelId");

function readMessage(row: unknown) {
  const { messageId: id, ...rest } = MESSAGE.read(row);
  return { id, ...rest };
}

/** Prepares to keep a message, up to the limit, within a transaction of the caller's. */
export function prepareKeepUnanswered(database: DatabaseSync): KeepUnanswered {
  const sql = statementsOf(database);
  const count = sql.rows(COUNT.read)`
    SELECT COUNT(*) AS count FROM unanswered WHERE account_id = ?`;
  const insert = UNANSWERED.prepareInsert(database, "ON CONFLICT DO NOTHING");
  return ({ id: messageId, accountId, channelId, guildId, sender }, why, at) => {
    if (count.one(accountId).count >= UNTOLD_MAX) return;
    insert({ accountId, messageId, channelId, guildId, authorId: sender.id, why, at });
  };
}

export function createUnanswered(
  { database, sql, commit, read }: Transactions,
) {
  const addOnce = prepareAddOnce(database);
  const select = sql.rows(readMessage)`
    SELECT message_id, channel_id, guild_id, why FROM (
      SELECT *, ROW_NUMBER() OVER (PARTITION BY channel_id ORDER BY at, message_id) AS place
      FROM unanswered WHERE account_id = ? AND is_unmarkable = 0 AND at >= ?
    ) WHERE place <= ${IN_CHANNEL} AND message_id NOT IN (SELECT value FROM json_each(?))
    ORDER BY at, message_id LIMIT ?`;
  const selectPlaces = sql.rows(PLACE.read)`
    SELECT DISTINCT channel_id FROM unanswered WHERE account_id = ? AND is_unmarkable = 1
      AND at >= ?`;
  const selectIn = sql.rows(readMessage)`
    SELECT message_id, channel_id, guild_id, why FROM unanswered
    WHERE account_id = ? AND is_unmarkable = 1 AND channel_id = ? AND at >= ?
    ORDER BY at, message_id LIMIT ?`;
  const remove = sql`DELETE FROM unanswered WHERE account_id = ? AND message_id = ?`;
  const refuse = sql`
    UPDATE unanswered SET is_unmarkable = 1 WHERE account_id = ? AND message_id = ?`;
  return {
    /**
     * The oldest ones of the last day that wait for a mark, a bounded number of each channel.
     *
     * @param except Messages that the caller has already.
     * @param limit Maximum number of messages.
     */
    unmarked: (
      accountId: AccountId,
      now: number,
      except: readonly MessageId[],
      limit: number,
    ): Promise<readonly UnansweredMessage[]> =>
      read(() => select.all(accountId, now - TOLD_WITHIN_MS, JSON.stringify(except), limit)),
    /** The channels with messages that cannot be marked. */
    unmarkableIn: (accountId: AccountId, now: number): Promise<readonly ChannelId[]> =>
      read(() =>
        selectPlaces.all(accountId, now - TOLD_WITHIN_MS).map(({ channelId }) => channelId)
      ),
    /** The oldest messages of a channel that cannot be marked. */
    unmarkable: (
      accountId: AccountId,
      channelId: ChannelId,
      now: number,
      limit: number,
    ): Promise<readonly UnansweredMessage[]> =>
      read(() => selectIn.all(accountId, channelId, now - TOLD_WITHIN_MS, limit)),
    /** Notes that a message has its mark, or needs none. */
    async marked(accountId: AccountId, messageId: MessageId) {
      await commit(UNNAMED, () => remove.run(accountId, messageId));
    },
    /** Notes that a message cannot be marked. */
    async refusedMark(accountId: AccountId, messageId: MessageId) {
      await commit(UNNAMED, () => refuse.run(accountId, messageId));
    },
    /** Adds a notice about messages to the outbox, and forgets them. */
    async linked(
      accountId: AccountId,
      messageIds: readonly MessageId[],
      notice: readonly Frozen[],
      now: number,
    ) {
      await commit(COMMIT_OPTIONS.BY_HAND, () => {
        for (const frozen of notice) addOnce(frozen, now);
        for (const messageId of messageIds) remove.run(accountId, messageId);
      });
    },
  };
}
