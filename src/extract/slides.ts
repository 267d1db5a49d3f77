/** Reads the text of pptx files. */

import { createText, MAX_PAGES, type Text } from "./limits.ts";
import type { DocumentText } from "../core/turn/extract.ts";
import { xmlReader } from "./xml.ts";
import { type PartReader, readZip } from "./zip.ts";

/** Reads the slides by number, each with its speaker's notes. */
export function readSlides(archive: Uint8Array): DocumentText {
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
  return xmlReader({
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
