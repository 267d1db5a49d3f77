/**
 * Gives memory back: pages of the program's file to the kernel, and garbage of the runtime's heap.
 *
 * A start, and a first turn, run much code and read much bytecode that the program does not need
 * again. Its pages count as memory of the process until the kernel runs short of memory. The pages
 * stay in the kernel's cache of files, so a page that is needed again costs a short look-up there.
 */

import process from "node:process";
import { closeSync, existsSync, openSync, readFileSync, readlinkSync, readSync } from "node:fs";
import { LibcUnavailableError, loadLibc } from "./libc.ts";
import {
  isUnchanged,
  PAGE_ENTRY_BYTES,
  type Range,
  rangeOf,
  readOnlyRanges,
  sectionOf,
} from "./own_file.ts";

/** Gives the pages back, which takes 1 ms. */
type ReleasePages = () => void;

/** `MADV_DONTNEED` of Linux: the next use of a page reads it from the file again. */
const DONT_NEED = 4;
const EXECUTABLE = "/proc/self/exe";
const PAGE_MAP = "/proc/self/pagemap";
/** A compiled binary's section with the sources and the bytecode, which Bun maps as writable. */
const PROGRAM_SECTION = ".bun";

/**
 * Finds the pages at the first call, and gives them back at each.
 *
 * @param onError Called once if this fails on a system that should support it.
 */
export function createReleasePages(onError: (error: unknown) => void): ReleasePages {
  let loading: Promise<ReleasePages> | undefined;
  return () => {
    loading ??= loadReleasePages();
    loading.then((release) => release()).catch((error: unknown) => {
      loading = Promise.resolve(() => {});
      onError(error);
    });
  };
}

/** Finds the pages. The result does nothing on systems other than Linux. */
export async function loadReleasePages(): Promise<ReleasePages> {
  if (process.platform !== "linux") return () => {};
  try {
    const libc = await loadLibc({
      madvise: { parameters: ["usize", "usize", "i32"], result: "i32" },
      getpagesize: { parameters: [], result: "i32" },
    });
    const [madvise, pageBytes] = [libc("madvise"), libc("getpagesize")()];
    const { readOnly, program } = findRanges();
    return () => {
      for (const { start, bytes } of readOnly) madvise(start, bytes, DONT_NEED);
      const pages = program && wholePages(program, pageBytes);
      if (pages && isUnchanged(pageMapOf(pages, pageBytes), pages.bytes / pageBytes)) {
        madvise(pages.start, pages.bytes, DONT_NEED);
      }
    };
  } catch (error) {
    // Without /proc or the C library, the process keeps its pages, which breaks nothing.
    if (error instanceof LibcUnavailableError || isSystemError(error)) return () => {};
    throw error;
  }
}

function findRanges(): {
  readonly readOnly: readonly Range[];
  /** Absent if the program is no compiled binary. */
  readonly program: Range | undefined;
} {
  const path = readlinkSync(EXECUTABLE);
  const smaps = readFileSync("/proc/self/smaps", "utf8");
  const file = openSync(EXECUTABLE, "r");
  try {
    // Without the page map, nothing shows whether the writable section is still as in the file.
    const section = existsSync(PAGE_MAP) &&
      sectionOf((offset, bytes) => readPart(file, offset, bytes), PROGRAM_SECTION);
    return {
      readOnly: readOnlyRanges(smaps, path),
      program: section ? rangeOf(smaps, path, section) : undefined,
    };
  } finally {
    closeSync(file);
  }
}

/** The pages that have nothing else on them. */
function wholePages({ start, bytes }: Range, pageBytes: number): Range {
  const first = Math.ceil(start / pageBytes) * pageBytes;
  const end = Math.floor((start + bytes) / pageBytes) * pageBytes;
  return { start: first, bytes: Math.max(0, end - first) };
}

function pageMapOf({ start, bytes }: Range, pageBytes: number): Uint8Array {
  const file = openSync(PAGE_MAP, "r");
  try {
    const [first, count] = [start / pageBytes, bytes / pageBytes];
    return readPart(file, first * PAGE_ENTRY_BYTES, count * PAGE_ENTRY_BYTES);
  } finally {
    closeSync(file);
  }
}

function readPart(file: number, offset: number, bytes: number): Uint8Array {
  const part = new Uint8Array(bytes);
  return part.subarray(0, readSync(file, part, 0, bytes, offset));
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

/**
 * Collects garbage and returns free pages to the system. It blocks the thread for 10 to 30 ms.
 * With `isWhole` off, it keeps the pages, and takes a fifth of that.
 *
 * Bun's collector waits until the heap has doubled, which after a burst may never happen, and the
 * allocator keeps freed pages. Deno has no such call.
 */
export function collectGarbage(isWhole = true): void {
  const bun: unknown = Reflect.get(globalThis, "Bun");
  if (isBun(bun)) bun.gc(isWhole);
}

function isBun(value: unknown): value is { gc(waits: boolean): void } {
  return typeof value === "object" && value !== null && "gc" in value &&
    typeof value.gc === "function";
}
