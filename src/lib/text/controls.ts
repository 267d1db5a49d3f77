/**
 * Removes characters that people cannot see and that some programs mishandle.
 *
 * A NUL ends a text in programs written in C: Deno's SQLite reads a column back up to the first
 * one, and so would lose the end of a fence. The others control terminals.
 *
 * @module
 */

/** Removes control characters except tabs and line ends. */
export function withoutControls(text: string): string {
  return text.replace(/[^\P{Cc}\t\n\r]/gu, "");
}
