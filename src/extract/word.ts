/**
 * Reads the text of docx files.
 *
 * @module
 */

import { createText, type Text } from "./limits.ts";
import type { DocumentText } from "../core/turn/extract.ts";
import { xmlReader } from "./xml.ts";
import { type PartReader, readZip } from "./zip.ts";

/** Parts with text, in the order in which they are shown. */
const NOTES: readonly string[] = ["word/footnotes.xml", "word/endnotes.xml", "word/comments.xml"];

/** Reads the document, then its notes and comments. Deleted text of tracked changes is left out. */
export function readWord(archive: Uint8Array): DocumentText {
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
