import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A temporary directory for one test, deleted on disposal: `using directory = …`.
 *
 * @param parent The system's folder for temporary files by default.
 */
export function tempDirectory(
  parent: string = tmpdir(),
): Disposable & { readonly path: string } {
  const path = realpathSync(mkdtempSync(join(parent, "barnacle-test-")));
  return {
    path,
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
