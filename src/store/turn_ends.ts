/**
 * How turns end (T3), and what their sessions remember.
 *
 * The transcript, the frozen reply and the end of the message's wait are one
 * transaction. Only the claim that runs can end: where two ends come for one
 * message, by whatever fault, the first is stored and the second leaves nothing.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { FinishedTurn, StoredTurn } from "../core/inbox.ts";
import type { PlanQueue } from "../core/queue.ts";
import { snowflakeSchema } from "../core/snowflake_schema.ts";
import type { Entry } from "../core/transcript.ts";
import { withoutControls } from "../lib/controls.ts";
import { TERMS } from "./terms.ts";
import type { Transactions } from "./transact.ts";
import { prepareAddTurn } from "./turn_outbox.ts";

export interface TurnEnds {
  /**
   * The newest entries of a session, oldest first: no more than `limit`, and of one whose texts
   * are longer than `maxChars` together no more than fit. Reading stops there, so that a turn
   * costs the same in a session of a thousand turns as in one of ten.
   *
   * @param maxChars UTF-16 units.
   */
  entriesOf(sessionKey: string, limit: number, maxChars?: number): Promise<readonly Entry[]>;
  /**
   * T3.
   *
   * @param now Unix time in milliseconds.
   * @param queue What a full queue does; without it none is ever full.
   */
  finishTurn(turn: FinishedTurn, now: number, queue?: PlanQueue): Promise<StoredTurn>;
}

const NOT_STORED: StoredTurn = { stored: false, folded: 0, dropped: 0 };

const entrySchema = z.object({
  role: z.enum(["user", "assistant"]),
  text: z.string(),
  message_id: snowflakeSchema<"message">(),
  at: z.number(),
});

/** @param database Open, migrated, and owned by the caller. */
export function createTurnEnds(database: DatabaseSync, { commit, read }: Transactions): TurnEnds {
  const addTurn = prepareAddTurn(database);
  const selectEntries = database.prepare(
    `SELECT role, text, message_id, at FROM entry
     WHERE session_key = ? ORDER BY id DESC LIMIT ?`,
  );
  const insertEntry = database.prepare(
    `INSERT INTO entry (agent_id, session_key, channel_id, role, text, message_id, at)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const finish = database.prepare(
    `UPDATE inbox SET state = ?, finished_at = ?, failure_id = ?, failure = ?
     WHERE message_id = ? AND attempt = ? AND state = 'running'`,
  );

  function store(turn: FinishedTurn, now: number, queue: PlanQueue | undefined): StoredTurn {
    const { claim, end, entries } = turn;
    const { message, route: { agentId, sessionKey }, attempt } = claim;
    const [failureId, reason] = end.kind === "failed" ? [end.failureId, end.reason] : [null, null];
    const { changes } = finish.run(end.kind, now, failureId, reason, message.id, attempt);
    if (changes === 0) return NOT_STORED;
    for (const { role, text, messageId, at } of entries) {
      const clean = withoutControls(text);
      insertEntry.run(agentId, sessionKey, message.channelId, role, clean, messageId, at);
    }
    return { stored: true, ...addTurn(turn, now, queue) };
  }

  return {
    entriesOf: (sessionKey, limit, maxChars = Infinity) =>
      read(() => newest(selectEntries.iterate(sessionKey, limit), maxChars).reverse()),
    finishTurn: (turn, now, queue) => commit(TERMS.T3, () => store(turn, now, queue)),
  };
}

/** The first rows whose texts fit. To leave the loop early resets the statement. */
function newest(rows: Iterable<unknown>, maxChars: number): Entry[] {
  const entries: Entry[] = [];
  let chars = 0;
  for (const row of rows) {
    const entry = toEntry(row);
    chars += entry.text.length;
    if (chars > maxChars) break;
    entries.push(entry);
  }
  return entries;
}

function toEntry(row: unknown): Entry {
  const { message_id, ...rest } = entrySchema.parse(row);
  return { ...rest, messageId: message_id };
}
