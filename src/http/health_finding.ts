/** Forms the findings of health, and writes them as the health format does. */

import { checkOf, figureText } from "../core/checks.ts";
import type { Finding } from "../core/finding.ts";

/** The result of a check of health, as the format names it. */
export type Status = "pass" | "warn" | "fail";

/** The result of a check of the running bot. `where` is an account, a shard or a channel. */
export interface HealthFinding extends Finding {
  readonly status: Status;
  /** The value that was judged; `why` has it in words. */
  readonly figure: string | number;
  /** Its unit; absent for a text. */
  readonly unit?: string;
  /** Whether a message sent now would be answered, as far as this check shows. */
  readonly isReady: boolean;
}

/** Forms a finding; it passes, and the bot is ready, unless `rest` says otherwise. */
export function healthFinding(
  id: string,
  figure: string | number,
  rest: Partial<Pick<HealthFinding, "where" | "unit" | "status" | "isReady">> = {},
): HealthFinding {
  const { what = id, fix } = checkOf(id) ?? {};
  return {
    id,
    what,
    status: "pass",
    isReady: true,
    ...rest,
    figure,
    why: figureText(id, figure, rest.unit),
    fix,
  };
}

/**
 * Judges a figure.
 *
 * @param warnAbove A greater value is a warning; above `failAbove`, a failure.
 */
export function gradeFigure(value: number, warnAbove: number, failAbove = Infinity): Status {
  if (value > failAbove) return "fail";
  return value > warnAbove ? "warn" : "pass";
}

export interface HealthCheck {
  /** Component and measurement, such as `"gateway:heartbeatAckAge"`. */
  readonly name: string;
  /** Account or shard; absent for the process. */
  readonly componentId?: string;
  readonly observedValue: string | number;
  /** Its unit; absent for a text. */
  readonly observedUnit?: string;
  readonly status: Status;
  /** As {@link HealthFinding.isReady}; beside the format. */
  readonly isReady: boolean;
}

export function toHealthCheck(
  { id, where, figure, unit, status, isReady }: HealthFinding,
): HealthCheck {
  return {
    name: id,
    componentId: where,
    observedValue: figure,
    observedUnit: unit,
    status,
    isReady,
  };
}

/** Reads a finding that {@link toHealthCheck} wrote. */
export function fromHealthCheck(
  { name, componentId: where, observedValue, observedUnit: unit, ...rest }: HealthCheck,
): HealthFinding {
  return healthFinding(name, observedValue, { ...rest, where, unit });
}
