/**
 * Finds text that Discord hides behind a spoiler: `||text||`.
 *
 * @module
 */

/** The text that stands in place of a spoiler. */
export const HIDDEN = "(spoiler)";

/**
 * Replaces spoilers, for places other than their own (H9). Code keeps its bars: Discord shows no
 * spoiler there. An unclosed spoiler is shown by Discord as it is.
 */
export function withoutSpoilers(text: string): string {
  if (!text.includes("||")) return text;
  return text.replace(
    /(```[\s\S]*?```|`[^`\n]+`)|\|\|[\s\S]+?\|\|/g,
    (_, code: string | undefined) => code ?? HIDDEN,
  );
}
