/**
 * Exchanges the payload of a compiled program for Linux, and makes its constants shorter.
 *
 * Bun appends its payload to the segment of writable data. So the file must also have the zeros
 * before it, 1.8 MB, which the system would make itself (`.bss`). Here, the payload gets a segment of
 * its own, at the same address. The file's table of segments has no room for one more, so it takes the
 * place of the notes' segment, which only debuggers read; they find the notes as a section, too.
 */

const SECTION = { address: 16, offset: 24, size: 32, bytes: 64 };
const SEGMENT = { offset: 8, address: 16, fileSize: 32, memorySize: 40, align: 48, bytes: 56 };
const LOAD = 1;
const NOTE = 4;
const TABLE = 6;
const READ_WRITE = 6;
/** Bun writes the length of its payload before it. */
const LENGTH_BYTES = 8;

/** A file is not what Bun makes for Linux. */
export class ElfError extends Error {
  override readonly name = "ElfError";
  constructor(what: string) {
    super(`The compiled file has ${what}: compare scripts/binary/elf.ts with this version of Bun`);
  }
}

/** Reads and writes numbers of 64 bits, and finds sections and segments. */
function fileOf(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const number = (at: number) => Number(view.getBigUint64(at, true));
  const sectionsAt = number(40);
  const sectionCount = view.getUint16(60, true);
  const names = number(sectionsAt + SECTION.bytes * view.getUint16(62, true) + SECTION.offset);
  const segmentsAt = number(32);
  const segmentCount = view.getUint16(56, true);
  const sections = Array.from({ length: sectionCount }, (_, each) => sectionsAt + 64 * each);
  const segments = Array.from(
    { length: segmentCount },
    (_, each) => segmentsAt + SEGMENT.bytes * each,
  );

  function nameOf(section: number): string {
    const start = names + view.getUint32(section, true);
    return new TextDecoder().decode(bytes.subarray(start, bytes.indexOf(0, start)));
  }

  return {
    view,
    number,
    set: (at: number, value: number) => view.setBigUint64(at, BigInt(value), true),
    sections,
    segments,
    /** @returns Offset of its header. */
    section(name: string): number {
      const found = sections.find((section) => nameOf(section) === name);
      if (found === undefined) throw new ElfError(`no section ${name}`);
      return found;
    },
    /** @returns Offset of the header of the first segment that fits. */
    segment(what: string, fits: (segment: number) => boolean): number {
      const found = segments.find(fits);
      if (found === undefined) throw new ElfError(`no segment ${what}`);
      return found;
    },
  };
}

/**
 * Reads the payload, without the length before it.
 *
 * @throws {ElfError}
 */
export function payloadOf(bytes: Uint8Array): Uint8Array {
  const file = fileOf(bytes);
  const section = file.section(".bun");
  const start = file.number(section + SECTION.offset);
  const length = file.number(start);
  if (length + LENGTH_BYTES > file.number(section + SECTION.size)) {
    throw new ElfError("a payload longer than its section");
  }
  return bytes.subarray(start + LENGTH_BYTES, start + LENGTH_BYTES + length);
}

/**
 * Gives a program another payload.
 *
 * @returns A new file.
 * @throws {ElfError}
 */
export function withPayload(bytes: Uint8Array, payload: Uint8Array): Uint8Array {
  const old = fileOf(bytes);
  const bun = old.section(".bun");
  const address = old.number(bun + SECTION.address);
  const oldStart = old.number(bun + SECTION.offset);
  const oldEnd = oldStart + old.number(bun + SECTION.size);
  const bss = old.section(".bss");
  const data = old.segment("of data", (segment) => {
    const start = old.number(segment + SEGMENT.address);
    const end = start + old.number(segment + SEGMENT.memorySize);
    return old.view.getUint32(segment, true) === LOAD && start <= address && address < end;
  });
  const note = old.segment("of notes", (segment) => old.view.getUint32(segment, true) === NOTE);
  if (note < data) throw new ElfError("its notes before its data");

  const dataStart = old.number(data + SEGMENT.offset);
  const dataAddress = old.number(data + SEGMENT.address);
  const align = old.number(data + SEGMENT.align);
  const bssAddress = old.number(bss + SECTION.address);
  const bssEnd = bssAddress + old.number(bss + SECTION.size);
  if (bssEnd > address) throw new ElfError("its zeros behind the payload");
  const dataEnd = dataStart + bssAddress - dataAddress;
  // The kernel maps whole pages, so offset and address must be equal within a page.
  const start = dataEnd + (address - dataEnd % align + align) % align;
  const end = start + LENGTH_BYTES + payload.length;
  const rest = Math.ceil(end / 16) * 16;
  const shift = rest - oldEnd;

  const result = new Uint8Array(bytes.length + shift);
  result.set(bytes.subarray(0, dataEnd));
  result.set(payload, start + LENGTH_BYTES);
  result.set(bytes.subarray(oldEnd), rest);
  const view = new DataView(result.buffer);
  const set = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true);
  set(start, payload.length);
  set(40, old.number(40) + shift); // the table of sections is at the end
  set(data + SEGMENT.fileSize, dataEnd - dataStart);
  set(data + SEGMENT.memorySize, bssEnd - dataAddress);
  view.setUint32(note, LOAD, true);
  view.setUint32(note + 4, READ_WRITE, true);
  set(note + SEGMENT.offset, start);
  set(note + SEGMENT.address, address);
  set(note + SEGMENT.address + 8, address); // the physical address, which no system uses
  set(note + SEGMENT.fileSize, end - start);
  set(note + SEGMENT.memorySize, end - start);
  set(note + SEGMENT.align, align);
  for (const section of old.sections) {
    const offset = old.number(section + SECTION.offset);
    if (offset >= oldEnd) set(section + shift + SECTION.offset, offset + shift);
  }
  set(bun + shift + SECTION.offset, start);
  set(bun + shift + SECTION.size, end - start);
  return result;
}

