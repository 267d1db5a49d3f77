/**
 * One check of the bot's health, and how a figure becomes a verdict.
 *
 * @module
 */

export type Status = "pass" | "warn" | "fail";

export interface Check {
  /** Component and measurement: `"gateway:heartbeatAckAge"`. */
  readonly name: string;
  readonly componentId?: string;
  readonly observedValue: string | number;
  readonly observedUnit?: string;
  readonly status: Status;
  /** Whether, as far as this goes, a message sent now would be answered. */
  readonly isReady: boolean;
}

/** @param warnAbove A value above it is worth a warning; `failAbove`, a failure. */
export function grade(value: number, warnAbove: number, failAbove = Infinity): Status {
  if (value > failAbove) return "fail";
  return value > warnAbove ? "warn" : "pass";
}
