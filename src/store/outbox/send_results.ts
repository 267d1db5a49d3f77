/**
 * Reads how deliveries ended, for programs that wait for them, such as `barnacle send`.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Transactions } from "../database/transact.ts";
import type { SendResult, SendResults } from "../../core/store/outbox.ts";

const rowSchema = z.object({
  id: column.number,
  state: column.text,
  message_id: snowflakeSchema<"message">().nullable(),
  reason: column.textOrNull,
});

/**
 * Creates the reader of results.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createSendResults(database: DatabaseSync, { read }: Transactions): SendResults {
  const select = database.prepare(
    `WITH RECURSIVE result (id, row) AS (
       SELECT value, value FROM json_each(?)
       UNION ALL
       SELECT r.id, o.folded_into FROM result AS r JOIN outbox AS o ON o.id = r.row
       WHERE o.state = 'folded'
     )
     SELECT r.id, o.state, o.message_id, COALESCE(p.reason, o.refusal) AS reason
     FROM result AS r JOIN outbox AS o ON o.id = r.row AND o.state <> 'folded'
     LEFT JOIN parked_channel AS p ON p.account_id = o.account_id AND p.channel_id = o.channel_id
       AND p.is_parked = 1
     ORDER BY r.id`,
  );
  return {
    sendResultsOf: (ids) => read(() => select.all(JSON.stringify(ids)).map(toSendResult)),
  };
}

function toSendResult(row: unknown): SendResult {
  const { id, state, message_id, reason } = rowSchema.parse(row);
  if (state === "sent") return { id, kind: "sent", messageId: message_id || undefined };
  return { id, kind: KINDS.get(state) ?? "failed", reason: reason ?? undefined };
}

const KINDS: ReadonlyMap<string, "waits" | "held"> = new Map([
  ["pending", "waits"],
  ["sending", "waits"],
  ["uncertain", "held"],
]);
