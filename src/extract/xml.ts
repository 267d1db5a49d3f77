/**
 * Reads XML parts of office files in a stream.
 *
 * A document type is refused: office files have none, and entities that it declares may grow
 * without end or name other files. The parser loads no external entity in any case.
 */

import { SaxesParser } from "saxes";
import { UnreadableError } from "./limits.ts";
import type { PartReader } from "./zip.ts";

/** Maximum depth of elements. Word nests tables some ten levels deep. */
const MAX_DEPTH = 200;

export function xmlReader({ open, text, close }: {
  open?(name: string, attributes: Readonly<Record<string, string>>): void;
  text?(text: string): void;
  close?(name: string): void;
}): PartReader {
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
    write: (bytes) => void parser.write(decoder.decode(bytes, { stream: true })),
    end: () => void parser.write(decoder.decode()).close(),
  };
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}
