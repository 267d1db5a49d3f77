/**
 * Detects that the database file was removed or replaced.
 *
 * The open file keeps working without a name. Without this check, all stored data would be lost
 * silently when the process ends.
 *
 * @module
 */

import { statSync } from "node:fs";
import { StoreError } from "./store_error.ts";

/**
 * Remembers the file that has this name now.
 *
 * @param path The database file. `":memory:"` and other names without a file always pass.
 * @returns A check that throws a {@link StoreError} of kind `gone` once the name belongs to another
 * file, or to none.
 */
export function watchFile(path: string): () => void {
  const opened = identityOf(path);
  return () => {
    if (opened === undefined || identityOf(path) === opened) return;
    throw new StoreError(
      `The database ${path} was removed or replaced while Barnacle uses it; all stored data is ` +
        "lost when Barnacle stops. If the file was moved, put it back; " +
        "otherwise restart to begin with a new one",
      { kind: "gone", path },
    );
  };
}

function identityOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && `${stats.dev}:${stats.ino}`;
}
