/**
 * Decodes the escape sequences of a text.
 *
 * @module
 */

import { createView, type Edit, type View } from "./view.ts";

/** Escapes of URLs, of strings in most languages, of bytes as numbers, of HTML and of Unicode. */
const ESCAPE =
  /%([0-9a-f]{2})|\\x\{?([0-9a-f]{2})\}?|\\u\{?0{0,4}([0-9a-f]{2})\}?|\b0x([0-9a-f]{2})\b|&#x0{0,4}([0-9a-f]{2});|\bU\+0{0,4}([0-9a-f]{2})\b|&#0{0,4}(\d{2,3});|\\0?([0-7]{3})/gi;
/** Groups of {@link ESCAPE} before these two are hexadecimal. */
const DECIMAL = 6;
const OCTAL = 7;

/** Maximum number of escapes within each other, as in `%2573`. */
const DEPTH = 3;

/**
 * Decodes a text once, and its result again. Returns no view of a text without escapes.
 *
 * @param original The view that the text belongs to, if it is one.
 */
export function unescaped(text: string, original?: View): readonly View[] {
  const views: View[] = [];
  for (let view = resolved(text, original); view && views.length < DEPTH;) {
    views.push(view);
    view = resolved(view.text, view);
  }
  return views;
}

function resolved(text: string, from: View | undefined): View | undefined {
  if (!MAY_HAVE_ESCAPES.test(text)) return undefined;
  const edits: Edit[] = [];
  for (const match of text.matchAll(ESCAPE)) {
    const [escape, ...digits] = match;
    const { index } = match;
    edits.push({ start: index, end: index + escape.length, text: characterOf(digits) });
  }
  return edits.length === 0 ? undefined : createView(text, edits, from);
}

/** Every escape contains one of these. */
const MAY_HAVE_ESCAPES = /[%\\]|&#|0x|U\+/i;

/** Decodes the groups of {@link ESCAPE}. */
function characterOf(groups: readonly (string | undefined)[]): string {
  const place = groups.findIndex((digits) => digits !== undefined);
  const radix = place === DECIMAL ? 10 : place === OCTAL ? 8 : 16;
  return String.fromCharCode(parseInt(groups[place] ?? "0", radix));
}