/**
 * Puts shorter data in the place of a program's constants, and takes the pages that are left over out
 * of the file. All other constants keep their addresses, so their segment becomes two. The table of
 * segments moves behind the data, because it has no room for one more.
 *
 * @returns A new file.
 * @throws {ElfError}
 */
export function withShorter(
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
  data: Uint8Array,
): Uint8Array {
  const old = fileOf(bytes);
  const constants = old.segment("of constants", (segment) => {
    const from = old.number(segment + SEGMENT.offset);
    const to = from + old.number(segment + SEGMENT.fileSize);
    return old.view.getUint32(segment, true) === LOAD && from <= start && end <= to;
  });
  const offset = old.number(constants + SEGMENT.offset);
  const address = old.number(constants + SEGMENT.address);
  const size = old.number(constants + SEGMENT.fileSize);
  const align = old.number(constants + SEGMENT.align);
  const table = Math.ceil((start + data.length) / 8) * 8;
  const count = old.segments.length + 1;
  const cutStart = Math.ceil((table + SEGMENT.bytes * count) / align) * align;
  const cutEnd = Math.floor(end / align) * align;
  const cut = cutEnd - cutStart;
  if (cut <= 0) throw new ElfError("constants that leave no page over");
  if (size !== old.number(constants + SEGMENT.memorySize)) throw new ElfError("zeros in constants");
  if (old.number(40) < cutEnd) throw new ElfError("its table of sections before its constants");

  const result = new Uint8Array(bytes.length - cut);
  result.set(bytes.subarray(0, start));
  result.set(data, start);
  result.set(bytes.subarray(cutEnd), cutStart);
  const view = new DataView(result.buffer);
  const set = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true);
  const place = (segment: number, from: number, at: number, length: number) => {
    set(segment + SEGMENT.offset, from);
    set(segment + SEGMENT.address, at);
    set(segment + SEGMENT.address + 8, at); // the physical address, which no system uses
    set(segment + SEGMENT.fileSize, length);
    set(segment + SEGMENT.memorySize, length);
  };
  let next = table;
  for (const segment of old.segments) {
    const copies = segment === constants ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      result.set(bytes.subarray(segment, segment + SEGMENT.bytes), next + copy * SEGMENT.bytes);
    }
    const from = old.number(segment + SEGMENT.offset);
    if (segment === constants) {
      const rest = cutEnd - offset;
      place(next, offset, address, cutStart - offset);
      place(next + SEGMENT.bytes, cutStart, address + rest, size - rest);
    } else if (old.view.getUint32(segment, true) === TABLE) {
      place(next, table, address + table - offset, SEGMENT.bytes * count);
    } else if (from >= cutEnd) set(next + SEGMENT.offset, from - cut);
    next += copies * SEGMENT.bytes;
  }
  set(32, table);
  view.setUint16(56, count, true);
  set(40, old.number(40) - cut); // the table of sections is at the end
  for (const section of old.sections) {
    const from = old.number(section + SECTION.offset);
    const at = section - cut;
    if (from >= cutEnd) set(at + SECTION.offset, from - cut);
    else if (from <= start && from + old.number(section + SECTION.size) >= end) {
      set(at + SECTION.size, cutStart - from);
    }
  }
  return result;
}
