/**
 * Reads the text of PDF files, by the library pdf.js.
 *
 * Nothing of a PDF is run or drawn: no script, no font and no picture.
 */

import { createText, MAX_PAGES, UnreadableError } from "./extractor.ts";
import type { DocumentText } from "./extractor.ts";

/** Loads the library; {@link readPdf} needs no more code after that. */
export async function loadPdfReader(): Promise<void> {
  const { getResolvedPDFJS } = await import("unpdf");
  await getResolvedPDFJS();
}

/** Reads the first pages. */
export async function readPdf(file: Uint8Array): Promise<DocumentText> {
  const { getDocumentProxy } = await import("unpdf");
  const pdf = await getDocumentProxy(file, {
    disableFontFace: true,
    useSystemFonts: false,
    verbosity: 0,
  }).catch((error: unknown) => {
    const isLocked = error instanceof Error && error.name === "PasswordException";
    const why = isLocked ? "the PDF needs a password" : "the PDF is damaged";
    throw new UnreadableError(why, { cause: error });
  });
  const text = createText();
  const read = Math.min(MAX_PAGES, pdf.numPages);
  for (let number = 1; number <= read && !text.isFull; number++) {
    const page = await pdf.getPage(number);
    const { items } = await page.getTextContent();
    if (read > 1) text.add(`[page ${number}]\n`);
    for (const item of items) {
      if ("str" in item) text.add(item.hasEOL ? `${item.str}\n` : item.str);
    }
    text.add("\n\n");
    page.cleanup();
    collectGarbage();
  }
  return {
    text: text.read(),
    isCut: text.isFull,
    pages: { unit: "pages", read, total: pdf.numPages },
  };
}

/** A page leaves several megabytes behind, and Bun's collector waits until the heap has doubled. */
function collectGarbage(): void {
  const bun: unknown = Reflect.get(globalThis, "Bun");
  if (typeof bun === "object" && bun !== null && "gc" in bun && typeof bun.gc === "function") {
    bun.gc(true);
  }
}
