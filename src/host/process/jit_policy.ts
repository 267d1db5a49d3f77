/**
 * Ends the compiled binary's reluctance to compile JavaScript to machine code.
 *
 * A start runs nearly all code once or twice, and compiling it takes a third of the start's CPU
 * time. So `scripts/compile.ts` multiplies the number of calls after which Bun compiles a function
 * by 8. A bot at work wants the usual number.
 *
 * @module
 */

/** As much of Bun as is needed; other runtimes have no such thing, and were not told to wait. */
interface JitRuntime {
  readonly unsafe: { setJITPolicy(scale: number): void };
}

/** Compiles after the usual number of calls from now on, in every thread of the process. */
export function useNormalJit(runtime: unknown = Reflect.get(globalThis, "Bun")): void {
  if (isJitRuntime(runtime)) runtime.unsafe.setJITPolicy(1);
}

function isJitRuntime(runtime: unknown): runtime is JitRuntime {
  if (typeof runtime !== "object" || runtime === null || !("unsafe" in runtime)) return false;
  const { unsafe } = runtime;
  return typeof unsafe === "object" && unsafe !== null && "setJITPolicy" in unsafe &&
    typeof unsafe.setJITPolicy === "function";
}
