/**
 * Declares a health check, and judges a figure by limits.
 *
 * @module
 */

/** The result of a check, as the health format names it. */
export type Status = "pass" | "warn" | "fail";

/** One check of the bot's health. */
export interface Check {
  /** Component and measurement, such as `"gateway:heartbeatAckAge"`. */
  readonly name: string;
  /** Account or shard; absent for the process. */
  readonly componentId?: string;
  /** The value that was judged. */
  readonly observedValue: string | number;
  /** Its unit; absent for a text. */
  readonly observedUnit?: string;
  /** The result. */
  readonly status: Status;
  /** Whether a message sent now would be answered, as far as this check shows. */
  readonly isReady: boolean;
}

/**
 * Judges a figure.
 *
 * @param warnAbove A greater value is a warning; above `failAbove`, a failure.
 */
export function grade(value: number, warnAbove: number, failAbove = Infinity): Status {
  if (value > failAbove) return "fail";
  return value > warnAbove ? "warn" : "pass";
}
