/**
 * Notices that the database's file was removed or replaced.
 *
 * The open file goes on working without a name. Without this check, all stored data would be lost
 * with the process and without a sign.
 *
 * @module
 */

import { statSync } from "node:fs";
import { StoreError } from "./store_error.ts";

/**
 * Remembers the file that has this name now.
 *
 * @param path The database's file. `":memory:"` and other names without a file are never lost.
 * @returns Throws a {@link StoreError} of kind `gone` once the name has another file, or none.
 */
export function watchFile(path: string): () => void {
  const opened = identityOf(path);
  return () => {
    if (opened === undefined || identityOf(path) === opened) return;
    throw new StoreError(
      `The database ${path} was removed or replaced while Barnacle uses it; what is stored is lost ` +
        "when it stops. Put the file back if it was moved, or restart to begin anew",
      { kind: "gone", path },
    );
  };
}

function identityOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}
