/** Fits a text into a number of characters: cuts its end, its middle, or breaks it into lines. */

/**
 * Leaves out the middle of a text that is longer than `max`.
 *
 * @param max UTF-16 units of the text that stay, without the note about the rest.
 * @param leftBefore Units that {@link endsOf} has left out.
 * @returns Two thirds of `max` from the beginning, a note, and the rest from the end. Never cuts a
 * surrogate pair.
 */
export function clip(text: string, max: number, leftBefore = 0): string {
  if (text.length <= max) return text;
  const head = text.slice(0, startOfPair(text, Math.ceil(max * 2 / 3)));
  const tail = text.slice(startOfPair(text, text.length - Math.floor(max / 3)));
  const left = leftBefore + text.length - head.length - tail.length;
  return `${head}\n[… ${left} characters left out …]\n${tail}`;
}

/** The ends of a text, from which {@link clip} makes the same for a `max` that is 3 less. */
export function endsOf(text: string, max: number): { text: string; left?: number } {
  if (text.length <= max) return { text };
  const head = text.slice(0, Math.ceil(max * 2 / 3));
  const ends = new TextEncoder().encode(head + text.slice(text.length - Math.floor(max / 3)));
  return { text: new TextDecoder().decode(ends), left: text.length - max }; // a copy frees the whole
}

/** `at`, or the position before it if `at` is within a surrogate pair. */
function startOfPair(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= 0xDC00 && code <= 0xDFFF ? at - 1 : at;
}

/**
 * A text of at most `max` characters (UTF-16 units), ending in `…` if it was cut.
 *
 * Never ends in half of a surrogate pair: Discord would refuse the message, and so would a model.
 */
export function bounded(text: string, max: number): string {
  if (text.length <= max) return text.toWellFormed();
  return `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, "")}…`.toWellFormed();
}

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
