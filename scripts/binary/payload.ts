/**
 * Takes the bytecode of rarely used chunks out of a compiled program's payload.
 *
 * Bun compiles all chunks or none. The bytecode of one takes twice as many bytes as its text. Without
 * it, the engine parses the text when the program loads the chunk, so only the first use of a rare
 * part takes longer. All other bytes stay as Bun wrote them.
 *
 * The payload ends with a table of modules, tables of shared parts, an index, and a mark. The layout
 * is not a public interface, so each unknown flag, length or mark ends the compilation.
 */

/** Ends each payload. */
const MARK = "\n---- Bun! ----\n";
/** Bytes of the index before the mark. */
const INDEX_BYTES = 32;
/** Bytes of a module's record: six ranges, and four bytes about its kind. */
const RECORD_BYTES = 52;
const RANGES = 6;
const RANGE_BYTES = 8;
const BYTECODE = 3;
/** In a record, this range is empty and begins where the bytecode ends. */
const MODULE_INFO = 4;
/** Offset in a record of the number that says how a module is loaded, and that of a file. */
const LOADER = { at: 49, file: 5 };

/** Bun aligns bytecode to so many bytes. A cut of a multiple keeps what follows aligned. */
const ALIGNMENT = 128;

/** Flags that say which tables follow that of the modules, in this order. */
const HAS = {
  sourceHashes: 1 << 5,
  builtinBytecode: 1 << 6,
  stringTable: 1 << 7,
  startupCount: 1 << 8,
  moduleStringTable: 1 << 9,
  linkedModules: 1 << 11,
};
const KNOWN_FLAGS = 0x1fff;

/** Bun's payload has another form than this module knows. */
export class PayloadError extends Error {
  override readonly name = "PayloadError";
  constructor(what: string) {
    super(
      `Bun's payload has ${what}, which scripts/binary/payload.ts does not know. ` +
        "Compare it with the format of this version of Bun",
    );
  }
}

/** A module of the payload. */
export interface PayloadModule {
  /** `"/$bunfs/root/main-j93nvpz4.js"`; the main entry has the name of the program. */
  readonly name: string;
  readonly textBytes: number;
  readonly bytecodeBytes: number;
  /** Whether Bun embeds it as a file, such as a part of a rare thread. */
  readonly isAsset: boolean;
}

interface Range {
  readonly start: number;
  readonly length: number;
}

/** Where the payload has ranges, and its modules. */
interface Layout {
  readonly modules: readonly PayloadModule[];
  /** Offsets of the modules' records. */
  readonly records: readonly number[];
  /** Offsets of all ranges that the payload's tables name. */
  readonly ranges: readonly number[];
  /** Bytecode of the runtime's own modules. */
  readonly builtinBytes: number;
  /** Strings that all bytecode shares. */
  readonly stringBytes: number;
}

function rangeAt(view: DataView, offset: number): Range {
  return { start: view.getUint32(offset, true), length: view.getUint32(offset + 4, true) };
}

function viewOf(payload: Uint8Array): DataView {
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
}

