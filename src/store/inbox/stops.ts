/**
 * Stops turns: those that run, and those that wait behind them (S5). Ends messages without an answer
 * (H6).
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { type CutEnd, PAUSED, type StopRequest, type StopScope } from "../../core/inbound/inbox.ts";
import type { ChannelId, MessageId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Memory } from "../memory/memory.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import type { StopTurns } from "../../core/store/inbox.ts";
import { column } from "../schema/columns.ts";
import { SETTING } from "../schema/settings.ts";
import type { Outgoing } from "../memory/send_queues.ts";
import { prepareRemoveDrafts } from "../outbox/turn_outbox.ts";

/** A message without a turn now. */
export interface Stopped {
  readonly messageId: MessageId;
}

const idSchema = z.object({ message_id: snowflakeSchema<"message">() });

/** Prepares the statements. */
export function prepareStops(database: DatabaseSync, { outgoing }: Pick<Memory, "outgoing">) {
  const cut: CutMessage = prepareCut(database, outgoing);
  const addOnce = prepareAddOnce(database, outgoing);
  const keepSetting = SETTING.prepareInsert(
    database,
    "ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at",
  );
  // Both states are named, because the index of open messages begins with the state.
  const select = database.prepare(
    `SELECT message_id FROM inbox
     WHERE finished_at IS NULL AND state IN ('waiting', 'running')
       AND account_id = :accountId AND (:channelId IS NULL OR channel_id = :channelId)
       AND message_id <> :except
       AND (:userId IS NULL OR message ->> '$.sender.id' = :userId)`,
  );

  // A run is done while its turn waits for a person. The runner posts its events for the reason.
  const postEvents = database.prepare(
    `UPDATE hook_run SET state = 'claimed', reason = ? WHERE message_id = ? AND state <> 'refused'`,
  );

  function openIn(scope: StopScope): readonly MessageId[] {
    const { accountId, channelId = null, userId = null, except = "" } = scope;
    return select.all({ accountId, channelId, userId, except }).map((row) =>
      idSchema.parse(row).message_id
    );
  }

  return {
    /**
     * Stops turns for a message that asks for it, ends that message, and stores the answer to it.
     *
     * @param by The message, which is in the inbox.
     */
    stop(
      { scope, reply, nothing, quietUntil }: StopRequest,
      by: MessageId,
      now: number,
    ): readonly Stopped[] {
      const { accountId, channelId } = scope;
      if (quietUntil !== undefined && channelId !== undefined) {
        const value = String(quietUntil);
        keepSetting({ accountId, scope: channelId, name: "quiet", value, at: now });
      }
      const others = openIn(scope).filter((messageId) => messageId !== by);
      if (others.length === 0 && !nothing) return [];
      for (const id of others) cut(id, "stopped", "stopped by a person", now);
      cut(by, "stopped", others.length > 0 ? "it stopped the others" : "nothing to stop", now);
      for (const frozen of others.length > 0 ? reply : nothing ?? []) addOnce(frozen, now);
      return [...others, by].map((messageId) => ({ messageId }));
    },
    /** Stops turns by a command or a button. */
    stopAll(scope: StopScope, now: number): readonly Stopped[] {
      const ids = openIn(scope);
      const why = scope.isPause ? PAUSED : "stopped by a person";
      for (const id of ids) {
        cut(id, "stopped", why, now);
        if (scope.isPause) postEvents.run(PAUSED, id);
      }
      return ids.map((messageId) => ({ messageId }));
    },
  };
}

/** Stops turns within a transaction of the caller's. */
export type Stops = ReturnType<typeof prepareStops>;

/** Creates the storage of stops. */
export function createStopTurns(
  database: DatabaseSync,
  { commit }: Transactions,
  memory: Pick<Memory, "apply" | "outgoing">,
): StopTurns {
  const { stopAll } = prepareStops(database, memory);
  return {
    async stopTurns(scope, now) {
      const stopped = await commit(COMMIT_OPTIONS.BY_HAND, () => stopAll(scope, now), {
        isAlone: true,
        onStored(stopped) {
          for (const { messageId } of stopped) memory.apply({ kind: "cut", messageId });
        },
      });
      return stopped.map(({ messageId }) => messageId);
    },
  };
}

/**
 * Ends a message.
 *
 * @param why For the operator.
 * @returns Its channel; `undefined` if it has an end already, or is not in the inbox.
 */
export type CutMessage = (
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

const cutIdSchema = z.object({ message_id: column.text });

/**
 * Ends messages in the inbox without an answer, within a transaction of the caller's (H6, S5).
 *
 * If the turn of such a message answers others, too, they keep the turn with its steps: a tool call
 * that must not run twice does not.
 */
export function prepareCut(database: DatabaseSync, outgoing: Outgoing): CutMessage {
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
      const { message_id: to } = cutIdSchema.parse(other);
      giveTurn.run({ to, from: messageId });
      giveSteps.run(to, messageId);
    }
    return { channelId };
  };
}
