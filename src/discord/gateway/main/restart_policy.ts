/**
 * Decides whether and when a worker that died is restarted.
 *
 * The delay grows with each death of the last minutes. After too many deaths there is no restart:
 * the process should end rather than seem connected.
 *
 * @module
 */

import { backoffMs } from "../../../lib/network/backoff.ts";

/** The decision after a death. */
export type Restart =
  | { readonly kind: "restart"; readonly inMs: number }
  /** The worker died too often within {@link DEATHS_MS}. */
  | { readonly kind: "give_up"; readonly deaths: number };

/** The restart policy of one worker and its successors. */
export interface RestartPolicy {
  /** Counts a death, and decides. */
  died(): Restart;
  /** Number of deaths in this process. */
  readonly deaths: number;
}

/** Clock and randomness of the policy. */
export interface RestartPolicyPorts {
  /** Returns the Unix time in milliseconds. */
  now(): number;
  /** Returns a number from 0 up to, but not including, 1. */
  random(): number;
}

/** Deaths within {@link DEATHS_MS} after which there is no restart. */
export const MAX_DEATHS = 5;
/** Milliseconds for which a death counts. */
export const DEATHS_MS = 10 * 60_000;

const BACKOFF = { minDelayMs: 200, maxDelayMs: 10_000, base: 2 };

/** Creates a policy without deaths. */
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
