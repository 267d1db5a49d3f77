/**
 * Causes faults of the process for tests (G14): its death at a named point, so that tests meet each row
 * of the crash table on purpose, or a main thread that stands still.
 *
 * `BARNACLE_CRASH_AT=after:T3:17` kills the process after the 17th commit of T3. With
 * `BARNACLE_FAULT=block_main:5000`, each SIGUSR2 blocks the main thread for five seconds, as a bad
 * regular expression would. Barnacle reads the variables only with a simulated Discord: a forgotten one
 * never kills a real bot.
 */

import process from "node:process";
import type { Env } from "../../lib/env.ts";

const TRANSACTIONS = ["T0", "T1", "T2", "TS", "T3", "T4", "T5"] as const;
/**
 * Moments between them: Discord has answered a request; the model has answered; a command has asked
 * over the socket; its request is carried out, and not answered.
 */
const MOMENTS = ["posted", "answered", "asked", "carriedOut"] as const;

type CrashTransaction = (typeof TRANSACTIONS)[number];
export type CrashMoment = (typeof MOMENTS)[number];

interface CrashPoint {
  /** Such as `"before:T3"`, `"after:T3"` or `"posted"`. */
  readonly place: string;
  /** The count of the fatal passage, from 1. */
  readonly passage: number;
}

const PLACES: readonly string[] = [
  ...TRANSACTIONS.flatMap((name) => [`before:${name}`, `after:${name}`]),
  ...MOMENTS,
];

/**
 * Reads a crash point from the environment.
 *
 * @returns `undefined` if none is set, or Discord is not simulated.
 * @throws {SyntaxError} If the value is malformed: a test that kills nothing proves nothing.
 */
export function readCrashPoint(env: Env): CrashPoint | undefined {
  const text = env["BARNACLE_CRASH_AT"];
  return text && env["DISCORD_API_URL"] ? parseCrashPoint(text) : undefined;
}

/**
 * Parses a crash point.
 *
 * @param text `"before:T3"`, `"after:T3:17"`, `"posted:2"`; the default count is 1.
 * @throws {SyntaxError} If the text is malformed.
 */
export function parseCrashPoint(text: string): CrashPoint {
  const [, place = "", count = "1"] = /^(.*?)(?::([1-9]\d{0,8}))?$/.exec(text) ?? [];
  if (!PLACES.includes(place)) {
    throw new SyntaxError(
      `Not a crash point: "${text}". It takes one of ${PLACES.join(", ")}, ` +
        'and may end in the number of the passage, as "after:T3:17" does',
    );
  }
  return { place, passage: Number(count) };
}

/**
 * Creates the points that the program passes.
 *
 * @param point Where to die; if absent, the process lives.
 * @param kill Ends the process at once, without flushing or closing anything.
 */
export function createCrashPoints(
  point: CrashPoint | undefined,
  kill: () => void = killThisProcess,
) {
  let passages = 0;
  const pass = (place: string) => {
    if (place === point?.place && ++passages === point.passage) kill();
  };
  return {
    before: (name: CrashTransaction): void => pass(`before:${name}`),
    after: (name: CrashTransaction): void => pass(`after:${name}`),
    at: (moment: CrashMoment): void => pass(moment),
  };
}

export type CrashPoints = ReturnType<typeof createCrashPoints>;

/** Kills the process as a power cut would: the kernel runs none of its code after that. */
function killThisProcess(): void {
  process.kill(process.pid, "SIGKILL");
}

interface InjectedFault {
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
export function readFault(env: Env): InjectedFault | undefined {
  const text = env["BARNACLE_FAULT"];
  if (!text || !env["DISCORD_API_URL"]) return undefined;
  const ms = Number(/^block_main:([1-9]\d{0,4})$/.exec(text)?.[1]);
  if (ms <= MAX_MS) return { kind: "block_main", ms };
  throw new SyntaxError(
    `Not a fault: "${text}". It takes block_main:<milliseconds>, up to ${MAX_MS}`,
  );
}

/** Causes the fault at each SIGUSR2. */
export function armFault({ ms }: InjectedFault): void {
  process.on("SIGUSR2", () => standStill(ms));
}

/** Blocks this thread: the runtime runs nothing else on it meanwhile, and the processor is free. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
