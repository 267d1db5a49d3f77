/**
 * Causes faults of the process itself for tests (G14).
 *
 * With `BARNACLE_FAULT=block_main:5000`, each SIGUSR2 blocks the main thread for five seconds, as a
 * bad regular expression would. Barnacle reads the variable only with a simulated Discord. The
 * signal lets a test choose the moment.
 *
 * @module
 */

import type { Env } from "../../lib/env.ts";
import process from "node:process";

/** A fault to cause. */
export interface Fault {
  /** Kind of the fault: the main thread stands still. */
  readonly kind: "block_main";
  /** Milliseconds, up to a minute. */
  readonly ms: number;
}

const MAX_MS = 60_000;

/**
 * Reads the fault from the environment.
 *
 * @returns `undefined` if none is set, or Discord is not simulated.
 * @throws {SyntaxError} If the value is malformed: a test without its fault proves nothing.
 */
export function readFault(env: Env): Fault | undefined {
  const text = env["BARNACLE_FAULT"];
  if (!text || !env["DISCORD_API_URL"]) return undefined;
  const ms = Number(/^block_main:([1-9]\d{0,4})$/.exec(text)?.[1]);
  if (ms <= MAX_MS) return { kind: "block_main", ms };
  throw new SyntaxError(
    `Not a fault: "${text}". It takes block_main:<milliseconds>, up to ${MAX_MS}`,
  );
}

/** Causes the fault at each SIGUSR2. */
export function armFault({ ms }: Fault): void {
  process.on("SIGUSR2", () => burn(ms));
}

/** Keeps this thread busy. A sleep would let the runtime run other work. */
function burn(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
