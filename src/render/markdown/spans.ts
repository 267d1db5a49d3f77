/**
 * Finds what should stay in one piece: links, mentions, code, emphasis.
 *
 * @module
 */

/** A stretch of a text, from its first to behind its last UTF-16 unit. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Spans by how bad it is to break them; those of one kind are in order and do not overlap. */
export interface Spans {
  /** Links and mentions: broken, they no longer work. */
  readonly strict: readonly Span[];
  /** Those, links with their words, and code: broken, they look bad. */
  readonly whole: readonly Span[];
  /** Bold, italic, underlined, struck out, hidden: worth a shorter message, no more. */
  readonly soft: readonly Span[];
}

const NONE: Spans = { strict: [], whole: [], soft: [] };

const STRICT =
  /<?https?:\/\/[^\s<>]+>?|<(?:@[!&]?|#)\d+>|<a?:\w+:\d+>|<t:-?\d+(?::\w)?>|<\/[^<>:\n]+:\d+>|<id:\w+>/g;
// Each part begins with what the one before it may not contain, so that no text makes it look at
// the same words twice. Words and addresses may hold one pair of brackets in another.
const WORDS = String.raw`\[[^[\]\n]*(?:\[[^[\]\n]*\][^[\]\n]*)*\]`;
const ADDRESS = String.raw`\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)`;
const CODE = String.raw`(\x60{1,2})[^\x60\n]+\1(?!\x60)`;
const WHOLE = new RegExp(`${WORDS}${ADDRESS}|${CODE}|${STRICT.source}`, "g");
/** A mark, what is escaped, or the end of a paragraph, which ends what is open. */
const MARK = /\\[^\n]|\*{1,3}|_{1,3}|~~|\|\||\n[^\S\n]*\n/g;

/** One of these is in every span; most lines have none. */
const WHOLE_HINTS = ["<", "http", "](", "`"];
const SOFT_HINT = /[*_|~]/;

/** Where to look for spans. */
export interface Searched {
  readonly text: string;
  /** Spans that begin before it are not found. */
  readonly from: number;
  /** Spans that begin behind the end of its line are not found. */
  readonly to: number;
  /** The longest that is worth keeping in one piece, in UTF-16 units. */
  readonly longest: number;
}

/** The spans of a stretch; but for emphasis, none is longer than a line. */
export function spansOf({ text, from, to, longest }: Searched): Spans {
  const rest = text.slice(to, to + longest);
  const lineEnd = rest.indexOf("\n");
  const searched = text.slice(from, lineEnd === -1 ? to + rest.length : to + lineEnd);
  const hasWhole = WHOLE_HINTS.some((hint) => searched.includes(hint));
  const whole = hasWhole ? matchesOf(WHOLE, searched, from) : [];
  const soft = SOFT_HINT.test(searched) ? emphasisOf(searched, from, whole, longest) : [];
  if (!hasWhole && soft.length === 0) return NONE;
  const isWorthIt = ({ start, end }: Span) => end - start <= longest;
  return {
    strict: hasWhole ? matchesOf(STRICT, searched, from).filter(isWorthIt) : [],
    whole: whole.filter(isWorthIt),
    soft,
  };
}

function matchesOf(pattern: RegExp, searched: string, from: number): readonly Span[] {
  return Array.from(searched.matchAll(pattern), ({ 0: { length }, index }) => ({
    start: from + index,
    end: from + index + length,
  }));
}

/** Pairs of marks as Discord reads them; what lies in another is one with it. */
function emphasisOf(
  searched: string,
  from: number,
  whole: readonly Span[],
  longest: number,
): readonly Span[] {
  const open = new Map<string, number>();
  const spans: Span[] = [];
  for (const { 0: mark, index } of searched.matchAll(MARK)) {
    if (mark.startsWith("\\") || spanAt(whole, from + index + 1)) continue;
    if (mark.startsWith("\n")) {
      open.clear();
      continue;
    }
    const start = open.get(mark);
    const end = index + mark.length;
    const before = searched.charAt(index - 1);
    const after = searched.charAt(end);
    const isInWord = mark.startsWith("_") && WORD.test(before) && WORD.test(after);
    if (isInWord) continue;
    if (start !== undefined && NON_SPACE.test(before)) {
      open.delete(mark);
      if (end - start <= longest) spans.push({ start: from + start, end: from + end });
    } else if (NON_SPACE.test(after)) {
      open.set(mark, index);
    }
  }
  return merged(spans);
}

const WORD = /[\p{L}\p{N}_]/u;
const NON_SPACE = /\S/;

/** Spans in the order in which they end, as such that do not overlap. */
function merged(spans: readonly Span[]): readonly Span[] {
  const outer: Span[] = [];
  for (const span of spans) {
    let { start } = span;
    for (let last = outer.at(-1); last && last.end > start; last = outer.at(-1)) {
      start = Math.min(start, last.start);
      outer.pop();
    }
    outer.push({ start, end: span.end });
  }
  return outer;
}

/** The span that a place lies within, its ends excluded: to break it there would break it. */
export function spanAt<Found extends Span>(spans: readonly Found[], at: number): Found | undefined {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((spans[middle]?.start ?? at) < at) low = middle + 1;
    else high = middle;
  }
  const span = spans[low - 1];
  return span && at < span.end ? span : undefined;
}
