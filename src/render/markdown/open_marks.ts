/**
 * Follows Discord's Markdown as far as to know which marks are open at some place.
 *
 * Bold that was begun before a piece of code and ends within it breaks the code
 * up: what looks like code is none. Discord reads marks in the order in which
 * they begin, and each to the next of its kind.
 *
 * @module
 */

export interface Marks {
  /** Goes on with more of the text. */
  read(text: string): void;
  /** Whether a mark that is open ends in this text, if Discord looks there. */
  mayEndIn(text: string): boolean;
}

const MARK = /\\[^0-9A-Za-z\s]|\*{1,2}|_{1,2}|~~|\|\|/g;

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
