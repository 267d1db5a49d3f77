/**
 * Tells objects from other JSON values.
 *
 * @module
 */

/** Whether a value has fields: an object or a list, not `null`. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
