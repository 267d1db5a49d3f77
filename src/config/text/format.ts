/**
 * Formats the text of a config file: indentation and blanks. Line breaks stay.
 *
 * @module
 */

import { applyEdits, format } from "jsonc-parser";

/** The formatted text, with a line break at its end. */
export function formatted(text: string): string {
  const edits = format(text, undefined, { insertSpaces: true, tabSize: 2, keepLines: true })
    // `[1]` and `{}` need no blanks within.
    .filter(({ offset, length, content }) =>
      length > 0 || content !== " " ||
      !/^(?:\[.|.\]|\{\})$/.test(text.slice(offset - 1, offset + 1))
    );
  return `${applyEdits(text, edits).trimEnd()}${/\r\n|\r|\n/.exec(text)?.[0] ?? "\n"}`;
}
