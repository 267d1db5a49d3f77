/**
 * Reads what is escaped as what it stands for, and remembers where it stood.
 *
 * @module
 */

/** A text with escapes resolved. */
export interface View {
  readonly text: string;
  /** Where each of its UTF-16 units began in the text that was written. */
  readonly starts: readonly number[];
  /** And where it ended. */
  readonly ends: readonly number[];
}

/** URLs, strings of most languages, bytes as numbers, HTML. */
const ESCAPE =
  /%([0-9a-f]{2})|\\x\{?([0-9a-f]{2})\}?|\\u\{?0{0,4}([0-9a-f]{2})\}?|\b0x([0-9a-f]{2})\b|&#x0{0,4}([0-9a-f]{2});|&#0{0,4}(\d{2,3});|\\0?([0-7]{3})/gi;

/** How often one escape may hold another: `%2573`. */
const DEPTH = 3;

/** The text with its escapes resolved, once and again; none of one that has no escapes. */
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

/** Without one of these, there is no escape. */
const MAY_HAVE_ESCAPES = /[%\\]|&#|0x/;

/** The groups of {@link ESCAPE}: all are hexadecimal but for the last two. */
function characterOf(groups: readonly (string | undefined)[]): string {
  const place = groups.findIndex((digits) => digits !== undefined);
  const radix = place === 5 ? 10 : place === 6 ? 8 : 16;
  return String.fromCharCode(parseInt(groups[place] ?? "0", radix));
}
