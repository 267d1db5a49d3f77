/**
 * Reads folded entries of a session again, for the tool `recall`.
 *
 * Only entries since the last reset are found, and only those of the session itself.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import type { Transactions } from "../database/transact.ts";
import { entryColumns, toEntry } from "../turns/entry_rows.ts";
import type { Recalled } from "../../core/store/sessions.ts";

const rangeSchema = z.object({ after: column.number, up_to: column.number });
const matchesSchema = z.object({ matches: column.number });

/**
 * Creates the reader.
 *
 * @param database Open and migrated.
 */
export function createRecalled(
  database: DatabaseSync,
  { read }: Pick<Transactions, "read">,
): Recalled {
  const selectRange = database.prepare(
    `SELECT COALESCE((SELECT last_entry FROM checkpoint
                      WHERE session_key = :key AND kind = 'reset' ORDER BY id DESC LIMIT 1), 0)
              AS after,
            COALESCE((SELECT last_entry FROM checkpoint
                      WHERE session_key = :key ORDER BY id DESC LIMIT 1), 0) AS up_to`,
  );
  const matching = `FROM entry
     WHERE session_key = :key AND id > :after AND id <= :upTo
       AND (:ids = '[]' OR message_id IN (SELECT value FROM json_each(:ids)))
       AND NOT EXISTS (
         SELECT 1 FROM json_each(:words) AS w WHERE instr(lower(text), w.value) = 0
       )`;
  const select = database.prepare(
    `SELECT ${entryColumns} ${matching} ORDER BY id DESC LIMIT :limit`,
  );
  const count = database.prepare(`SELECT COUNT(*) AS matches ${matching}`);

  return {
    recall: (sessionKey, { messageIds, words, limit }) =>
      read(() => {
        const { after, up_to: upTo } = rangeSchema.parse(selectRange.get({ key: sessionKey }));
        const query = {
          key: sessionKey,
          after,
          upTo,
          ids: JSON.stringify(messageIds),
          words: JSON.stringify(words.map((word) => word.toLowerCase())),
        };
        return {
          entries: select.all({ ...query, limit }).map(toEntry).reverse(),
          matches: matchesSchema.parse(count.get(query)).matches,
        };
      }),
  };
}
