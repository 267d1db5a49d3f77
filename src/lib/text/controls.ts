/**
 * Text without what nobody sees and some programs stumble over.
 *
 * A NUL ends a text for what is written in C: Deno's SQLite reads a column back
 * up to the first one, and so would lose the end of a fence. The others steer
 * terminals.
 *
 * @module
 */

/** Takes out control characters, but for tabs and the ends of lines. */
export function withoutControls(text: string): string {
  return text.replace(/[^\P{Cc}\t\n\r]/gu, "");
}
