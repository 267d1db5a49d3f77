/**
 * Takes other languages than English out of the runtime's data about them (ICU).
 *
 * Barnacle formats dates and numbers in English only, so nothing reads the other languages, which have
 * 8.9 MB. A look-up of one gives English or the root's forms, depending on the machine's language. What
 * all languages share stays: time zones, characters and their forms. The word lists of scripts without
 * spaces go, too: Barnacle splits text between characters, and not between words.
 *
 * The data are a header, a table of names with offsets from the table's start, the names, and the items
 * in the order of their names.
 *
 * @see {@link https://unicode-org.github.io/icu/userguide/icu_data/}
 */

import { Buffer } from "node:buffer";

/** The format's name within the header, which begins some bytes before it. */
const FORMAT = { name: "CmnD", at: 12 };
/** Two bytes behind the header's length. */
const MAGIC = 0x27da;
const COUNT_BYTES = 4;
const ENTRY_BYTES = 8;
/** Items begin at multiples of this, as in what ICU builds. */
const ALIGNMENT = 16;

/** Files of languages: `de.res`, `zh_Hant_HK.res`. It also matches their list, `res_index.res`. */
const LANGUAGE = /(?:^|\/)[a-z]{2,3}(?:_\w*)?\.res$/;
const KEPT = /(?:^|\/)(?:en(?:_\w*)?|res_index)\.res$/;
/** Word lists of scripts without spaces. */
const WORDS = /\.dict$/;

/** The data have another form than this module knows. */
export class IcuError extends Error {
  override readonly name = "IcuError";
  constructor(what: string) {
    super(`The runtime has ${what}: compare scripts/binary/icu.ts with this version of Bun`);
  }
}

/** An item of the data: `icudt78l/de.res`. */
interface Item {
  readonly name: string;
  /** From the start of the table. */
  readonly offset: number;
}

/** Where a program has its data about languages. */
export interface LanguageData {
  /** Offset of the header. */
  readonly start: number;
  /** Offset of the last item, whose length only ICU knows. */
  readonly end: number;
}

/** Whether a program for English needs the item. */
const isKept = (name: string): boolean =>
  !WORDS.test(name) && (!LANGUAGE.test(name) || KEPT.test(name));

/** Reads the table at an offset. */
function readItems(bytes: Buffer, table: number): readonly Item[] {
  const count = bytes.readUInt32LE(table);
  const items = Array.from({ length: count }, (_, each) => {
    const entry = table + COUNT_BYTES + ENTRY_BYTES * each;
    const name = table + bytes.readUInt32LE(entry);
    return {
      name: bytes.toString("latin1", name, bytes.indexOf(0, name)),
      offset: bytes.readUInt32LE(entry + 4),
    };
  });
  const isInOrder = items.every(({ offset }, each) =>
    offset % ALIGNMENT === 0 && offset > (items[each - 1]?.offset ?? 0)
  );
  if (!isInOrder) throw new IcuError("data about languages in another order");
  return items;
}

/**
 * Finds the data in a program.
 *
 * @throws {IcuError} If there are none, or several.
 */
export function findLanguageData(program: Uint8Array): LanguageData {
  const bytes = asBuffer(program);
  const starts: number[] = [];
  for (let at = bytes.indexOf(FORMAT.name); at >= 0; at = bytes.indexOf(FORMAT.name, at + 1)) {
    const start = at - FORMAT.at;
    if (start >= 0 && bytes.readUInt16LE(start + 2) === MAGIC) starts.push(start);
  }
  const [start] = starts;
  if (start === undefined || starts.length > 1) {
    throw new IcuError(`data about languages in ${starts.length} places`);
  }
  const table = start + bytes.readUInt16LE(start);
  return { start, end: table + (readItems(bytes, table).at(-1)?.offset ?? 0) };
}

/**
 * Makes the data for English, with the same header.
 *
 * @throws {IcuError} If their order is another one.
 */
export function englishOnly(program: Uint8Array, { start }: LanguageData): Uint8Array {
  const bytes = asBuffer(program);
  const header = bytes.readUInt16LE(start);
  const table = start + header;
  const items = readItems(bytes, table);
  const kept = items.flatMap(({ name, offset }, each) => {
    const end = items[each + 1]?.offset; // the last one is a language
    if (!isKept(name)) return [];
    if (end === undefined) throw new IcuError(`${name} behind all languages`);
    return [{ name: Buffer.from(`${name}\0`, "latin1"), data: [table + offset, table + end] }];
  });
  const namesAt = COUNT_BYTES + ENTRY_BYTES * kept.length;
  const names = Buffer.concat(kept.map(({ name }) => name));
  const head = Buffer.alloc(aligned(namesAt + names.length));
  names.copy(head, namesAt);
  head.writeUInt32LE(kept.length);
  const parts: Uint8Array[] = [bytes.subarray(start, table), head];
  let nameAt = namesAt;
  let dataAt = head.length;
  for (const [each, { name, data }] of kept.entries()) {
    head.writeUInt32LE(nameAt, COUNT_BYTES + ENTRY_BYTES * each);
    head.writeUInt32LE(dataAt, COUNT_BYTES + ENTRY_BYTES * each + 4);
    const part = bytes.subarray(...data);
    parts.push(part);
    nameAt += name.length;
    dataAt += part.length;
  }
  return Buffer.concat(parts);
}

const aligned = (length: number): number => Math.ceil(length / ALIGNMENT) * ALIGNMENT;

const asBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
