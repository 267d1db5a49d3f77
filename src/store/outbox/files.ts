/**
 * The bytes of files on their way out.
 *
 * They are most of what a message weighs, so they go as soon as Discord has
 * them, and what is never sent brings none.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId } from "../../core/discord/ids.ts";
import type { OutboundFile } from "../../core/outbound/outbound.ts";
import { withoutControls } from "../../lib/text/controls.ts";

/** Each within a transaction of the caller's, but for `select`, which only reads. */
export interface OutboxFiles {
  insert(row: number, accountId: AccountId, files: readonly OutboundFile[]): void;
  /** In the order of sending. */
  select(row: number): readonly OutboundFile[];
  delete(row: number): void;
}

const fileSchema = z.object({
  name: z.string(),
  alt: z.string().nullable(),
  content_type: z.string().nullable(),
  bytes: z.instanceof(Uint8Array),
}).transform(({ name, alt, content_type, bytes }): OutboundFile => ({
  name,
  ...(alt !== null && { alt }),
  ...(content_type !== null && { contentType: content_type }),
  bytes: new Uint8Array(bytes), // SQLite's may lie in memory that is shared
}));

export function prepareOutboxFiles(database: DatabaseSync): OutboxFiles {
  const insert = database.prepare(
    `INSERT INTO outbox_file (outbox_row, position, account_id, name, alt, content_type, bytes)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const select = database.prepare(
    `SELECT name, alt, content_type, bytes FROM outbox_file
     WHERE outbox_row = ? ORDER BY position`,
  );
  const remove = database.prepare("DELETE FROM outbox_file WHERE outbox_row = ?");
  const clean = (text: string | undefined) => text === undefined ? null : withoutControls(text);
  return {
    insert(row, accountId, files) {
      for (const [position, { name, alt, contentType, bytes }] of files.entries()) {
        const words = [withoutControls(name), clean(alt), clean(contentType)];
        insert.run(row, position, accountId, ...words, bytes);
      }
    },
    select: (row) => select.all(row).map((file) => fileSchema.parse(file)),
    delete(row) {
      remove.run(row);
    },
  };
}
