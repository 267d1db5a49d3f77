/**
 * Restores Bun's usual threshold for compiling JavaScript to machine code.
 *
 * A start runs nearly all code once or twice, and compiling it takes a third of the start's CPU
 * time. So `scripts/compile.ts` multiplies Bun's threshold of calls by 8. A running bot needs the
 * usual threshold.
 *
 * @module
 */

/** The part of Bun that this module uses; other runtimes keep their own threshold. */
interface JitRuntime {
  readonly unsafe: { setJITPolicy(scale: number): void };
}

/** Sets the usual threshold, for every thread of the process. */
export function useNormalJit(runtime: unknown = Reflect.get(globalThis, "Bun")): void {
  if (isJitRuntime(runtime)) runtime.unsafe.setJITPolicy(1);
}

function isJitRuntime(runtime: unknown): runtime is JitRuntime {
  if (typeof runtime !== "object" || runtime === null || !("unsafe" in runtime)) return false;
  const { unsafe } = runtime;
  return typeof unsafe === "object" && unsafe !== null && "setJITPolicy" in unsafe &&
    typeof unsafe.setJITPolicy === "function";
}
