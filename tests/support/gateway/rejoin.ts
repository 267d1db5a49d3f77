/**
 * Checks whether chunks, joined, give back a text, apart from white space and the marks of cuts.
 */

/** Text without white space and with fences of equal length: a closing fence may be longer. */
const bare = (text: string): string =>
  text.replace(/`{3,}/g, "```").replace(/~{3,}/g, "~~~").replace(/\s/g, "");

/** Marks of emphasis and spoilers; a cut adds some of them. */
const OPENING = Array.from({ length: 3 }, () => [/^(?:\*\*|__|~~|\|\|)/, /^[*_]/]).flat();
const CLOSING = Array.from({ length: 3 }, () => [/(?:\*\*|__|~~|\|\|)$/, /[*_]$/]).flat();

/** Marks that a cut may add before a chunk, in this order. */
const BEFORE = [
  /^>>> /,
  ...OPENING,
  /^[ \t>]*(?:`{3,}|~{3,})[^\n]*\n/,
  /^[ >]*\| [^\n]*\|\n[ >]*\|[ :|-]+\|\n/, // the head of a table
  /^(?:> ){1,2}/,
  ...OPENING,
  /^`{1,2}(?!`)/,
  /^(?: *(?:[-*+]|\d{1,9}[.)]) …\n)+/, // items above a nested one
];
/** Marks that a cut may add after a chunk, from the end. A closing fence may have an indentation. */
const BEHIND = [
  ...CLOSING,
  /[ \t>]+(?=(?:`{3,}|~{3,})$)/,
  /\n[ \t>]*(?:`{3,}|~{3,})$/,
  /(?<!`)`{1,2}$/,
];

/** All texts that a chunk may have been before a cut added marks. */
function withoutMarks(chunk: string): ReadonlySet<string> {
  let all = new Set([chunk]);
  for (const mark of [...BEFORE, ...BEHIND]) {
    all = new Set([...all].flatMap((text) => [text, text.replace(mark, "")]));
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
