/**
 * Faults of the process itself that a test may call up (G14).
 *
 * `BARNACLE_FAULT=block_main:5000` makes each SIGUSR2 hold the main thread for
 * five seconds, as a bad regular expression would: nothing else runs on it then.
 * The variable is read only where a simulated Discord is in place, and it is a
 * signal that strikes, so that a test says when.
 *
 * @module
 */

import process from "node:process";

export interface Fault {
  readonly kind: "block_main";
  /** Milliseconds, up to a minute. */
  readonly ms: number;
}

const MAX_MS = 60_000;

/**
 * Reads the fault from the environment.
 *
 * @returns `undefined` where none is set, or none is to be heeded.
 * @throws {SyntaxError} If it is none: a test without its fault proves nothing.
 */
export function readFault(env: Readonly<Record<string, string | undefined>>): Fault | undefined {
  const text = env["BARNACLE_FAULT"];
  if (!text || !env["DISCORD_API_URL"]) return undefined;
  const ms = Number(/^block_main:([1-9]\d{0,4})$/.exec(text)?.[1]);
  if (ms <= MAX_MS) return { kind: "block_main", ms };
  throw new SyntaxError(
    `Not a fault: "${text}". It takes block_main:<milliseconds>, up to ${MAX_MS}`,
  );
}

/** Lets the fault strike at each SIGUSR2. */
export function armFault({ ms }: Fault): void {
  process.on("SIGUSR2", () => burn(ms));
}

/** Keeps this thread busy: work that never yields, not a sleep that the runtime might share out. */
function burn(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
