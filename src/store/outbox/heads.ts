/**
 * Finds the next row of each channel in the outbox, and its files.
 *
 * The queues of known channels are in memory (`memory/send_queues.ts`). The rows of all other channels
 * are read from the tables.
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId, ChannelId } from "../../core/discord/ids.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Outgoing } from "../memory/send_queues.ts";
import { prepareOutboxFiles } from "./files.ts";
import { isNotParked } from "./attempts.ts";
import {
  JOIN_DRAFT,
  prepareHoldDamaged,
  readOutboxRow,
  ROW_COLUMNS,
  storedMessageSchema,
} from "./rows.ts";
import type { Heads } from "../../core/store/outbox.ts";

const messageSchema = z.object({ message: storedMessageSchema });

const knownSchema = z.object({ message_id: snowflakeSchema<"message">() });

/** Creates the reader of rows. */
export function createHeads(
  database: DatabaseSync,
  { read, readUnjournaled, commit }: Transactions,
  outgoing: Outgoing,
): Heads {
  const { queues } = outgoing;
  const files = prepareOutboxFiles(database);
  const selectRow = `SELECT ${ROW_COLUMNS} FROM outbox AS o ${JOIN_DRAFT}`;
  const selectHeads = database.prepare(
    `${selectRow}
     WHERE o.id IN (
       SELECT MIN(u.id) FROM outbox AS u
       WHERE u.account_id = :accountId AND u.state IN ('pending', 'sending') AND ${isNotParked("u")}
       GROUP BY u.channel_id
     )
     ORDER BY o.id`,
  );
  const selectHead = database.prepare(
    `${selectRow}
     WHERE o.account_id = :accountId AND o.channel_id = :channelId
       AND o.state IN ('pending', 'sending') AND ${isNotParked("o")}
     ORDER BY o.id LIMIT 1`,
  );
  const holdDamaged = prepareHoldDamaged(database);
  const selectKnown = database.prepare(
    `SELECT message_id FROM outbox
     WHERE message_id IN (SELECT value FROM json_each(?)) AND channel_id = ?`,
  );
  const selectMessages = database.prepare("SELECT message FROM outbox WHERE message_id = ?");

  /** The head of a channel as the tables have it. */
  function headOf(accountId: AccountId, channelId: ChannelId): readonly unknown[] {
    const row = selectHead.get({ accountId, channelId });
    if (row) return [row];
    outgoing.checkChannel(accountId, channelId);
    return [];
  }

  /** Selects rows until none is damaged. A damaged index may show a held row again. */
  async function readRows(select: () => readonly unknown[]): Promise<readonly OutboxRow[]> {
    const held = new Set<unknown>();
    for (;;) {
      const found = await read(() => select().map((row) => ({ row, data: readOutboxRow(row) })));
      const damaged = found.flatMap(({ row, data }) => data ? [] : [row]);
      const isNew = damaged.some((row) => !held.has(JSON.stringify(row)));
      if (!isNew) return found.flatMap(({ data }) => data ?? []);
      for (const row of damaged) held.add(JSON.stringify(row));
      await commit(COMMIT_OPTIONS.BY_HAND, () => damaged.forEach(holdDamaged));
    }
  }

  return {
    async heads(accountId, channels) {
      if (!channels) {
        queues.forget(accountId);
        return await readRows(() => selectHeads.all({ accountId }));
      }
      const rows: OutboxRow[] = [];
      const unknown: ChannelId[] = [];
      for (const channelId of channels) {
        const queue = queues.queueOf(accountId, channelId);
        const first = queue?.waiting[0];
        if (!queue) unknown.push(channelId);
        else if (first?.isStored) rows.push(first.row);
      }
      if (unknown.length === 0) return rows;
      const others = await readRows(() =>
        unknown.flatMap((channelId) => headOf(accountId, channelId))
      );
      return [...rows, ...others];
    },
    // The files of a row that waits are in the table, even if the row is in the journal only.
    filesOf: ({ id, fileCount }) => readUnjournaled(() => fileCount === 0 ? [] : files.select(id)),
    // A draft and the answer that replaced it have the same id; a draft has no footer.
    footerOf: (messageId) =>
      read(() =>
        selectMessages.all(messageId)
          .map((row) => messageSchema.safeParse(row).data?.message.footer)
          .find((footer) => footer !== undefined)
      ),
    known: (channelId, messageIds) =>
      read(() => {
        const rows = selectKnown.all(JSON.stringify(messageIds), channelId);
        return new Set(rows.map((row) => knownSchema.parse(row).message_id));
      }),
  };
}
