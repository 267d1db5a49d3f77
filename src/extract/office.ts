/**
 * Reads office files: finds out by their parts which kind they are, and reads the text of docx files.
 */

import type { DocumentText } from "../core/turn/extract.ts";
import { createText, type Text, UnreadableError } from "./limits.ts";
import { xmlReader } from "./xml.ts";
import { type PartReader, readZip } from "./zip.ts";
import { readSheets } from "./sheets.ts";
import { readSlides } from "./slides.ts";

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
  return xmlReader({
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
