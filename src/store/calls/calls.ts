/**
 * `store.calls`: reads calls of programs from the inbox, and keeps their keys (O14).
 *
 * A key is a row of `setting`, so it needs no table of its own. Keys are read by nothing else, and
 * each new one deletes those that are older than a day.
 */

import type { Called } from "../../core/calls/called.ts";
import type { StoredCall, StoredCalls } from "../../core/calls/stored.ts";
import { readSnowflake } from "../../core/discord/ids.ts";
import { TURN_STATES } from "../../core/inbound/inbox.ts";
import type { TurnState } from "../../core/store/received.ts";
import type { TurnCost } from "../../core/spending/usage.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { integer, json, oneOf, optional, rows, snowflake, text } from "../schema/columns.ts";
import { SETTING } from "../schema/bot.ts";

/** Name of the rows with keys; their scope is the key with its program. */
const NAME = "api-key";

const CALL = rows({
  called: optional(json<Called>()),
  userId: snowflake<"user">(),
  agentId: text(),
  sessionKey: text(),
  state: oneOf(...TURN_STATES),
  failureId: optional(text()),
  answer: optional(text()),
  cost: optional(json<TurnCost>()),
  finishedAt: optional(integer()),
});
const ID = rows({ messageId: snowflake<"message">() });

const STATES: Readonly<Record<TurnState, StoredCall["state"]>> = {
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

/** Creates the namespace. */
export function createCalls({ database, sql, commit, read }: Transactions): StoredCalls {
  const insert = SETTING.prepareInsert(database, "ON CONFLICT DO NOTHING");
  const selectKept = sql.rows(SETTING.read)`
    SELECT * FROM setting WHERE account_id = ? AND scope = ? AND name = ?`;
  const prune = sql`DELETE FROM setting WHERE name = ? AND at < ?`;
  const select = sql`
    SELECT i.message ->> '$.called' AS called, i.message ->> '$.sender.id' AS user_id, i.agent_id,
       i.session_key, i.state, i.failure_id, i.cost, i.finished_at,
       (SELECT e.text FROM entry AS e
        WHERE e.session_key = i.session_key AND e.message_id = i.message_id
          AND e.role = 'assistant' ORDER BY e.id DESC LIMIT 1) AS answer
     FROM inbox AS i WHERE i.message_id = ?`;
  const selectNewest = sql.rows(ID.read)`
    SELECT message_id FROM entry WHERE session_key = ? AND role = 'assistant'
    ORDER BY id DESC LIMIT 1`;

  return {
    keep: ({ accountId, program, key, body, messageId }, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        prune.run(NAME, now - DAY_MS);
        const scope = `${program} ${key}`;
        insert({ accountId, scope, name: NAME, value: `${messageId} ${body}`, at: now });
        const kept = selectKept.one(accountId, scope, NAME);
        const [first = "", rest = ""] = kept.value.split(" ");
        return { messageId: readSnowflake<"message">(first) ?? messageId, body: rest };
      }),
    async find(messageId) {
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
    newestIn: (sessionKey) => read(() => selectNewest.get(sessionKey)?.messageId),
  };
}
