/**
 * Runs a script of the model in QuickJS, compiled to WebAssembly: without network, files, timers, or
 * anything else of this program.
 *
 * The script sees the language, `console`, and `files`. Nothing of this program is an object there:
 * only strings pass. QuickJS ends it when its time is over, WebAssembly when its memory is. Some of its
 * functions ignore the time, such as `indexOf` over 2^53 elements. So the process has a limit, too.
 */

import variant from "@jitl/quickjs-singlefile-mjs-release-sync";
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSHandle,
} from "quickjs-emscripten-core";
import type { ScriptEnd } from "../core/skills/skill.ts";

export interface CodeJob {
  readonly source: string;
  readonly files: Readonly<Record<string, string>>;
  /** Milliseconds that it may run, with its requests. */
  readonly timeoutMs: number;
}

/** Begins another kind of work than a script. */
export interface StartedWork {
  /** Its name in errors. */
  readonly file: string;
  /** @returns Its promise, or its error. */
  start(context: QuickJSContext): ReturnType<QuickJSContext["evalCode"]>;
  /** Waits for an answer from outside, for so many milliseconds at most; `undefined`: none can come. */
  next(mostMs: number): Promise<void> | undefined;
}

/** MB of the engine with the script. QuickJS itself counts less than it takes. */
const MEMORY_MB = 64;
const PAGES_PER_MB = 16;
const TOO_MUCH = `it used more than ${MEMORY_MB} MB`;
const STACK_BYTES = 256 * 2 ** 10;

/** Maximum UTF-16 units of the output, and of the value. */
const MAX_CHARS = 20_000;

/** Promise jobs between two looks at the clock. */
const JOBS_AT_ONCE = 1_000;

/** Runs a script; never rejects. It disposes of nothing, because the thread ends with it. */
export async function evaluate(
  { source, files, timeoutMs }: CodeJob,
  work: StartedWork = {
    file: "script.js",
    start: (context) => context.evalCode(source, "script.js"),
    next: () => undefined,
  },
): Promise<ScriptEnd> {
  const memory = boundedMemory();
  const quickjs = await newQuickJSWASMModuleFromVariant(newVariant(variant, memory));
  const runtime = quickjs.newRuntime({ maxStackSizeBytes: STACK_BYTES });
  const context = runtime.newContext();
  const output: string[] = [];
  let left = MAX_CHARS;
  const write = (text: string) => {
    if (left <= 0) return;
    const line = text.slice(0, left);
    left -= line.length + 1;
    output.push(line);
  };
  const end = Date.now() + timeoutMs;
  const isLate = () => Date.now() > end;
  let isEnded = false; // no script can catch that, and each can throw its text
  runtime.setInterruptHandler(() => isEnded = isLate());
  const written = () => output.join("\n");
  const fail = (error: QuickJSHandle): ScriptEnd => ({
    output: written(),
    // A full engine has no room for an error, so it throws anything.
    failure: memory.isFull
      ? TOO_MUCH
      : isEnded
      ? tooLong(timeoutMs)
      : failureOf(context, error, work.file),
  });
  try {
    const show = prepare(context, files, write);
    const run = work.start(context);
    if (run.error) return fail(run.error);
    for (;;) {
      while (runtime.hasPendingJob()) {
        const jobs = runtime.executePendingJobs(JOBS_AT_ONCE);
        if (jobs.error) return fail(jobs.error);
        if (isLate()) return { output: written(), failure: tooLong(timeoutMs) };
      }
      const state = context.getPromiseState(run.value);
      switch (state.type) {
        case "pending": {
          const answered = work.next(end - Date.now());
          if (!answered) {
            const failure = "its promise never settles: there are no timers here";
            return { output: written(), failure };
          }
          await answered;
          if (isLate()) return { output: written(), failure: tooLong(timeoutMs) };
          break;
        }
        case "rejected":
          return fail(state.error);
        case "fulfilled": {
          const shown = context.callFunction(show, context.undefined, state.value);
          if (shown.error) return fail(shown.error);
          return { output: written(), value: context.getString(shown.value) };
        }
      }
    }
  } catch (error) {
    if (memory.isFull) return { output: written(), failure: TOO_MUCH };
    // The engine itself overflowed the thread's stack, for instance in JSON.parse; or its time ended
    // within its own code; or the script threw something without a text, or broke the engine.
    const other = isLate() ? tooLong(timeoutMs) : "its error cannot be read";
    return { output: written(), failure: error instanceof RangeError ? "stack overflow" : other };
  }
}

/** Memory that grows to its bound; `isFull` after a growth that failed. */
function boundedMemory() {
  const maximum = MEMORY_MB * PAGES_PER_MB;
  const wasmMemory = new WebAssembly.Memory({ initial: maximum / 4, maximum });
  const grow = wasmMemory.grow.bind(wasmMemory);
  const bounded = { wasmMemory, isFull: false };
  wasmMemory.grow = (pages) => {
    bounded.isFull = true;
    const before = grow(pages);
    bounded.isFull = false;
    return before;
  };
  return bounded;
}

function tooLong(timeoutMs: number): string {
  return `it ran longer than ${timeoutMs / 1_000} s`;
}

function failureOf(context: QuickJSContext, error: QuickJSHandle, file: string): string {
  const thrown: unknown = context.dump(error);
  const { name, message, stack } = Object(thrown);
  if (typeof message !== "string") {
    return `it threw ${String(JSON.stringify(thrown)).slice(0, 500)}`;
  }
  if (message === "stack overflow") return message; // also a SyntaxError of JSON.parse
  const place = String(stack).split(file)[1]?.match(/^:\d+(?::\d+)?/)?.[0];
  return `${String(name).slice(0, 100)}: ${message.slice(0, 1_000)}` +
    (place === undefined ? "" : ` (${file}${place})`);
}

/** Adds `console` and `files`. @returns The function that makes a text of a value. */
function prepare(
  context: QuickJSContext,
  files: CodeJob["files"],
  write: (text: string) => void,
): QuickJSHandle {
  const setUp = context.unwrapResult(context.evalCode(SET_UP, "set_up.js"));
  const writer = context.newFunction("write", (text) => write(context.getString(text)));
  const list = context.newString(JSON.stringify(files));
  return context.unwrapResult(context.callFunction(setUp, context.undefined, writer, list));
}

/** Runs within the sandbox, before the script. */
const SET_UP = `((write, files) => {
  const { stringify, parse } = JSON;
  const text = String;
  const ErrorType = Error;
  const plain = (key, value) => {
    if (typeof value === "bigint") return value + "n";
    if (typeof value === "number" && !Number.isFinite(value)) return text(value);
    if (typeof value === "function") return "[function]";
    if (value instanceof Map) return [...value];
    if (value instanceof Set) return [...value];
    if (value instanceof ErrorType) return text(value);
    return value;
  };
  const show = (value) => {
    if (typeof value === "string") return value.slice(0, ${MAX_CHARS});
    if (value === null || typeof value !== "object" || value instanceof ErrorType) return text(value).slice(0, ${MAX_CHARS});
    let shown;
    try {
      shown = stringify(value, plain, 1);
    } catch (error) {
      shown = text(error);
    }
    return text(shown).slice(0, ${MAX_CHARS});
  };
  const log = (...values) => write(values.map(show).join(" ").slice(0, ${MAX_CHARS}));
  globalThis.console = { log, info: log, warn: log, error: log, debug: log, table: log };
  globalThis.files = parse(files);
  return show;
})`;
