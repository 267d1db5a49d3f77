/**
 * Messages without an answer whose senders are still to be told (X4): by a mark, or by a notice that
 * links those that Discord lets no one mark.
 *
 * They are stored with their verdict and deleted when the sender knows. So no number of people and no
 * crash lets one of them wait for nothing.
 */

import type { UnansweredMessages } from "../../core/store/inbox.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { COMMIT_OPTIONS, UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Outgoing } from "../memory/send_queues.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import { integer, rows, snowflake } from "../schema/columns.ts";
import { UNANSWERED } from "../schema/messages.ts";

/** Milliseconds after which it helps no one to hear that a message gets no answer. */
export const UNTOLD_KEPT_MS: number = DAY_MS;

const MESSAGE = UNANSWERED.pick("messageId", "channelId", "guildId", "why");
const PLACE = rows({ channelId: snowflake<"channel">() });
const AGE = rows({ at: integer() });

function readMessage(row: unknown) {
  const { messageId: id, ...rest } = MESSAGE.read(row);
  return { id, ...rest };
}

/** Creates the methods. */
export function createUnanswered(
  { database, sql, commit, read }: Transactions,
  outgoing: Outgoing,
): UnansweredMessages {
  const addOnce = prepareAddOnce(database, outgoing);
  const selectOldest = sql.rows(AGE.read)`
    SELECT at FROM unanswered WHERE account_id = ? ORDER BY at LIMIT 1`;
  const forgetOld = sql`DELETE FROM unanswered WHERE account_id = ? AND at < ?`;
  const select = sql.rows(readMessage)`
    SELECT message_id, channel_id, guild_id, why FROM unanswered
    WHERE account_id = ? AND is_unmarkable = 0 ORDER BY at, message_id LIMIT ?`;
  const selectPlaces = sql.rows(PLACE.read)`
    SELECT DISTINCT channel_id FROM unanswered WHERE account_id = ? AND is_unmarkable = 1`;
  const selectIn = sql.rows(readMessage)`
    SELECT message_id, channel_id, guild_id, why FROM unanswered
    WHERE account_id = ? AND is_unmarkable = 1 AND channel_id = ? ORDER BY at, message_id LIMIT ?`;
  const remove = sql`DELETE FROM unanswered WHERE account_id = ? AND message_id = ?`;
  const refuse = sql`
    UPDATE unanswered SET is_unmarkable = 1 WHERE account_id = ? AND message_id = ?`;
  return {
    async unmarked(accountId, now, limit) {
      const oldest = await read(() => selectOldest.get(accountId)?.at);
      const since = now - UNTOLD_KEPT_MS;
      if (oldest !== undefined && oldest < since) {
        await commit(UNNAMED, () => forgetOld.run(accountId, since));
      }
      return await read(() => select.all(accountId, limit));
    },
    unmarkableIn: (accountId) =>
      read(() => selectPlaces.all(accountId).map(({ channelId }) => channelId)),
    unmarkable: (accountId, channelId, limit) =>
      read(() => selectIn.all(accountId, channelId, limit)),
    async marked(accountId, messageId) {
      await commit(UNNAMED, () => remove.run(accountId, messageId));
    },
    async refusedMark(accountId, messageId) {
      await commit(UNNAMED, () => refuse.run(accountId, messageId));
    },
    async linked(accountId, messageIds, notice, now) {
      await commit(COMMIT_OPTIONS.BY_HAND, () => {
        for (const frozen of notice) addOnce(frozen, now);
        for (const messageId of messageIds) remove.run(accountId, messageId);
      });
    },
  };
}
