/** Creates changed copies of a text that remember the position of each part. */

/** A part of a text, in indexes of UTF-16 units. */
export interface TextRange {
  /** Index of its first unit. */
  readonly start: number;
  /** Index after its last unit. */
  readonly end: number;
}

/** A changed copy of a text, in which a search finds more than in the text itself. */
export interface View {
  readonly text: string;
  /** Start, in the original text, of the unit at an index of the view. */
  startOf(at: number): number;
  /** End, in the original text, of the unit at an index of the view. */
  endOf(at: number): number;
}

export interface Edit extends TextRange {
  readonly text: string;
}

/**
 * Creates a view of a text. It stores the edits alone, because a file may have millions of
 * characters.
 *
 * @param edits In the order of the text, none within another.
 * @param original The view that the text belongs to, if it is one.
 */
export function createView(text: string, edits: readonly Edit[], original?: View): View {
  const places: number[] = []; // start of each replacement in the view
  let written = "";
  let from = 0;
  for (const edit of edits) {
    written += text.slice(from, edit.start);
    places.push(written.length);
    written += edit.text;
    from = edit.end;
  }
  written += text.slice(from);

  const partOf = (at: number): TextRange => {
    const index = lastAtMost(places, at);
    const edit = edits[index];
    if (!edit) return { start: at, end: at + 1 };
    const behind = at - (places[index] ?? 0) - edit.text.length;
    return behind < 0 ? edit : { start: edit.end + behind, end: edit.end + behind + 1 };
  };
  return {
    text: written,
    startOf: (at) => {
      const { start } = partOf(at);
      return original ? original.startOf(start) : start;
    },
    endOf: (at) => {
      const { end } = partOf(at);
      return original ? original.endOf(end - 1) : end;
    },
  };
}

/** The index of the last number that is at most a limit; -1 if there is none. */
function lastAtMost(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
