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

/** Addresses of a part of memory; numbers hold them exactly, because the kernel uses 47 bits. */
interface Range {
  /** The first address. */
  readonly start: number;
  readonly bytes: number;
}

interface FileSection {
  /** Bytes of the file before it. */
  readonly offset: number;
  readonly bytes: number;
}

interface MemoryMapping extends Range {
  readonly mode: string;
  readonly fileOffset: number;
  /** Kilobytes that differ from the file, in memory or swapped out. */
  readonly changedKb: number;
}

/**
 * Finds the read-only parts of a mapped file, such as its code.
 *
 * @param smaps The text of `/proc/self/smaps`.
 */
export function readOnlyRanges(smaps: string, path: string): readonly Range[] {
  return mappingsOf(smaps, path)
    .filter(({ mode, changedKb }) => !mode.includes("w") && changedKb === 0)
    .map(({ start, bytes }) => ({ start, bytes }));
}

/** Finds the address of a part of a mapped file; `undefined` if it is not mapped as a whole. */
export function rangeOf(smaps: string, path: string, part: FileSection): Range | undefined {
  for (const { start, bytes, fileOffset } of mappingsOf(smaps, path)) {
    const from = part.offset - fileOffset;
    if (from >= 0 && from + part.bytes <= bytes) return { start: start + from, bytes: part.bytes };
  }
  return undefined;
}

function mappingsOf(smaps: string, path: string): readonly MemoryMapping[] {
  const mappings: MemoryMapping[] = [];
  for (const text of smaps.split(/^(?=[0-9a-f]+-)/m)) {
    const [, from, to, mode = "", offset, name] =
      /^([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) \S+ \d+ +(.*)$/m.exec(text) ?? [];
    if (from === undefined || to === undefined || offset === undefined || name !== path) continue;
    const start = parseInt(from, 16);
    mappings.push({
      start,
      bytes: parseInt(to, 16) - start,
      mode,
      fileOffset: parseInt(offset, 16),
      changedKb: kbOf("Anonymous", text) + kbOf("Swap", text),
    });
  }
  return mappings;
}

/** An absent number counts as a change, so that the mapping is left alone. */
function kbOf(name: string, text: string): number {
  return Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(text)?.[1] ?? 1);
}

/** Fields of a 64-bit ELF file: `elf(5)`. */
const ELF_HEADER_BYTES = 64;
const MAGIC = 0x7f454c46;
const IS_64_BIT = 2;
const IS_LITTLE_ENDIAN = 1;

/**
 * Finds a section of an ELF file by its name.
 *
 * @returns `undefined` if the file has no such section, or has another format.
 */
export function sectionOf(
  read: (offset: number, bytes: number) => Uint8Array,
  name: string,
): FileSection | undefined {
  const header = viewOf(read(0, ELF_HEADER_BYTES));
  if (header.byteLength < ELF_HEADER_BYTES || header.getUint32(0) !== MAGIC) return undefined;
  if (header.getUint8(4) !== IS_64_BIT || header.getUint8(5) !== IS_LITTLE_ENDIAN) return undefined;
  const [entryBytes, count, namesIndex] = [58, 60, 62].map((at) => header.getUint16(at, true));
  if (!entryBytes || !count || namesIndex === undefined) return undefined;
  const table = viewOf(read(number64(header, 40), entryBytes * count));
  const section = (index: number): FileSection => ({
    offset: number64(table, index * entryBytes + 24),
    bytes: number64(table, index * entryBytes + 32),
  });
  if (table.byteLength < entryBytes * count || namesIndex >= count) return undefined;
  const names = section(namesIndex);
  const text = new TextDecoder("latin1").decode(read(names.offset, names.bytes));
  for (let index = 0; index < count; index++) {
    if (text.startsWith(`${name}\0`, table.getUint32(index * entryBytes, true))) {
      return section(index);
    }
  }
  return undefined;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function number64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

/** Bytes of one page's entry in `/proc/self/pagemap`. */
const PAGE_ENTRY_BYTES = 8;
/** Bits of an entry's upper half. */
const PRESENT = 1 << 31;
const SWAPPED = 1 << 30;
const OF_FILE = 1 << 29;

/**
 * Whether so many pages are all as in their file.
 *
 * @param pagemap Their entries; with fewer entries, the rest may have changed.
 */
export function isUnchanged(pagemap: Uint8Array, pages: number): boolean {
  const view = viewOf(pagemap);
  if (view.byteLength < pages * PAGE_ENTRY_BYTES) return false;
  for (let at = 4; at < view.byteLength; at += PAGE_ENTRY_BYTES) {
    const bits = view.getInt32(at, true);
    if (bits & SWAPPED || (bits & PRESENT && !(bits & OF_FILE))) return false;
  }
  return true;
}

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
