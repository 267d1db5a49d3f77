/**
 * Reads office files: finds out by their parts which kind they are, and reads the text of docx files.
 *
 * The archive of sheets is read twice. Cells refer to strings and formats of other parts, which may
 * come after the sheets. Excel stores a date as a number, which only its format tells from others.
 *
 * A document type in the XML is refused: office files have none, and entities that it declares may grow
 * without end or name other files. The archive is inflated in small pieces, and each piece is counted
 * before the next one (SEC-R25). So it does not matter which sizes its headers claim.
 */

import { Unzip, UnzipInflate } from "fflate";
import { SaxesParser } from "saxes";
import { DAY_MS } from "../lib/clock.ts";
import {
  createText,
  type DocumentText,
  MAX_ENTRIES,
  MAX_INFLATED_BYTES,
  MAX_PAGES,
  MAX_RATIO,
  MAX_RATIO_SO_FAR,
  MAX_STRING_CHARS,
  RATIO_FREE_BYTES,
  type Text,
  UnreadableError,
} from "./extractor.ts";

/** Maximum depth of elements. Word nests tables some ten levels deep. */
const MAX_DEPTH = 200;

function createXmlReader({ open, text, close }: {
  open?(name: string, attributes: Readonly<Record<string, string>>): void;
  text?(text: string): void;
  close?(name: string): void;
}) {
  const parser = new SaxesParser({ xmlns: false });
  const decoder = new TextDecoder();
  let depth = 0;
  parser.on("doctype", () => {
    throw new UnreadableError("the file declares a document type");
  });
  parser.on("error", (error) => {
    throw new UnreadableError("the file is damaged", { cause: error });
  });
  parser.on("opentag", ({ name, attributes }) => {
    if (++depth > MAX_DEPTH) throw new UnreadableError("the file is nested too deeply");
    open?.(localName(name), attributes);
  });
  parser.on("text", (part) => text?.(part));
  parser.on("closetag", ({ name }) => {
    depth -= 1;
    close?.(localName(name));
  });
  return {
    /** Takes the next piece. Throws to refuse the archive. */
    write: (bytes: Uint8Array) => void parser.write(decoder.decode(bytes, { stream: true })),
    end(): void {
      parser.write(decoder.decode()).close();
    },
  };
}

export type PartReader = ReturnType<typeof createXmlReader>;

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

/**
 * Bytes of the archive that are inflated at once: a bomb makes at most a thousand times as many of
 * them, 4 MB.
 */
const PIECE_BYTES = 4_096;

/**
 * Reads an archive once.
 *
 * @param choose Returns the reader of the part with this name; `undefined` skips it. Of several
 * parts with one name, only the first is read.
 * @throws {UnreadableError} If the archive is beyond a limit, or damaged; or a reader's error.
 */
export function readZip(
  archive: Uint8Array,
  choose: (name: string) => PartReader | undefined,
): void {
  const seen = new Set<string>();
  let entries = 0;
  let total = 0;
  let open = 0;
  let pieceEnd = 0;
  let failure: Error | undefined;
  const unzip = new Unzip((file) => {
    entries += 1;
    if (entries > MAX_ENTRIES) {
      throw new UnreadableError(`the archive has more than ${MAX_ENTRIES} parts`);
    }
    if (seen.has(file.name)) return;
    seen.add(file.name);
    const reader = choose(file.name);
    if (!reader) return;
    open += 1;
    let size = 0;
    const partStart = pieceEnd - PIECE_BYTES;
    file.ondata = (error, bytes, isLast) => {
      if (error) {
        failure = error;
        return;
      }
      size += bytes.length;
      total += bytes.length;
      const compressed = Math.max(1, file.size ?? archive.length);
      const isFar = size / compressed > MAX_RATIO ||
        size / (pieceEnd - partStart) > MAX_RATIO_SO_FAR;
      if (total > MAX_INFLATED_BYTES || (size > RATIO_FREE_BYTES && isFar)) {
        throw new UnreadableError("the archive is far larger than the file says: a zip bomb");
      }
      reader.write(bytes);
      if (!isLast) return;
      open -= 1;
      reader.end();
    };
    file.start();
  });
  unzip.register(UnzipInflate);
  try {
    for (let from = 0; from < archive.length; from += PIECE_BYTES) {
      const to = from + PIECE_BYTES;
      pieceEnd = to;
      unzip.push(archive.subarray(from, to), to >= archive.length);
      if (failure) throw failure;
    }
  } catch (error) {
    if (error instanceof UnreadableError) throw error;
    throw new UnreadableError("the file is damaged", { cause: error });
  }
  if (open > 0) throw new UnreadableError("the file is damaged");
}

