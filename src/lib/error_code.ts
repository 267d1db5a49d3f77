/**
 * Reads the code by which the system, or a runtime, names a failure.
 *
 * Message texts differ between systems and runtimes, and may contain a path or a URL. The code does
 * not.
 *
 * @module
 */

/**
 * Reads the `code` property of a thrown value.
 *
 * @returns `"ENOENT"`, for example; `undefined` if the value has no such string.
 */
export function codeOf(thrown: unknown): string | undefined {
  const hasCode = typeof thrown === "object" && thrown !== null && "code" in thrown;
  return hasCode && typeof thrown.code === "string" ? thrown.code : undefined;
}
