/**
 * Named points at which a test may kill the process (G14), so that each row of
 * the crash table is met on purpose and not by luck.
 *
 * `BARNACLE_CRASH_AT=after:T3:17` kills it at the 17th time that T3 has been
 * committed. The variable is read only where a simulated Discord is in place:
 * nobody's real bot dies of a forgotten one.
 *
 * @module
 */

import process from "node:process";

/** The transactions of the crash table; in TJ the tables catch up with the journal. */
const TRANSACTIONS = ["T0", "T1", "T2", "T3", "T4", "T5", "TJ"] as const;
/** Moments between them: Discord has answered a request; the model has answered. */
const MOMENTS = ["posted", "answered"] as const;

export type CrashTransaction = (typeof TRANSACTIONS)[number];
export type CrashMoment = (typeof MOMENTS)[number];

export interface CrashPoint {
  /** `"before:T3"`, `"after:T3"`, `"posted"`. */
  readonly place: string;
  /** Which passage is the last one, from 1. */
  readonly passage: number;
}

export interface CrashPoints {
  before(name: CrashTransaction): void;
  after(name: CrashTransaction): void;
  at(moment: CrashMoment): void;
}

const PLACES: readonly string[] = [
  ...TRANSACTIONS.flatMap((name) => [`before:${name}`, `after:${name}`]),
  ...MOMENTS,
];

/**
 * Reads a crash point from the environment.
 *
 * @returns `undefined` where none is set, or none is to be heeded.
 * @throws {SyntaxError} If it is none: a test that kills nothing proves nothing.
 */
export function readCrashPoint(
  env: Readonly<Record<string, string | undefined>>,
): CrashPoint | undefined {
  const text = env["BARNACLE_CRASH_AT"];
  return text && env["DISCORD_API_URL"] ? parseCrashPoint(text) : undefined;
}

/**
 * @param text `"before:T3"`, `"after:T3:17"`, `"posted:2"`; without a count it is 1.
 * @throws {SyntaxError} If it is none of them.
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
 * @param point Where to die; nowhere, if it is absent.
 * @param kill Ends the process at once, with nothing flushed or closed.
 */
export function createCrashPoints(
  point: CrashPoint | undefined,
  kill: () => void = killThisProcess,
): CrashPoints {
  let passages = 0;
  const pass = (place: string) => {
    if (place === point?.place && ++passages === point.passage) kill();
  };
  return {
    before: (name) => pass(`before:${name}`),
    after: (name) => pass(`after:${name}`),
    at: (moment) => pass(moment),
  };
}

/** As a power button would, for the process: the kernel lets nothing run after it. */
function killThisProcess(): void {
  process.kill(process.pid, "SIGKILL");
}
