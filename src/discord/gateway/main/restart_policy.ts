/**
 * Decides whether a worker that died is started again, and when.
 *
 * The wait grows with each death of the last minutes. A worker that dies again and again is given
 * up: the process had better end than pretend to be connected.
 *
 * @module
 */

import { backoffMs } from "../../../lib/network/backoff.ts";

export type Restart =
  | { readonly kind: "restart"; readonly inMs: number }
  /** It died so often within {@link DEATHS_MS}. */
  | { readonly kind: "give_up"; readonly deaths: number };

export interface RestartPolicy {
  /** Counts a death, and decides what follows. */
  died(): Restart;
  /** All of this process. */
  readonly deaths: number;
}

export interface RestartPolicyPorts {
  /** Unix time in milliseconds. */
  now(): number;
  random(): number;
}

/** Deaths within {@link DEATHS_MS} after which a worker is given up. */
export const MAX_DEATHS = 5;
export const DEATHS_MS = 10 * 60_000;

const BACKOFF = { minDelayMs: 200, maxDelayMs: 10_000, base: 2 };

export function createRestartPolicy({ now, random }: RestartPolicyPorts): RestartPolicy {
  let recent: readonly number[] = [];
  let deaths = 0;

  return {
    died() {
      deaths++;
      recent = [...recent.filter((at) => now() - at < DEATHS_MS), now()];
      if (recent.length >= MAX_DEATHS) return { kind: "give_up", deaths: recent.length };
      return { kind: "restart", inMs: backoffMs(recent.length, random(), BACKOFF) };
    },
    get deaths() {
      return deaths;
    },
  };
}