interface Book {
  readonly strings: string[];
  /** Indexes of the formats that show dates. */
  readonly dateStyles: Set<number>;
  /** Names and relation ids of the sheets, in their order. */
  readonly sheets: { readonly name: string; readonly relation: string }[];
  /** Paths of parts, by relation id. */
  readonly paths: Map<string, string>;
  isFrom1904: boolean;
}

/** Most columns that an empty space between two cells counts. */
const MAX_GAP = 50;

/** Reads the sheets in the order of the workbook. */
function readSheets(archive: Uint8Array): DocumentText {
  const book: Book = {
    strings: [],
    dateStyles: new Set(),
    sheets: [],
    paths: new Map(),
    isFrom1904: false,
  };
  readZip(archive, (name) => {
    switch (name) {
      case "xl/workbook.xml":
        return workbookReader(book);
      case "xl/_rels/workbook.xml.rels":
        return relationsReader(book);
      case "xl/sharedStrings.xml":
        return stringsReader(book);
      case "xl/styles.xml":
        return stylesReader(book);
      default:
        return undefined;
    }
  });
  const texts = new Map<string, Text>();
  const shown = book.sheets.slice(0, MAX_PAGES);
  for (const { relation } of shown) {
    const path = book.paths.get(relation);
    if (path !== undefined) texts.set(path, createText());
  }
  readZip(archive, (name) => {
    const text = texts.get(name);
    return text && sheetReader(text, book);
  });
  const all = createText();
  let isCut = false;
  for (const { name, relation } of shown) {
    const text = texts.get(book.paths.get(relation) ?? "");
    isCut ||= text?.isFull ?? false;
    all.add(`[sheet: ${name}]\n${text?.read() ?? ""}\n\n`);
  }
  return {
    text: all.read(),
    isCut: isCut || all.isFull,
    pages: { unit: "sheets", read: shown.length, total: book.sheets.length },
  };
}

function workbookReader(book: Book): PartReader {
  return createXmlReader({
    open(name, attributes) {
      if (name === "workbookPr") {
        book.isFrom1904 = /^(?:1|true)$/.test(attributes["date1904"] ?? "");
      }
      if (name !== "sheet") return;
      book.sheets.push({ name: attributes["name"] ?? "", relation: attributes["r:id"] ?? "" });
    },
  });
}

function relationsReader(book: Book): PartReader {
  return createXmlReader({
    open(name, { Id: id, Target: target }) {
      if (name !== "Relationship" || id === undefined || target === undefined) return;
      book.paths.set(id, target.startsWith("/") ? target.slice(1) : `xl/${target}`);
    },
  });
}

function stringsReader({ strings }: Book): PartReader {
  let current = "";
  let isText = false;
  /** Within a pronunciation, which repeats the text. */
  let isPhonetic = false;
  let chars = 0;
  return createXmlReader({
    open(name) {
      if (name === "si") current = "";
      else if (name === "t") isText = true;
      else if (name === "rPh") isPhonetic = true;
    },
    text(text) {
      if (!isText || isPhonetic) return;
      chars += text.length;
      if (chars > MAX_STRING_CHARS) throw new UnreadableError("the workbook has too much text");
      current += text;
    },
    close(name) {
      if (name === "t") isText = false;
      else if (name === "rPh") isPhonetic = false;
      else if (name === "si") strings.push(current);
    },
  });
}

