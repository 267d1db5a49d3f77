/**
 * Names the version and the commit of this program.
 *
 * `scripts/compile.ts` writes both into a binary. A run from source has the version of `deno.json`, and
 * no commit.
 */

import project from "../deno.json" with { type: "json" };

declare const BARNACLE_VERSION: string | undefined;
declare const BARNACLE_COMMIT: string | undefined;

/** Version of the release, `"0.1.0"`; `"0.1.0-source"` if run from source. */
export const VERSION: string = typeof BARNACLE_VERSION === "string"
  ? BARNACLE_VERSION
  : `${project.version}-source`;

/** Short hash of the commit; empty if run from source, or if compiled outside a git clone. */
export const COMMIT: string = typeof BARNACLE_COMMIT === "string" ? BARNACLE_COMMIT : "";

/** Version and commit for people: `"0.1.0 (bcde0eba4f21)"`. */
export const BUILD_NAME: string = COMMIT === "" ? VERSION : `${VERSION} (${COMMIT})`;
