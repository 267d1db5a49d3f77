/**
 * `store.programs`: reads calls of programs from the inbox, and keeps their keys (O14).
 *
 * A key is a row of `setting`, so it needs no table of its own. Keys are read by nothing else, and
 * each new one deletes those that are older than a day.
 */

import type { Called } from "../../core/programs/called.ts";
import { type AccountId, type MessageId, readSnowflake } from "../../core/discord/ids.ts";
import type { TurnCost } from "../../core/spending/usage.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { integer, json, optional, rows, snowflake, text } from "../schema/columns.ts";
import { SETTING } from "../schema/bot.ts";
import { TURN_STATE } from "../schema/messages.ts";

/** Name of the rows with keys; their scope is the key with its program. */
const NAME = "api-key";

const CALL = rows({
  called: optional(json<Called>()),
  userId: snowflake<"user">(),
  channelId: snowflake<"channel">(),
  agentId: text(),
  sessionKey: text(),
  state: TURN_STATE,
  failureId: optional(text()),
  answer: optional(text()),
  cost: optional(json<TurnCost>()),
  finishedAt: optional(integer()),
});
const ID = rows({ messageId: snowflake<"message">() });

const STATES: Readonly<Record<ReturnType<typeof CALL.read>["state"], StoredCall["state"]>> = {
  waiting: "open",
  running: "open",
  answered: "answered",
  declined: "declined",
  refused: "refused",
  failed: "failed",
  cancelled: "left",
  stopped: "stopped",
  interrupted: "stopped",
};

export function createPrograms({ database, sql, commit, read }: Transactions) {
  const insert = SETTING.prepareInsert(database, "ON CONFLICT DO NOTHING");
  const selectKept = sql.rows(SETTING.read)`
    SELECT * FROM setting WHERE account_id = ? AND scope = ? AND name = ?`;
  const prune = sql`DELETE FROM setting WHERE name = ? AND at < ?`;
  const select = sql`
    SELECT i.message ->> '$.called' AS called, i.message ->> '$.sender.id' AS user_id,
       i.message ->> '$.channelId' AS channel_id, i.agent_id, i.session_key, i.state, i.failure_id, i.cost, i.finished_at,
       (SELECT e.text FROM entry AS e
        WHERE e.session_key = i.session_key AND e.message_id = i.message_id
          AND e.role = 'assistant' ORDER BY e.id DESC LIMIT 1) AS answer
     FROM inbox AS i WHERE i.message_id = ?`;
  const selectNewest = sql.rows(ID.read)`
    SELECT message_id FROM entry WHERE session_key = ? AND role = 'assistant'
    ORDER BY id DESC LIMIT 1`;

  return {
    /**
     * Keeps the key of a call for a day.
     *
     * @returns The call that has the key: this one, or an earlier one.
     */
    keep: (
      { accountId, program, key, body, messageId }: KeyedCall,
      now: number,
    ): Promise<Pick<KeyedCall, "messageId" | "body">> =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        prune.run(NAME, now - DAY_MS);
        const scope = `${program} ${key}`;
        insert({ accountId, scope, name: NAME, value: `${messageId} ${body}`, at: now });
        const kept = selectKept.one(accountId, scope, NAME);
        const [first = "", rest = ""] = kept.value.split(" ");
        return { messageId: readSnowflake<"message">(first) ?? messageId, body: rest };
      }),
    /** A call; `undefined` if the inbox has no call with this id. */
    async find(messageId: MessageId): Promise<StoredCall | undefined> {
      const found = await read(() => {
        const row = select.get(messageId);
        return row && CALL.read(row);
      });
      if (!found?.called) return undefined;
      const { called, state: stored, ...rest } = found;
      const state = STATES[stored];
      // A program must get no answer that a takeover could undo.
      if (state !== "open") await commit(COMMIT_OPTIONS.BY_HAND, () => {});
      return { ...rest, called, state };
    },
    /** The newest call of a session that has left something in it; `undefined` if none has. */
    newestIn: (sessionKey: string): Promise<MessageId | undefined> =>
      read(() => selectNewest.get(sessionKey)?.messageId),
  };
}

interface KeyedCall {
  readonly accountId: AccountId;
  readonly program: string;
  readonly key: string;
  readonly body: string;
  readonly messageId: MessageId;
}

/** The cost and the end are absent before the end; there is no cost if no model was asked. */
export interface StoredCall extends Omit<ReturnType<typeof CALL.read>, "called" | "state"> {
  readonly called: Called;
  /** `failed` has all ends without an answer, apart from a spent budget. */
  readonly state: "open" | "answered" | "declined" | "refused" | "failed" | "stopped" | "left";
}
