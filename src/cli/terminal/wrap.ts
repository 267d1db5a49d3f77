/** Breaks the lines of a result between words, because a terminal breaks them within words. */

import { stripVTControlCharacters } from "node:util";

const GAP = "  ";

/**
 * Breaks lines between words, so that a terminal does not break them within words. Further lines begin
 * below the last column that leaves room for the longest word, and is not too far to the right. Columns after it
 * get no more room than they need.
 *
 * @param columns Of the terminal.
 */
export function wrapLines(
  lines: readonly string[],
  columns: number,
): readonly string[] {
  return lines.flatMap((line) => {
    const plain = stripVTControlCharacters(line);
    if (widthOf(plain) <= columns) return [line];
    const [margin = ""] = /^\s*/.exec(plain) ?? [];
    const head = headOf(plain, Math.min(columns / 2, columns - longestWord(plain, columns)));
    const indent = head.length > margin.length ? " ".repeat(widthOf(head)) : margin + GAP;
    const words = line.split(" "); // a style has no space, and may be anywhere
    const ofHead = head.split(" ").length - 1;
    let shown = words.slice(0, ofHead).map((word) => `${word} `).join("");
    let room = columns - widthOf(head);
    const broken: string[] = [];
    const rest = words.slice(ofHead).filter((word, at, all) => word !== "" || all[at - 1] !== "");
    for (const [at, word] of rest.entries()) {
      const width = widthOf(stripVTControlCharacters(word));
      if (at > 0 && width + 1 <= room) shown += ` ${word}`;
      else if (at === 0) shown += word;
      else {
        broken.push(shown);
        shown = indent + word;
        room = columns - indent.length + 1;
      }
      room -= width + (at === 0 ? 0 : 1);
    }
    return [...broken, shown];
  });
}

/** The width of the longest word, without those that fit into no line. */
function longestWord(line: string, columns: number): number {
  const widths = line.split(" ").map(widthOf);
  return Math.max(0, ...widths.filter((width) => width <= columns - GAP.length));
}

/** The margin and the columns of a line, up to a width. */
function headOf(line: string, most: number): string {
  const column = /\s*\S+(?: \S+)* {2,}/y;
  let end = /^\s*/.exec(line)?.[0].length ?? 0;
  while (column.test(line) && column.lastIndex <= most) end = column.lastIndex;
  return line.slice(0, end);
}

/** Columns that a text takes at most. A start does not load the tables of `displayWidth()` for this. */
function widthOf(text: string): number {
  const wide = text.match(/[\u1100-\u115f\u2e80-\u{10ffff}]|\p{Emoji_Presentation}/gu)?.length ?? 0;
  return wide + text.replace(/[\p{M}\p{Cf}]/gu, "").replace(/[^]/gu, "x").length;
}
