/**
 * Reads office files: finds out by their parts which kind they are.
 *
 * @module
 */

import { UnreadableError } from "./limits.ts";
import type { DocumentText } from "../core/turn/extract.ts";
import { readSheets } from "./sheets.ts";
import { readSlides } from "./slides.ts";
import { readWord } from "./word.ts";
import { readZip } from "./zip.ts";

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
