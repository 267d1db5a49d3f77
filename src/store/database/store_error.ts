/**
 * Classifies failures of the store by the next step of the operator or the bot.
 *
 * SQLite's result code is the best source. But Deno gives the code only for errors of a running
 * statement, not for errors of opening, preparing and `exec()`. The text of an error is SQLite's
 * own in every case, so it decides if there is no code.
 */

import { codeOf, PathError } from "../../lib/errors.ts";
import { printable } from "../../lib/text/quoted.ts";
import type { StoreErrorKind } from "../../core/store/store.ts";

/**
 * A failure of the disk or of the database file, never of the work. Nothing of the work is stored.
 */
export class StoreError extends PathError<StoreErrorKind> {
  override readonly name = "StoreError";
}

/**
 * SQLite's primary result codes for failures of the environment, with the beginning of their texts.
 */
const RESULTS: readonly (readonly [code: number, text: string, kind: StoreErrorKind])[] = [
  [5, "database is locked", "unavailable"],
  [6, "database table is locked", "unavailable"],
  [8, "attempt to write a readonly database", "unavailable"],
  [10, "disk I/O error", "unavailable"],
  [11, "database disk image is malformed", "damaged"],
  [11, "malformed database schema", "damaged"],
  [13, "database or disk is full", "full"],
  [14, "unable to open database file", "unavailable"],
  [26, "file is not a database", "damaged"],
];

/** The same for `node:fs`, which copies the file before a migration. */
const FILE_RESULTS: Readonly<Record<string, StoreErrorKind>> = {
  EISDIR: "unavailable",
  ENOSPC: "full",
  EDQUOT: "full",
  EIO: "unavailable",
  EROFS: "unavailable",
  EACCES: "unavailable",
  EPERM: "unavailable",
};

/**
 * Makes a {@link StoreError} from an error of SQLite or of the file system.
 *
 * @returns `thrown` itself if the disk did not fail: a violated constraint, or a bug of ours.
 */
export function toStoreError(thrown: unknown, path: string): unknown {
  if (!(thrown instanceof Error) || thrown instanceof StoreError) return thrown;
  const kind = kindOf(thrown);
  if (!kind) return thrown;
  return new StoreError(messageOf(kind, thrown.message, path), { kind, path, cause: thrown });
}

/** Whether an error of SQLite says that the disk refuses for now; the same work may succeed later. */
export function isOfDisk(thrown: unknown): boolean {
  const kind = thrown instanceof Error ? kindOf(thrown) : undefined;
  return kind === "full" || kind === "unavailable";
}

/** Maximum length of SQLite's text in a message. */
const REASON_CHARS = 200;

/**
 * The schema is always complete, so a part that is missing shows damage; and so does a number of SQLite's
 * own that is in use.
 */
const DAMAGE =
  /^(?:no such (?:table|column|index)\b|table \S+ has no column named |UNIQUE constraint failed: outbox\.id$)/;

function kindOf(thrown: Error): StoreErrorKind | undefined {
  if (DAMAGE.test(thrown.message)) return "damaged";
  if ("errcode" in thrown && typeof thrown.errcode === "number") {
    const code = thrown.errcode & 0xff; // the other bits tell SQLite's action
    return RESULTS.find(([known]) => known === code)?.[2];
  }
  return FILE_RESULTS[codeOf(thrown) ?? ""] ??
    RESULTS.find(([, text]) => thrown.message.startsWith(text))?.[2];
}

/** @param text SQLite's; it quotes the schema of a damaged file, with line ends. */
function messageOf(kind: StoreErrorKind, text: string, path: string): string {
  const reason = printable(text.length > REASON_CHARS ? `${text.slice(0, REASON_CHARS)}…` : text);
  switch (kind) {
    case "damaged":
      return `The database ${path} is damaged (${reason}). It stays unchanged. ` +
        "`barnacle restore <file> --force` installs a backup, and keeps this file; to start anew, " +
        "choose another directory with --data";
    case "full":
      return `Cannot write to ${path}: the disk is full (${reason}); free some space on it`;
    case "gone":
    case "newer":
    case "unwritable":
    case "unavailable":
      return `Cannot use the database ${path} now (${reason}); ` +
        "check that the disk is mounted, writable and not full, and that no other program uses the file";
  }
}
