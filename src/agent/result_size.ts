/**
 * Bounds the results of tools, before they are fenced and stored (T1).
 *
 * @module
 */

/** Maximum UTF-16 units of a result that Barnacle keeps. */
export const MAX_RESULT_CHARS = 1_000_000;

/** More than the longest secret in any form that the rules of SEC-R10 know. */
const MARGIN = 20_000;

/** A result of at most {@link MAX_RESULT_CHARS}. */
export interface BoundedResult {
  /** The result without secrets. */
  readonly text: string;
  /** Tells the model that the rest is missing; empty if nothing is. */
  readonly note: string;
}

/**
 * Cuts a result that is too long, and removes secrets from it.
 *
 * A cut may leave a part of a secret, which no rule knows. So the cleaned text is cut again, further
 * to the front than such a part can reach.
 *
 * @param cleanSecrets Removes whole secrets.
 */
export function boundedResult(text: string, cleanSecrets: (text: string) => string): BoundedResult {
  if (text.length <= MAX_RESULT_CHARS) return { text: cleanSecrets(text), note: "" };
  const isCut = text.length > MAX_RESULT_CHARS + MARGIN;
  const clean = cleanSecrets(text.slice(0, MAX_RESULT_CHARS + MARGIN));
  const end = Math.min(MAX_RESULT_CHARS, clean.length - (isCut ? MARGIN : 0));
  return {
    text: withoutHalfPair(clean.slice(0, end)),
    note: `\n[This result had ${text.length} characters. Only the first ${end} were kept.]`,
  };
}

/** Without the first half of a surrogate pair at the end. */
function withoutHalfPair(text: string): string {
  const code = text.charCodeAt(text.length - 1);
  return code >= 0xD800 && code <= 0xDBFF ? text.slice(0, -1) : text;
}
