/**
 * Follows Discord's Markdown, to know which marks are open at a position.
 *
 * Bold that begins before a piece of code and ends within it breaks the code: it is no code any
 * more. Discord reads marks in the order in which they begin, each up to the next one of its kind.
 *
 * @module
 */

/** The marks that are open in the text so far. */
export interface Marks {
  /** Reads more of the text. */
  read(text: string): void;
  /** Whether an open mark could end in this text, if Discord reads marks there. */
  mayEndIn(text: string): boolean;
}

const MARK = /\\[^0-9A-Za-z\s]|\*{1,2}|_{1,2}|~~|\|\|/g;

/** Starts at the beginning of a text, without open marks. */
export function createMarks(): Marks {
  const open: string[] = [];
  return {
    read(text) {
      for (const [mark] of text.matchAll(MARK)) {
        if (mark.startsWith("\\")) continue;
        const place = open.lastIndexOf(mark);
        if (place === -1) open.push(mark);
        else open.length = place;
      }
    },
    mayEndIn: (text) => open.some((mark) => text.includes(mark)),
  };
}
