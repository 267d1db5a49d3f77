/**
 * Ends messages in the inbox without an answer, within a transaction of the caller's (H6, S5).
 *
 * If the turn of such a message answers others, too, they keep the turn with its steps: a tool call
 * that must not run twice does not.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import type { CutEnd } from "../../core/inbound/inbox.ts";
import type { ChannelId, MessageId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Outgoing } from "../memory/outgoing.ts";
import { prepareRemoveDrafts } from "../outbox/drafts.ts";

/**
 * Ends a message.
 *
 * @param why For the operator.
 * @param now Unix time in milliseconds.
 * @returns Its channel; `undefined` if it has an end already, or is not in the inbox.
 */
export type Cut = (
  messageId: MessageId,
  end: CutEnd,
  why: string,
  now: number,
) => { readonly channelId: ChannelId } | undefined;

const rowSchema = z.object({
  account_id: column.text,
  agent_id: column.text,
  channel_id: snowflakeSchema<"channel">(),
  turn_of: column.textOrNull,
});

const idSchema = z.object({ message_id: column.text });

/** Prepares the statements. */
export function prepareCut(database: DatabaseSync, outgoing: Outgoing): Cut {
  const finish = database.prepare(
    `UPDATE inbox SET state = ?, failure = ?, finished_at = ?
     WHERE message_id = ? AND finished_at IS NULL
     RETURNING account_id, agent_id, channel_id, turn_of`,
  );
  const selectOther = database.prepare(
    `SELECT message_id FROM inbox WHERE turn_of = ? AND finished_at IS NULL
     ORDER BY length(message_id), message_id LIMIT 1`,
  );
  const giveTurn = database.prepare(
    `UPDATE inbox SET turn_of = CASE WHEN message_id = :to THEN NULL ELSE :to END
     WHERE turn_of = :from AND finished_at IS NULL`,
  );
  const giveSteps = database.prepare("UPDATE step SET message_id = ? WHERE message_id = ?");
  const removeDrafts = prepareRemoveDrafts(database, outgoing);

  return (messageId, end, why, now) => {
    const row = finish.get(end, why, now, messageId);
    if (!row) return undefined;
    const { account_id: accountId, agent_id: agentId, channel_id: channelId, turn_of } = rowSchema
      .parse(row);
    if (turn_of !== null) return { channelId };
    removeDrafts({ accountId, messageId, agentId }, now);
    const other = selectOther.get(messageId);
    if (other) {
      const { message_id: to } = idSchema.parse(other);
      giveTurn.run({ to, from: messageId });
      giveSteps.run(to, messageId);
    }
    return { channelId };
  };
}
