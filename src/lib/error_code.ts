/**
 * The name by which the system, or a runtime, tells one failure from another.
 *
 * The words of a message differ between systems and runtimes, and may hold a path
 * or a URL; the code does not.
 *
 * @module
 */

/** @returns `"ENOENT"`; `undefined` where what was thrown has no such name. */
export function codeOf(thrown: unknown): string | undefined {
  const hasCode = typeof thrown === "object" && thrown !== null && "code" in thrown;
  return hasCode && typeof thrown.code === "string" ? thrown.code : undefined;
}