/** @throws {PayloadError} */
function readLayout(payload: Uint8Array): Layout {
  const view = viewOf(payload);
  const decoder = new TextDecoder();
  const end = payload.length - MARK.length;
  if (decoder.decode(payload.subarray(end)) !== MARK) throw new PayloadError("another end");
  const index = end - INDEX_BYTES;
  if (view.getBigUint64(index, true) !== BigInt(index)) throw new PayloadError("another length");
  const flags = view.getUint32(index + 28, true);
  if ((flags & ~KNOWN_FLAGS) !== 0) throw new PayloadError(`the flags ${flags.toString(2)}`);

  const table = rangeAt(view, index + 8);
  const count = table.length / RECORD_BYTES;
  if (!Number.isInteger(count)) throw new PayloadError("records of another length");
  const records = Array.from({ length: count }, (_, number) => table.start + RECORD_BYTES * number);
  const modules = records.map((record) => {
    const name = rangeAt(view, record);
    return {
      name: decoder.decode(payload.subarray(name.start, name.start + name.length)),
      textBytes: rangeAt(view, record + RANGE_BYTES).length,
      bytecodeBytes: rangeAt(view, record + RANGE_BYTES * BYTECODE).length,
      isAsset: view.getUint8(record + LOADER.at) === LOADER.file,
    };
  });
  const ranges = [
    index + 8,
    index + 20, // the program's arguments
    ...records.flatMap((record) =>
      Array.from({ length: RANGES }, (_, number) => record + RANGE_BYTES * number)
    ),
  ];

  let at = table.start + table.length;
  if (flags & HAS.sourceHashes) at += 4 * count;
  let builtinBytes = 0;
  if (flags & HAS.builtinBytecode) {
    const builtins = view.getUint32(at, true);
    at += 4;
    for (let number = 0; number < builtins; number++, at += 4 + RANGE_BYTES) {
      ranges.push(at + 4);
      builtinBytes += rangeAt(view, at + 4).length;
    }
  }
  let stringBytes = 0;
  if (flags & HAS.stringTable) {
    ranges.push(at);
    stringBytes = rangeAt(view, at).length;
    at += RANGE_BYTES;
  }
  if (flags & HAS.startupCount) at += 4;
  if (flags & HAS.moduleStringTable) {
    ranges.push(at);
    at += RANGE_BYTES;
  }
  if (flags & HAS.linkedModules) ranges.push(at);
  for (const offset of ranges) {
    const { start, length } = rangeAt(view, offset);
    if (start + length > index) throw new PayloadError("a range beyond its end");
  }
  return { modules, records, ranges, builtinBytes, stringBytes };
}

/** Bytes of the payload by part. */
export interface PayloadSizes {
  readonly text: number;
  readonly bytecode: number;
  /** Bytecode of the runtime's own modules. */
  readonly builtins: number;
  /** Strings that all bytecode shares. */
  readonly strings: number;
  readonly modules: readonly PayloadModule[];
}

/**
 * Reads the sizes of a payload's parts.
 *
 * @throws {PayloadError}
 */
export function sizesOf(payload: Uint8Array): PayloadSizes {
  const { modules, builtinBytes, stringBytes } = readLayout(payload);
  return {
    text: modules.reduce((sum, { textBytes }) => sum + textBytes, 0),
    bytecode: modules.reduce((sum, { bytecodeBytes }) => sum + bytecodeBytes, 0),
    builtins: builtinBytes,
    strings: stringBytes,
    modules,
  };
}

/**
 * Removes bytecode.
 *
 * @param keeps Whether a module keeps its bytecode, by its name without folder.
 * @returns A new payload.
 * @throws {PayloadError}
 */
export function withoutBytecode(
  payload: Uint8Array,
  keeps: (name: string) => boolean,
): Uint8Array {
  const { modules, records, ranges } = readLayout(payload);
  const from = viewOf(payload);
  const cuts: Range[] = [];
  const dropped = new Set<number>();
  for (const [number, record] of records.entries()) {
    if (keeps(modules[number]?.name.split("/").at(-1) ?? "")) continue;
    const { start, length } = rangeAt(from, record + RANGE_BYTES * BYTECODE);
    cuts.push({ start, length: length - length % ALIGNMENT });
    dropped.add(record + RANGE_BYTES * BYTECODE).add(record + RANGE_BYTES * MODULE_INFO);
  }
  cuts.sort((one, other) => one.start - other.start);

  /** Bytes that are cut before an offset. */
  function cutBefore(offset: number): number {
    return cuts.reduce((sum, cut) => cut.start < offset ? sum + cut.length : sum, 0);
  }

  const edited = payload.slice();
  const view = viewOf(edited);
  for (const offset of ranges) {
    const { start } = rangeAt(from, offset);
    if (dropped.has(offset)) view.setBigUint64(offset, 0n, true);
    else view.setUint32(offset, start - cutBefore(start), true);
  }
  const index = payload.length - MARK.length - INDEX_BYTES;
  view.setBigUint64(index, BigInt(index - cutBefore(index)), true);
  return withoutRanges(edited, cuts);
}

/** @param cuts Sorted, apart from each other. */
function withoutRanges(bytes: Uint8Array, cuts: readonly Range[]): Uint8Array {
  const kept = new Uint8Array(bytes.length - cuts.reduce((sum, { length }) => sum + length, 0));
  let read = 0;
  let written = 0;
  for (const { start, length } of [...cuts, { start: bytes.length, length: 0 }]) {
    kept.set(bytes.subarray(read, start), written);
    written += start - read;
    read = start + length;
  }
  return kept;
}