function stylesReader({ dateStyles }: Book): PartReader {
  const codes = new Map<number, string>();
  let isCells = false;
  let index = 0;
  return createXmlReader({
    open(name, attributes) {
      const id = Number(attributes["numFmtId"]);
      if (name === "numFmt") codes.set(id, attributes["formatCode"] ?? "");
      else if (name === "cellXfs") isCells = true;
      else if (name === "xf" && isCells) {
        if (isDateFormat(id, codes.get(id))) dateStyles.add(index);
        index += 1;
      }
    },
    close: (name) => {
      if (name === "cellXfs") isCells = false;
    },
  });
}

function sheetReader(into: Text, book: Book): PartReader {
  let type = "";
  let style = -1;
  let value = "";
  let isValue = false;
  let column = 0;
  return createXmlReader({
    open(name, attributes) {
      if (name === "row") column = 0;
      else if (name === "c") {
        type = attributes["t"] ?? "n";
        style = Number(attributes["s"] ?? -1);
        value = "";
        const next = columnOf(attributes["r"]) ?? column + 1;
        into.add("\t".repeat(Math.min(MAX_GAP, Math.max(0, next - Math.max(1, column)))));
        column = next;
      } else if (name === "v" || name === "t") isValue = true;
    },
    text(text) {
      if (isValue && value.length < 100_000) value += text;
    },
    close(name) {
      if (name === "v" || name === "t") isValue = false;
      else if (name === "c") into.add(shownValue(value, type, style, book).replace(/\s+/g, " "));
      else if (name === "row") into.add("\n");
    },
  });
}

function shownValue(value: string, type: string, style: number, book: Book): string {
  if (type === "s") return book.strings[Number(value)] ?? "";
  if (type === "b") return value === "1" ? "TRUE" : "FALSE";
  const isDate = type === "n" && value !== "" && book.dateStyles.has(style);
  return (isDate ? dateOf(Number(value), book.isFrom1904) : undefined) ?? value;
}

/** `"C5"` is column 3. */
function columnOf(reference: string | undefined): number | undefined {
  const letters = /^[A-Z]{1,3}/.exec(reference ?? "")?.[0];
  if (letters === undefined) return undefined;
  let column = 0;
  for (const letter of letters) column = column * 26 + letter.charCodeAt(0) - 64;
  return column;
}

/** Ids of Excel's own formats that show a date or a time. */
const DATE_FORMATS: ReadonlySet<number> = new Set([
  ...[14, 15, 16, 17, 18, 19, 20, 21, 22],
  ...[45, 46, 47],
]);

