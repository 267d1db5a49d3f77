/**
 * Shortens a long text for a reader who needs its beginning and its end.
 *
 * @module
 */

/**
 * Leaves out the middle of a text that is longer than `max`.
 *
 * @param max UTF-16 units of the text that stay, without the note about the rest.
 * @returns Two thirds of `max` from the beginning, a note, and the rest from the end. Never cuts a
 * surrogate pair.
 */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text;
  const head = text.slice(0, startOfPair(text, Math.ceil(max * 2 / 3)));
  const tail = text.slice(startOfPair(text, text.length - Math.floor(max / 3)));
  const left = text.length - head.length - tail.length;
  return `${head}\n[… ${left} characters left out …]\n${tail}`;
}

/** `at`, or the position before it if `at` is within a surrogate pair. */
function startOfPair(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= 0xDC00 && code <= 0xDFFF ? at - 1 : at;
}
