/** Limits of reading files by people (H8, SEC-R25). A file beyond one of them is refused or cut. */

/** Pages, slides or sheets that are read of a document. */
export const MAX_PAGES = 20;
/** Maximum UTF-16 units of a document's text. */
export const MAX_CHARS = 200_000;
/** Maximum number of entries in an archive. An honest presentation has some hundred. */
export const MAX_ENTRIES = 4_000;
/** Maximum bytes of all parts of an archive that are read, inflated. */
export const MAX_INFLATED_BYTES = 32 * 1024 * 1024;
/** Maximum ratio between the size of a part and its compressed size. Office files reach 30. */
export const MAX_RATIO = 100;
/**
 * Maximum ratio between the inflated and the read bytes of a part so far. So a bomb ends with its first
 * piece, whatever size its header claims.
 */
export const MAX_RATIO_SO_FAR = 400;
/** Parts up to this size may have any ratio: an empty table compresses well. */
export const RATIO_FREE_BYTES = 1024 * 1024;
/** Maximum number of a workbook's shared strings in UTF-16 units. */
export const MAX_STRING_CHARS = 4_000_000;

/** A file cannot be read, for a reason that people may know. */
export class UnreadableError extends Error {
  override readonly name = "UnreadableError";
}

export function createText() {
  const parts: string[] = [];
  let chars = 0;
  return {
    /** Adds a text. Once the limit is reached, the rest is dropped. */
    add(text: string): void {
      const room = MAX_CHARS - chars;
      if (room <= 0) return;
      parts.push(text.slice(0, room));
      chars += text.length;
    },
    get isFull(): boolean {
      return chars >= MAX_CHARS;
    },
    /** The text so far, without blank lines in a row. */
    read: (): string => parts.join("").replace(/[ \t]+\n/g, "\n").replace(/\n{3,}/g, "\n\n").trim(),
  };
}

/** Collects a document's text up to its limit. */
export type Text = ReturnType<typeof createText>;