/** Whether a format shows numbers as dates or times. */
export function isDateFormat(id: number, code: string | undefined): boolean {
  if (code === undefined) return DATE_FORMATS.has(id);
  // Text in quotes or brackets, such as a colour, is no part of the date.
  return /[dmyhs]/i.test(code.replace(/"[^"]*"|\[[^\]]*\]|\\./g, "")) && !/^general$/i.test(code);
}

/** Days between Excel's day 0, 30 December 1899, and 1 January 1970. */
const EPOCH_DAYS = 25_569;
/** Days between the two ways of counting: from 1900 and from 1904. */
const DAYS_1904 = 1_462;

/**
 * Formats a number of days: `"2026-03-01"`, `"2026-03-01 14:30"` or `"14:30"`.
 *
 * @returns `undefined` if it is no date.
 */
export function dateOf(days: number, isFrom1904: boolean): string | undefined {
  if (!Number.isFinite(days) || days < 0 || days > 2_958_465) return undefined;
  const since1900 = isFrom1904 && days >= 1 ? days + DAYS_1904 : days;
  // Rounded to seconds, because a double holds no exact minute of a day.
  const ms = Math.round((since1900 - EPOCH_DAYS) * DAY_MS / 1_000) * 1_000;
  const [date = "", time = ""] = new Date(ms).toISOString().split("T");
  const clock = time.endsWith(":00.000Z") ? time.slice(0, 5) : time.slice(0, 8);
  if (days < 1) return clock;
  return clock === "00:00" ? date : `${date} ${clock}`;
}

/** Reads the slides by number, each with its speaker's notes. */
function readSlides(archive: Uint8Array): DocumentText {
  const slides = new Map<number, Text>();
  const notes = new Map<number, Text>();
  let total = 0;
  readZip(archive, (name) => {
    const [, kind, digits] =
      /^ppt\/(slides\/slide|notesSlides\/notesSlide)(\d{1,5})\.xml$/.exec(name) ?? [];
    const number = Number(digits);
    if (kind === undefined || number === 0) return undefined;
    const isSlide = kind.startsWith("slides/");
    if (isSlide) total += 1;
    if (number > MAX_PAGES) return undefined;
    const text = createText();
    (isSlide ? slides : notes).set(number, text);
    return slideReader(text);
  });
  const numbers = [...slides.keys()].sort((one, other) => one - other);
  const texts = numbers.map((number) => {
    const spoken = notes.get(number)?.read() ?? "";
    const shown = slides.get(number)?.read() ?? "";
    return `[slide ${number}]\n${shown}${spoken === "" ? "" : `\n[notes]\n${spoken}`}`;
  });
  const text = createText();
  text.add(texts.join("\n\n"));
  return {
    text: text.read(),
    isCut: text.isFull,
    pages: { unit: "slides", read: numbers.length, total: Math.max(total, numbers.length) },
  };
}

function slideReader(into: Text): PartReader {
  let isText = false;
  return createXmlReader({
    open(name) {
      if (name === "t") isText = true;
      else if (name === "br") into.add("\n");
    },
    text: (text) => isText && into.add(text),
    close(name) {
      if (name === "t") isText = false;
      else if (name === "p" || name === "tr") into.add("\n");
      else if (name === "tc") into.add("\t");
    },
  });
}

/** Parts with text, in the order in which they are shown. */
const NOTES: readonly string[] = ["word/footnotes.xml", "word/endnotes.xml", "word/comments.xml"];

/** Reads the document, then its notes and comments. Deleted text of tracked changes is left out. */
function readWord(archive: Uint8Array): DocumentText {
  const body = createText();
  const notes = createText();
  readZip(archive, (name) => {
    if (name === "word/document.xml") return bodyReader(body);
    return NOTES.includes(name) ? bodyReader(notes) : undefined;
  });
  const text = [body.read(), notes.read()].filter((part) => part !== "").join("\n\n");
  return { text, isCut: body.isFull || notes.isFull };
}

function bodyReader(into: Text): PartReader {
  let isText = false;
  /** Depth of table cells: paragraphs of a cell stand on one line. */
  let cells = 0;
  return createXmlReader({
    open(name) {
      if (name === "t") isText = true;
      else if (name === "tab") into.add("\t");
      else if (name === "br" || name === "cr") into.add("\n");
      else if (name === "tc") cells += 1;
    },
    text: (text) => isText && into.add(text),
    close(name) {
      if (name === "t") isText = false;
      else if (name === "p") into.add(cells > 0 ? " " : "\n");
      else if (name === "tr") into.add("\n");
      else if (name === "tc") {
        cells -= 1;
        into.add("\t");
      }
    },
  });
}

/** The part that only one kind of office file has, and the reader of that kind. */
const KINDS: readonly [part: string, read: (archive: Uint8Array) => DocumentText][] = [
  ["word/document.xml", readWord],
  ["xl/workbook.xml", readSheets],
  ["ppt/presentation.xml", readSlides],
];

/**
 * Reads a docx, xlsx or pptx file.
 *
 * @throws {UnreadableError} If it is another archive, which Barnacle does not unpack (SEC-R25).
 */
export function readOffice(archive: Uint8Array): DocumentText {
  const names = new Set<string>();
  readZip(archive, (name) => {
    names.add(name);
    return undefined;
  });
  const kind = KINDS.find(([part]) => names.has(part));
  if (!kind) throw new UnreadableError("it is an archive, which is not unpacked");
  return kind[1](archive);
}
