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
import type { FinishedTurn } from "../core/inbox.ts";
import { snowflakeSchema } from "../core/snowflake_schema.ts";
import type { Entry } from "../core/transcript.ts";
import { withoutControls } from "../lib/controls.ts";
import { prepareAddToOutbox } from "./outbox.ts";
import { TERMS } from "./terms.ts";
import type { Transactions } from "./transact.ts";

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
   * @returns Whether it is stored: not if this claim does not run any more.
   */
  finishTurn(turn: FinishedTurn, now: number): Promise<boolean>;
}

const entrySchema = z.object({
  role: z.enum(["user", "assistant"]),
  text: z.string(),
  message_id: snowflakeSchema<"message">(),
  at: z.number(),
});

/** @param database Open, migrated, and owned by the caller. */
export function createTurnEnds(database: DatabaseSync, { commit, read }: Transactions): TurnEnds {
  const addToOutbox = prepareAddToOutbox(database);
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

  function store({ claim, end, entries, outbox }: FinishedTurn, now: number): boolean {
    const { message, route: { agentId, sessionKey }, attempt } = claim;
    const [failureId, reason] = end.kind === "failed" ? [end.failureId, end.reason] : [null, null];
    const { changes } = finish.run(end.kind, now, failureId, reason, message.id, attempt);
    if (changes === 0) return false;
    for (const { role, text, messageId, at } of entries) {
      const clean = withoutControls(text);
      insertEntry.run(agentId, sessionKey, message.channelId, role, clean, messageId, at);
    }
    addToOutbox(outbox, now);
    return true;
  }

  return {
    entriesOf: (sessionKey, limit, maxChars = Infinity) =>
      read(() => newest(selectEntries.iterate(sessionKey, limit), maxChars).reverse()),
    finishTurn: (turn, now) => commit(TERMS.T3, () => store(turn, now)),
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
