/** Finds the pages of the program's own file in memory that nothing has changed. */

/** Addresses of a part of memory; numbers hold them exactly, because the kernel uses 47 bits. */
export interface Range {
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
export const PAGE_ENTRY_BYTES = 8;
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
