/**
 * Notices that the database's file was removed, or another put in its place.
 *
 * The open file goes on working without a name, so nothing else would say that
 * all that is stored is lost with the process.
 *
 * @module
 */

import { statSync } from "node:fs";
import { StoreError } from "./store_error.ts";

/**
 * @param path The file as it is now; what is no file, such as `":memory:"`, cannot be lost.
 * @returns Throws a {@link StoreError} once the file under that name is another one, or none.
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
