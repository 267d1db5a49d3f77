/** Ends messages without an answer, and stops turns. */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import type { ChannelId, MessageId } from "../../core/discord/ids.ts";
import { type CutEnd, PAUSED, type StopRequest, type StopScope } from "../../core/inbound/inbox.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Memory } from "../memory/memory.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import { prepareRemoveDrafts } from "../outbox/turn_outbox.ts";
import { optional, rows, snowflake, text } from "../schema/columns.ts";
import { IS_OPEN } from "../schema/messages.ts";

/** A message without a turn now. */
export interface Stopped {
  readonly messageId: MessageId;
}

const ID = rows({ messageId: snowflake<"message">() });

export function prepareStops(database: DatabaseSync) {
  const sql = statementsOf(database);
  const cut: CutMessage = prepareCut(database);
  const addOnce = prepareAddOnce(database);
  const select = sql`SELECT message_id FROM inbox
     WHERE ${IS_OPEN}
       AND account_id = :accountId AND (:channelId IS NULL OR channel_id = :channelId)
       AND message_id <> :except AND (:only IS NULL OR message_id = :only)
       AND (:userId IS NULL OR message ->> '$.sender.id' = :userId)`;

  // A run is done while its turn waits for a person. The runner posts its events for the reason.
  const postEvents = sql`
    UPDATE hook_run SET state = 'claimed', reason = ? WHERE message_id = ? AND state <> 'refused'`;

  function openIn(scope: StopScope): readonly MessageId[] {
    const { accountId, channelId = null, userId = null, except = "" } = scope;
    const only = scope.only?.messageId ?? null;
    return select.all({ accountId, channelId, userId, except, only }).map((row) =>
      ID.read(row).messageId
    );
  }

  return {
    /**
     * Stops turns for a message that asks for it, ends that message, and stores the answer to it.
     *
     * @param by The message, which is in the inbox.
     */
    stop(
      { scope, reply, nothing }: StopRequest,
      by: MessageId,
      now: number,
    ): readonly Stopped[] {
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
      const why = scope.isPause ? PAUSED : scope.only?.why ?? "stopped by a person";
      for (const id of ids) {
        cut(id, "stopped", why, now);
        if (scope.isPause) postEvents.run(PAUSED, id);
      }
      return ids.map((messageId) => ({ messageId }));
    },
  };
}

export function createStopTurns(
  { database, commit }: Transactions,
  memory: Pick<Memory, "apply">,
) {
  const { stopAll } = prepareStops(database);
  return {
    /**
     * Ends all turns of a scope, as `stopped`.
     *
     * @returns The messages that have lost their turns; turns of them that run must end.
     */
    async stopTurns(scope: StopScope, now: number): Promise<readonly MessageId[]> {
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
type CutMessage = (
  messageId: MessageId,
  end: CutEnd,
  why: string,
  now: number,
) => { readonly channelId: ChannelId } | undefined;

const CUT = rows({
  accountId: text(),
  agentId: text(),
  channelId: snowflake<"channel">(),
  turnOf: optional(text()),
});

/**
 * Ends messages in the inbox without an answer, within a transaction of the caller's (H6, S5).
 *
 * If the turn of such a message answers others, too, they keep the turn with its steps: a tool call
 * that must not run twice does not.
 */
export function prepareCut(database: DatabaseSync): CutMessage {
  const sql = statementsOf(database);
  const finish = sql`UPDATE inbox SET state = ?, failure = ?, finished_at = ?
     WHERE message_id = ? AND finished_at IS NULL
     RETURNING account_id, agent_id, channel_id, turn_of`;
  const selectOther = sql`SELECT message_id FROM inbox WHERE turn_of = ? AND finished_at IS NULL
     ORDER BY length(message_id), message_id LIMIT 1`;
  const giveTurn = sql`UPDATE inbox SET turn_of = CASE WHEN message_id = :to THEN NULL ELSE :to END
     WHERE turn_of = :from AND finished_at IS NULL`;
  const giveSteps = sql`UPDATE step SET message_id = ? WHERE message_id = ?`;
  const removeDrafts = prepareRemoveDrafts(database);

  return (messageId, end, why, now) => {
    const row = finish.get(end, why, now, messageId);
    if (!row) return undefined;
    const { accountId, agentId, channelId, turnOf } = CUT.read(row);
    if (turnOf !== undefined) return { channelId };
    removeDrafts({ accountId, messageId, agentId }, now);
    const other = selectOther.get(messageId);
    if (other) {
      const { messageId: to } = ID.read(other);
      giveTurn.run({ to, from: messageId });
      giveSteps.run(to, messageId);
    }
    return { channelId };
  };
}
