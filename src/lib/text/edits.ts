/** Changes parts of a text. */

/** A part of a text, in indexes of UTF-16 units. */
export interface TextRange {
  /** Index of its first unit. */
  readonly start: number;
  /** Index after its last unit. */
  readonly end: number;
}

export interface Edit extends TextRange {
  readonly text: string;
}

/** The text with its parts replaced. @param edits In any order, none within another. */
export function edited(text: string, edits: readonly Edit[]): string {
  let written = "";
  let from = 0;
  for (const edit of edits.toSorted((one, other) => one.start - other.start)) {
    written += text.slice(from, edit.start) + edit.text;
    from = edit.end;
  }
  return written + text.slice(from);
}
