/**
 * Runs jobs in threads, one after the other, each in a thread of its own.
 *
 * A thread ends with its job, and takes its memory with it. It is ended early if it takes too long,
 * or if the process grows too much meanwhile: no runtime bounds the memory of a thread in the same
 * way.
 */

import type { VoiceFacts } from "../core/outbound/outbound.ts";
import { FileError } from "../core/turn/media.ts";
import type { StartTimer } from "../lib/clock.ts";

/** Pages, slides or sheets that are read of a document. */
export const MAX_PAGES = 20;
/** Maximum UTF-16 units of a document's text. */
export const MAX_CHARS = 200_000;
/** Maximum number of entries in an archive. An honest presentation has some hundred. */
export const MAX_ENTRIES = 4_000;
/** Maximum bytes of all parts of an archive that are read, inflated. */
export const MAX_INFLATED_BYTES = 32 * 1024 * 1024;
/** Maximum ratio between the size of a part and its compressed size. Office files reach 30. */
export const MAX_RATIO = 100;
/**
 * Maximum ratio between the inflated and the read bytes of a part so far. So a bomb ends with its first
 * piece, whatever size its header claims.
 */
export const MAX_RATIO_SO_FAR = 400;
/** Parts up to this size may have any ratio: an empty table compresses well. */
export const RATIO_FREE_BYTES = 1024 * 1024;
/** Maximum number of a workbook's shared strings in UTF-16 units. */
export const MAX_STRING_CHARS = 4_000_000;

/** A file cannot be read, for a reason that people may know. */
export class UnreadableError extends Error {
  override readonly name = "UnreadableError";
}

export function createText() {
  const parts: string[] = [];
  let chars = 0;
  return {
    add(text: string): void {
      const room = MAX_CHARS - chars;
      if (room <= 0) return;
      parts.push(text.slice(0, room));
      chars += text.length;
    },
    get isFull(): boolean {
      return chars >= MAX_CHARS;
    },
    /** The text so far, without blank lines in a row. */
    read: (): string => parts.join("").replace(/[ \t]+\n/g, "\n").replace(/\n{3,}/g, "\n\n").trim(),
  };
}

/** Collects a document's text up to its limit. */
export type Text = ReturnType<typeof createText>;

export interface DocumentText {
  /** At most `MAX_CHARS` UTF-16 units. */
  readonly text: string;
  /** Whether the text goes on after its limit. */
  readonly isCut: boolean;
  /** How much of it was read; absent if the format has no pages. */
  readonly pages?: {
    readonly unit: "pages" | "slides" | "sheets";
    readonly read: number;
    readonly total: number;
  };
}

export interface AudioFacts {
  /** Length in seconds; absent if the file does not tell. */
  readonly durationSec?: number;
}

export type ExtractJob =
  /** `office` is a docx, xlsx or pptx file; its parts tell which. */
  | { readonly kind: "pdf" | "office"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "audio"; readonly bytes: Uint8Array<ArrayBuffer>; readonly mediaType: string }
  | { readonly kind: "voice"; readonly bytes: Uint8Array<ArrayBuffer> };

export type JobResult<Of extends ExtractJob["kind"]> = Of extends "audio" ? AudioFacts
  : Of extends "voice" ? VoiceFacts
  : DocumentText;

/** The part of a `Worker` of `node:worker_threads` that a job needs. */
export interface Thread {
  postMessage(job: ExtractJob, transferred: ArrayBuffer[]): void;
  on(event: "message", listener: (message: FromThread) => void): unknown;
  on(event: "error" | "exit", listener: () => void): unknown;
  terminate(): Promise<unknown>;
}

/**
 * Seconds of the process's CPU time for a job, once its code has loaded. Seconds by the clock would
 * refuse good files on a busy machine, where a thread gets a part of a core.
 */
