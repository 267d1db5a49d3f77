/**
 * Lowers the threshold for compiling JavaScript to machine code, once the bot has started, and to
 * Bun's usual one, once it is busy.
 *
 * A start runs nearly all code once or twice, and compiling takes a third of the CPU time of a bot's
 * first hundred replies. So `scripts/compile.ts` multiplies Bun's threshold of calls by 24. A second
 * later, 8 suffices. Only a bot with many turns gains from the usual one.
 *
 * @module
 */

/** Factor of a bot that has started and is not busy. */
const STARTED = 8;

/** Number of turns and steps after which a bot is busy. */
const BUSY_TURNS = 500;

/** The part of Bun that this module uses; other runtimes keep their own threshold. */
interface JitRuntime {
  readonly unsafe: { setJITPolicy(scale: number): void };
}

/** Ends the start, for every thread of the process. */
export function endStart(runtime: unknown = Reflect.get(globalThis, "Bun")): void {
  if (isJitRuntime(runtime)) runtime.unsafe.setJITPolicy(STARTED);
}

/** Counts the turns of a bot. */
export interface JitPolicy {
  /** Notes that a turn with so many tool steps has ended; a step is as much work as a turn. */
  turn(steps: number): void;
}

/** Starts counting. The threshold is that of all threads of the process. */
export function createJitPolicy(runtime: unknown = Reflect.get(globalThis, "Bun")): JitPolicy {
  let turns = 0;
  return {
    turn(steps) {
      const isBusy = turns >= BUSY_TURNS;
      turns += 1 + steps;
      if (!isBusy && turns >= BUSY_TURNS && isJitRuntime(runtime)) runtime.unsafe.setJITPolicy(1);
    },
  };
}

function isJitRuntime(runtime: unknown): runtime is JitRuntime {
  if (typeof runtime !== "object" || runtime === null || !("unsafe" in runtime)) return false;
  const { unsafe } = runtime;
  return typeof unsafe === "object" && unsafe !== null && "setJITPolicy" in unsafe &&
    typeof unsafe.setJITPolicy === "function";
}
