/**
 * Checks whether chunks give back a text, apart from white space and the marks that a cut adds.
 *
 * @module
 */

/**
 * A fence may be closed with a longer marker than it was opened with. Barnacle closes it with one
 * of the same length.
 */
const bare = (text: string): string =>
  text.replace(/`{3,}/g, "```").replace(/~{3,}/g, "~~~").replace(/\s/g, "");

/** Each may have been added before a chunk, in this order; none must have been. */
const BEFORE = [
  /^>>> /,
  /^\|\|/,
  /^[ \t>]*(?:`{3,}|~{3,})[^\n]*\n/,
  /^(?:> ){1,2}/,
  /^\|\|/,
  /^`{1,2}(?!`)/,
];
/** And behind it, from the end; of the line that closes a fence, perhaps only its indentation. */
const BEHIND = [
  /\|\|$/,
  /[ \t>]+(?=(?:`{3,}|~{3,})$)/,
  /\n[ \t>]*(?:`{3,}|~{3,})$/,
  /(?<!`)`{1,2}$/,
];

/** All possible rests of a chunk without added marks. */
function withoutMarks(chunk: string): ReadonlySet<string> {
  let all = new Set([chunk]);
  for (const mark of [...BEFORE, ...BEHIND]) {
    all = new Set([...all].flatMap((one) => [one, one.replace(mark, "")]));
  }
  return new Set([...all].map(bare));
}

/** Whether the chunks, joined, give back the text (R2). */
export function givesBack(chunks: readonly string[], text: string): boolean {
  const whole = bare(text);
  let reached = new Set([0]);
  for (const chunk of chunks) {
    const next = new Set<number>();
    for (const rest of withoutMarks(chunk)) {
      for (const at of reached) if (whole.startsWith(rest, at)) next.add(at + rest.length);
    }
    reached = next;
  }
  return reached.has(whole.length);
}