const JOB_CPU_SEC = 5;
/** Seconds by the clock for the same. */
const JOB_SEC = 30;
/** Milliseconds for the start of a thread with its code, on a machine that is busy. */
const START_MS = 30_000;
/**
 * Bytes by which the process may grow during a job, less twice the size of its file. With the copies
 * of the file, and with the growth until the thread has ended, a job costs 64 MiB at most (SEC-R25).
 * Measured: a PDF of 1,000 pages takes 17 MiB, and one of 10,000 more than this.
 */
export const GROWTH_BYTES = 40 * 1024 * 1024;
/** Bytes of a file whose copies cost more than the collection of garbage, which takes 10 to 30 ms. */
const LARGE_BYTES = 1024 * 1024;
const WATCH_MS = 5;

/** Creates the extractor. It starts no thread before the first job. */
export function createExtractor(
  { startThread, collectGarbage, ownMemory, cpuSec, schedule }: {
    readonly schedule: StartTimer;
    /** Starts the thread, `extract_worker.ts`. */
    readonly startThread: () => Thread;
    /** Collects garbage, so that the copies of a download end before a job begins. */
    readonly collectGarbage: () => void;
    /** Bytes of memory of the whole process that are no copies of files. */
    readonly ownMemory: () => number;
    /** Seconds of CPU time of the whole process since its start. */
    readonly cpuSec: () => number;
  },
) {
  /** Resolves when the last job has ended. */
  let last: Promise<unknown> = Promise.resolve();

  async function runNow(job: ExtractJob, signal: AbortSignal): Promise<unknown> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (job.bytes.length > LARGE_BYTES) collectGarbage();
    const before = ownMemory();
    const thread = startThread();
    const fail = (why: string) => reject(new FileError(why));
    const onAbort = () => reject(signal.reason);
    let cancelLimit = schedule(() => fail("no thread could be started"), START_MS);
    let cancelWatch = () => {};
    const most = before + GROWTH_BYTES - 2 * job.bytes.length;
    const watch = () => {
      if (ownMemory() > most) return fail("reading it takes too much memory");
      cancelWatch = schedule(watch, WATCH_MS);
    };
    watch();
    const limit = (begunCpuSec: number, seconds = 0) => {
      const isLong = seconds >= JOB_CPU_SEC && cpuSec() - begunCpuSec >= JOB_CPU_SEC;
      if (isLong || seconds >= JOB_SEC) return fail(`reading it takes over ${seconds} s`);
      cancelLimit = schedule(() => limit(begunCpuSec, seconds + 1), 1_000);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    thread.on("error", () => fail("reading it takes too much memory"));
    thread.on("exit", () => fail("the file is damaged"));
    thread.on("message", (message: FromThread) => {
      switch (message.kind) {
        case "ready":
          return thread.postMessage(job, [job.bytes.buffer]);
        case "begun":
          cancelLimit();
          return limit(cpuSec());
        case "done":
          return resolve(message.result);
        case "failed":
          return fail(message.why);
      }
    });
    try {
      return await promise;
    } finally {
      cancelLimit();
      cancelWatch();
      signal.removeEventListener("abort", onAbort);
      await thread.terminate();
    }
  }

  return {
    /**
     * Reads a file.
     *
     * @param job Its bytes move to the thread: the caller's array is empty afterwards.
     * @throws {FileError} If the file cannot be read within the limits; or the signal's reason.
     */
    run<J extends ExtractJob>(job: J, signal: AbortSignal): Promise<JobResult<J["kind"]>> {
      const result = last.then(() => runNow(job, signal));
      last = result.catch(() => {});
      return result as Promise<JobResult<J["kind"]>>; // the thread answers with the job's own kind
    },
  };
}

export type FromThread =
  | { readonly kind: "ready" }
  /** It has loaded the code of the job, and reads the file. */
  | { readonly kind: "begun" }
  | { readonly kind: "done"; readonly result: DocumentText | AudioFacts | VoiceFacts }
  /** `why` is for people, and contains no words of the file. */
  | { readonly kind: "failed"; readonly why: string };
