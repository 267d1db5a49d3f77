/**
 * Decodes escape sequences in a text, and remembers their positions.
 *
 * @module
 */

/** A text with decoded escapes. */
export interface View {
  /** The decoded text. */
  readonly text: string;
  /** Where each of its UTF-16 units begins in the original text. */
  readonly starts: readonly number[];
  /** Where each of its UTF-16 units ends in the original text. */
  readonly ends: readonly number[];
}

/** Escapes of URLs, of strings in most languages, of bytes as numbers, and of HTML. */
const ESCAPE =
  /%([0-9a-f]{2})|\\x\{?([0-9a-f]{2})\}?|\\u\{?0{0,4}([0-9a-f]{2})\}?|\b0x([0-9a-f]{2})\b|&#x0{0,4}([0-9a-f]{2});|&#0{0,4}(\d{2,3});|\\0?([0-7]{3})/gi;

/** Maximum number of escapes within each other, as in `%2573`. */
const DEPTH = 3;

/** Decodes a text once, and its result again. Returns no view of a text without escapes. */
export function unescaped(text: string): readonly View[] {
  const views: View[] = [];
  for (let view = resolved(text, undefined); view && views.length < DEPTH;) {
    views.push(view);
    view = resolved(view.text, view);
  }
  return views;
}

function resolved(text: string, from: View | undefined): View | undefined {
  if (!MAY_HAVE_ESCAPES.test(text)) return undefined;
  const starts: number[] = [];
  const ends: number[] = [];
  const startOf = (at: number) => from?.starts[at] ?? at;
  const endOf = (at: number) => from?.ends[at - 1] ?? at;
  const keep = (start: number, end: number) => {
    for (let at = start; at < end; at += 1) {
      starts.push(startOf(at));
      ends.push(endOf(at + 1));
    }
  };
  let decoded = "";
  let done = 0;
  for (const match of text.matchAll(ESCAPE)) {
    const [escape, ...groups] = match;
    const end = match.index + escape.length;
    decoded += text.slice(done, match.index) + characterOf(groups);
    keep(done, match.index);
    starts.push(startOf(match.index));
    ends.push(endOf(end));
    done = end;
  }
  if (done === 0) return undefined;
  keep(done, text.length);
  return { text: decoded + text.slice(done), starts, ends };
}

/** Every escape contains one of these. */
const MAY_HAVE_ESCAPES = /[%\\]|&#|0x/;

/** Decodes the groups of {@link ESCAPE}: all are hexadecimal, except the last two. */
function characterOf(groups: readonly (string | undefined)[]): string {
  const place = groups.findIndex((digits) => digits !== undefined);
  const radix = place === 5 ? 10 : place === 6 ? 8 : 16;
  return String.fromCharCode(parseInt(groups[place] ?? "0", radix));
}
