/** Ends messages without an answer, stops turns, and lets answered turns begin anew. */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import {
  type CutEnd,
  FOLLOWED_MS,
  MAX_FOLLOWED,
  PAUSED,
  type StopRequest,
  type StopScope,
} from "../../core/inbound/inbox.ts";
import type { EditedStep } from "../../core/step.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Memory } from "../memory/memory.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import { type Answers, prepareRemoveDrafts } from "../outbox/turn_outbox.ts";
import { SETTING } from "../schema/bot.ts";
import { COUNT, integer, optional, rows, snowflake, text } from "../schema/columns.ts";
import { IS_OPEN } from "../schema/messages.ts";
import { prepareEditedStep, prepareInsertSteps } from "../turns/turn_ends.ts";

/** A message without a turn now. */
export interface Stopped {
  readonly messageId: MessageId;
}

const ID = rows({ messageId: snowflake<"message">() });

export function prepareStops(database: DatabaseSync) {
  const sql = statementsOf(database);
  const cut: CutMessage = prepareCut(database);
  const addOnce = prepareAddOnce(database);
  const keepSetting = SETTING.prepareInsert(
    database,
    "ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at",
  );
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
  // They may have words of the message that ends.
  const giveSteps = sql`
    UPDATE step SET message_id = ?, step = json_set(step, '$.isUnkept', 1) WHERE message_id = ?`;
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

const ROW = rows({
  messageId: snowflake<"message">(),
  /** How its turn has ended, or that it has not. */
  state: text(),
  /** Number of turns so far. */
  attempt: integer(),
  /** The message that the reply belongs to; absent: the one that the turn began with. */
  replyTo: optional(snowflake<"message">()),
  /** What its sender has done with it since; absent: nothing. */
  change: optional(text()),
});

/** Ends of a turn that an edit takes back. */
const ENDS: readonly string[] = ["answered", "declined", "failed"];

interface TurnOfMessage {
  readonly id: MessageId;
  readonly rows: readonly ReturnType<typeof ROW.read>[];
  /** The newest edit that it has followed. */
  readonly edit: EditedStep | undefined;
  readonly causes: readonly MessageId[];
}

/**
 * Lets a turn begin anew whose question was edited after the answer, within a transaction of the
 * caller's (H6a).
 *
 * Its messages wait again. A step tells the new turn that the steps before it stay done, and which
 * answer it replaces.
 */
export function prepareTurnOf(database: DatabaseSync): (turnId: MessageId) => TurnOfMessage {
  const sql = statementsOf(database);
  const select = sql`SELECT message_id, state, attempt, reply_to, change FROM inbox
     WHERE message_id = :id OR turn_of = :id ORDER BY length(message_id), message_id`;
  const editedStep = prepareEditedStep(database);
  return (id) => {
    const rows = select.all({ id }).map(ROW.read);
    const edit = editedStep(id);
    const answered = rows.flatMap(({ messageId, replyTo }) => [messageId, replyTo ?? id]);
    return { id, rows, edit, causes: [...new Set([...edit?.causes ?? [], ...answered])] };
  };
}

/**
 * Lets the messages of a turn wait again.
 *
 * @returns The messages; none if the edit is not followed.
 */
export function prepareReopen(
  database: DatabaseSync,
  answers: Pick<Answers, "isDeleted">,
): (
  turn: TurnOfMessage,
  edit: {
    readonly accountId: AccountId;
    readonly sessionKey: string;
    readonly sentAt: number;
    readonly now: number;
  },
) => readonly MessageId[] {
  const sql = statementsOf(database);
  const wasReset = sql.rows(COUNT.read)`SELECT COUNT(*) AS count FROM checkpoint
     WHERE session_key = :sessionKey AND kind = 'reset' AND last_entry >= COALESCE(
       (SELECT MIN(id) FROM entry
        WHERE message_id IN (SELECT value FROM json_each(:ids)) AND role = 'user'
          AND session_key = :sessionKey), 9223372036854775807)`;
  const wait = sql`UPDATE inbox
     SET state = 'waiting', finished_at = NULL, claimed_at = NULL, failure_id = NULL,
         failure = NULL, reply_to = NULL, turn_of = :turnOf
     WHERE message_id = :messageId`;
  const moveSteps = sql`UPDATE step SET message_id = ? WHERE message_id = ?`;
  const insertSteps = prepareInsertSteps(database);

  return ({ id, rows, edit, causes }, { accountId, sessionKey, sentAt, now }) => {
    const { number = 0 } = edit ?? {};
    const left = rows.filter(({ change }) => change !== "deleted");
    const [first] = left;
    if (!first || now - sentAt > FOLLOWED_MS || number >= MAX_FOLLOWED) return [];
    if (left.some(({ state }) => !ENDS.includes(state))) return [];
    const ids = JSON.stringify(left.map(({ messageId }) => messageId));
    if (wasReset.one({ sessionKey, ids }).count > 0) return [];
    if (answers.isDeleted({ accountId, causes })) return [];
    for (const { messageId } of left) {
      wait.run({ messageId, turnOf: messageId === first.messageId ? null : first.messageId });
    }
    if (first.messageId !== id) moveSteps.run(first.messageId, id);
    const step: EditedStep = { kind: "edited", number: number + 1, causes, at: now };
    insertSteps({ accountId, messageId: first.messageId, attempt: first.attempt }, [step]);
    return left.map(({ messageId }) => messageId);
  };
}
