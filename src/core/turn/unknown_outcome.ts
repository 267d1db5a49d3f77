/**
 * Says that a call of a tool has begun, and that its outcome is not known (T1).
 *
 * @module
 */

/** A tool may have done its work, or not: the connection to it was lost. */
export class UnknownOutcomeError extends Error {
  /** Name of the class, for logs. */
  override readonly name = "UnknownOutcomeError";
}
