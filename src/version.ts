/**
 * Names the version and the commit of this program, and where its releases are.
 *
 * `scripts/compile.ts` writes these values into a binary. A run from source has the version of
 * `deno.json`, and none of the others. No variable of the environment changes them: a program that
 * could be told another release key would install any file.
 */

import project from "../deno.json" with { type: "json" };

declare const BARNACLE_VERSION: string | undefined;
declare const BARNACLE_COMMIT: string | undefined;
declare const BARNACLE_PLATFORM: string | undefined;
declare const BARNACLE_RELEASE_KEY: string | undefined;

/** Version of the release, `"1.0.0"`; `"1.0.0-source"` if run from source. */
export const VERSION: string = typeof BARNACLE_VERSION === "string"
  ? BARNACLE_VERSION
  : `${project.version}-source`;

/** Short hash of the commit; empty if run from source, or if compiled outside a git clone. */
export const COMMIT: string = typeof BARNACLE_COMMIT === "string" ? BARNACLE_COMMIT : "";

/** Version and commit for people: `"1.0.0 (bcde0eba4f21)"`. */
export const BUILD_NAME: string = COMMIT === "" ? VERSION : `${VERSION} (${COMMIT})`;

/** Platform of the release's file, `"linux-x64-musl"`; empty if the binary is of this machine. */
export const PLATFORM: string = typeof BARNACLE_PLATFORM === "string" ? BARNACLE_PLATFORM : "";

/** The public key of releases, as minisign writes it; empty until there is one. */
export const RELEASE_KEY: string = typeof BARNACLE_RELEASE_KEY === "string"
  ? BARNACLE_RELEASE_KEY
  : "";

/**
 * Address of the releases, such as `"https://github.com/OWNER/REPOSITORY/releases"`; empty until the
 * project has one.
 */
export const RELEASES_URL: string = "";

/** Address of the project. Until it has one, that of README. */
export const HOMEPAGE: string = RELEASES_URL === ""
  ? "https://github.com/OWNER/REPOSITORY"
  : RELEASES_URL.replace(/\/releases$/, "");
