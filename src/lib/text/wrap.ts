/**
 * Breaks prose into lines, for help texts and comments of example files.
 *
 * @module
 */

/**
 * Breaks a text between words into lines of at most `width` characters. A longer word has a line of
 * its own, uncut.
 */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}
