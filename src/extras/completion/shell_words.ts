/** Reads the line of bash up to the cursor as words, as bash itself would. */

/**
 * Divides a line.
 *
 * @param breaks `COMP_WORDBREAKS` of the shell.
 */
export function wordsOf(line: string, breaks: string): {
  /** The words after the program; the last one is incomplete, and may be empty. */
  readonly words: readonly string[];
  /**
   * Characters at the beginning of the last word that bash keeps by itself: it divides words at `:`
   * and `=`, too.
   */
  readonly cutHead: number;
  /** The quote that is open around the last word; empty without one. */
  readonly quote: string;
} {
  const words: string[] = [];
  let word = "";
  let isWord = false;
  let quote = "";
  for (let at = 0; at < line.length; at += 1) {
    const char = line.charAt(at);
    if (quote !== "") {
      if (char === quote) quote = "";
      else if (char === "\\" && quote === '"' && /["\\$`]/.test(line.charAt(at + 1))) {
        at += 1;
        word += line.charAt(at);
      } else word += char;
    } else if (char === "'" || char === '"') {
      quote = char;
      isWord = true;
    } else if (/\s/.test(char)) {
      if (isWord) words.push(word);
      [word, isWord] = ["", false];
    } else {
      if (char === "\\") at += 1;
      word += line.charAt(at);
      isWord = true;
    }
  }
  words.push(word);
  const cutHead = quote === ""
    ? Math.max(
      0,
      ...[..."=:"].filter((char) => breaks.includes(char))
        .map((char) => word.lastIndexOf(char) + 1),
    )
    : 0;
  return { words: words.slice(1), cutHead, quote };
}

/**
 * Writes a word so that bash takes it as one word without any meaning.
 *
 * `printf %q` does not: in a locale that lacks a letter of the word, it writes `$'…'`, which runs
 * commands within a quote that the person has opened. In such a quote, only harmless words are proposed.
 *
 * @returns `undefined` for a word that is not proposed.
 */
export function bashWord(value: string, quote: string): string | undefined {
  if (quote !== "") return /['"$`\\!]/.test(value) ? undefined : value;
  return value.replace(/[^\w%+=:,./@\u0080-\uffff-]/g, "\\$&");
}
