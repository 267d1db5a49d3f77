/**
 * Reads the text of xlsx files, as lines with tabs.
 *
 * The archive is read twice. Cells refer to strings and formats of other parts, which may come
 * after the sheets.
 *
 * @module
 */

import { dateOf, isDateFormat } from "./dates.ts";
import { createText, MAX_PAGES, MAX_STRING_CHARS, type Text, UnreadableError } from "./limits.ts";
import type { DocumentText } from "../core/turn/extract.ts";
import { xmlReader } from "./xml.ts";
import { type PartReader, readZip } from "./zip.ts";

/** Everything that cells refer to. */
interface Book {
  /** Strings by index. */
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
export function readSheets(archive: Uint8Array): DocumentText {
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
  return xmlReader({
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
  return xmlReader({
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
  return xmlReader({
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
  return xmlReader({
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
  return xmlReader({
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
