/**
 * Stores the bytes of unsent files.
 *
 * Files are most of a message's size. So they are deleted as soon as Discord has them, and a
 * message that will never be sent stores none. A spoiler is kept as Discord's older mark, the
 * beginning of its name, so that it needs no column.
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { OutboundFile } from "../../core/outbound/outbound.ts";
import { withoutControls } from "../../lib/text/quoted.ts";

/** Discord's older mark of a spoiler. It hides such a file with and without the field. */
const SPOILER = "SPOILER_";

const isMarked = (name: string): boolean =>
  name.startsWith(SPOILER) && name.length > SPOILER.length;

const fileSchema = z.object({
  name: column.text,
  alt: column.textOrNull,
  content_type: column.textOrNull,
  bytes: z.instanceof(Uint8Array),
}).transform(({ name, alt, content_type, bytes }): OutboundFile => ({
  name: isMarked(name) ? name.slice(SPOILER.length) : name,
  alt: alt ?? undefined,
  isSpoiler: isMarked(name) || undefined,
  contentType: content_type ?? undefined,
  bytes: new Uint8Array(bytes), // a copy, because SQLite's bytes may be in shared memory
}));

/** Prepares the statements for files. */
export function prepareOutboxFiles(database: DatabaseSync) {
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
    /** Stores the files of a row, in the order of sending. `row` is its number. */
    insert(row: number, accountId: AccountId, files: readonly OutboundFile[]): void {
      for (const [position, { name, alt, isSpoiler, contentType, bytes }] of files.entries()) {
        const marked = isSpoiler ? `${SPOILER}${name}` : name;
        const words = [withoutControls(marked), clean(alt), clean(contentType)];
        insert.run(row, position, accountId, ...words, bytes);
      }
    },
    /** The files of a row, in the order of sending; none if they are deleted. */
    select: (row: number): readonly OutboundFile[] =>
      select.all(row).map((file) => fileSchema.parse(file)),
    /** Deletes the files of a row, if there are any. */
    delete(row: number): void {
      remove.run(row);
    },
  };
}
