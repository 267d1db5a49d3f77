/**
 * Which Barnacle this is.
 *
 * The compiler replaces both names; run from source there is nothing to
 * replace, and the version says so.
 *
 * @module
 */

declare const BARNACLE_VERSION: string | undefined;
declare const BARNACLE_COMMIT: string | undefined;

export const VERSION: string = typeof BARNACLE_VERSION === "string"
  ? BARNACLE_VERSION
  : "0.0.0-source";

/** Short hash of the commit; empty where it is not known. */
export const COMMIT: string = typeof BARNACLE_COMMIT === "string" ? BARNACLE_COMMIT : "";
