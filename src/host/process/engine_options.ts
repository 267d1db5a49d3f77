/**
 * Restarts the compiled bot with options of its JavaScript engine and its allocator that suit a bot.
 *
 * The engine's defaults suit a program that computes for long and has the machine for itself. A bot
 * does little at a time, for weeks, beside other programs. Both read their options from the
 * environment, and only when a process starts. So the process replaces itself before it loads the
 * program. It keeps its id, its arguments and its standard streams. The second start takes about
 * 6 ms.
 *
 * Compiling takes a third of the CPU time of a bot's first hundred replies, because a start runs nearly
 * all code once or twice. So `scripts/compile.ts` multiplies Bun's threshold of calls by 24. A second
 * later, 8 suffices. After a hundred turns, the usual one pays.
 */

import process from "node:process";
import { totalmem } from "node:os";
import type { Env } from "../../lib/env.ts";

/** Size of memory for which the collector plans, in bytes. The heap may still grow beyond it. */
const PLANNED_BYTES = 512 * 1024 ** 2;

/**
 * Chooses the engine's options.
 *
 * @param env The environment of this process.
 * @param memoryBytes Memory of the machine.
 * @returns Variables to add. None if one of them is set already: either this process is the restarted
 * one, or the operator has chosen options.
 */
export function engineOptions(env: Env, memoryBytes: number): Readonly<Record<string, string>> {
  const options = {
    // The last compiler takes longer for a function than its code saves in thousands of replies; that
    // of WebAssembly takes 20 MB as well, at the first sound of a call.
    BUN_JSC_useFTLJIT: "false",
    BUN_JSC_useOMGJIT: "false",
    // More threads take longer for a small heap, and compete with the bot for the processor.
    BUN_JSC_useConcurrentGC: "false",
    BUN_JSC_numberOfGCMarkers: "1",
    // Milliseconds. By default, the runtime looks at its heap each second, for half a minute after
    // any work. That took 24 ms of CPU time in the first minute.
    BUN_GC_TIMER_INTERVAL: "5000",
    // Bytes. By default, the first collection comes at 13 MB, just before the first reply.
    BUN_JSC_largeHeapSize: String(20 * 1024 ** 2),
    // Percentage of CPU time for each MB since the last collection. The engine's timer collects when so
    // much time has passed. By default, that is 0.3 s after a start, in the middle of the first reply.
    // The limit above, and the interval of looks at the heap, still hold.
    BUN_JSC_percentCPUPerMBForEdenTimer: "0.0001",
    // Milliseconds. By default, the allocator gives memory back after 100. A busy bot needs it again
    // after its next collection of garbage, and each page costs it a fault.
    MIMALLOC_PURGE_DELAY: "10000",
    // Milliseconds. By default, the allocator's thread gives free pages between used ones back after
    // 100. With 5,000, a busy bot saved a tenth of its CPU time, and with both of these delays another
    // tenth. A quiet one gives the memory back within a minute.
    MIMALLOC_PURGE_HOLES_MIN_INTERVAL: "30000",
    // On a large machine, the collector would let much garbage pile up.
    ...(memoryBytes > PLANNED_BYTES && { BUN_JSC_forceRAMSize: String(PLANNED_BYTES) }),
  };
  return Object.keys(options).some((name) => env[name] !== undefined) ? {} : options;
}

/** All variables that {@link engineOptions} may add. */
const NAMES = Object.keys(engineOptions({}, Infinity));

/**
 * Whether a module is part of a compiled program, which has its files in a folder of the runtime's own:
 * `/$bunfs/root`, and `B:\\~BUN\\root` on Windows.
 */
export function isCompiledUrl(url: string): boolean {
  return url.includes("/$bunfs/") || /^file:\/\/\/B:\/(?:~|%7E)BUN\//i.test(url);
}

export interface Replaceable {
  /** Its environment. */
  readonly env: Record<string, string | undefined>;
  /** Its arguments, after the program and the script. */
  readonly argv: readonly string[];
  /** Its name, as it was started. */
  readonly argv0: string;
  readonly execPath: string;
  readonly platform: string;
  /** Absent on systems that cannot replace a process. */
  readonly execve?: (file: string, args: readonly string[], env: Env) => void;
}

/**
 * Replaces a process by the same program with the engine's options. In the restarted process, it
 * only removes the variables, so that no program that the bot starts gets them.
 *
 * @param isCompiled Whether the program is one file with its engine. Only then, `execPath` is it.
 */
export function restartWithOptions(
  target: Replaceable = process,
  isCompiled = isCompiledUrl(import.meta.url),
  memoryBytes = totalmem(),
): void {
  const { env, argv, argv0, execPath } = target;
  // The runtime has the function on Windows, too, where it only throws.
  if (!isCompiled || !target.execve || target.platform === "win32") return;
  const options = engineOptions(env, memoryBytes);
  if (Object.keys(options).length === 0) {
    for (const name of NAMES) delete env[name];
    return;
  }
  try {
    target.execve(execPath, [argv0, ...argv.slice(2)], { ...env, ...options });
  } catch {
    // A sandbox may forbid the start of programs. Then the bot runs with the engine's defaults.
    dropWarnings();
  }
}

/**
 * Drops the warnings of this tick. The runtime writes one about `execve`, whose lines would be the
 * only ones of the log that are no JSON.
 */
function dropWarnings(): void {
  const listeners = process.listeners("warning");
  process.removeAllListeners("warning");
  setImmediate(() => listeners.forEach((each) => process.on("warning", each)));
}

/** Factor of a bot that has started and is not busy. */
const STARTED = 8;

/** Factor of a busy bot. */
const BUSY = 1;

export function endStart(runtime: unknown = Reflect.get(globalThis, "Bun")): void {
  setJitPolicy(runtime, STARTED);
}

/** The bot is busy from here on. */
export function beBusy(runtime: unknown = Reflect.get(globalThis, "Bun")): void {
  setJitPolicy(runtime, BUSY);
}

/** Sets the factor for all threads of the process. */
function setJitPolicy(runtime: unknown, scale: number): void {
  if (isJitRuntime(runtime)) runtime.unsafe.setJITPolicy(scale);
}

function isJitRuntime(
  runtime: unknown,
): runtime is { readonly unsafe: { setJITPolicy(scale: number): void } } {
  if (typeof runtime !== "object" || runtime === null || !("unsafe" in runtime)) return false;
  const { unsafe } = runtime;
  return typeof unsafe === "object" && unsafe !== null && "setJITPolicy" in unsafe &&
    typeof unsafe.setJITPolicy === "function";
}
