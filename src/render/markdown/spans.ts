/** Finds parts of a text that should stay whole: links, mentions, code and emphasis. */

/** A part of a text, in indexes of UTF-16 units. */
export interface TextRange {
  /** Index of its first unit. */
  readonly start: number;
  /** Index after its last unit. */
  readonly end: number;
}

/** Spans that a cut would damage, grouped by the damage. Spans of one kind are in order and do not overlap. */
export interface Spans {
  /** Links and mentions: if cut, they no longer work. */
  readonly strict: readonly TextRange[];
  /** The same, links with their words, and code: if cut, they look bad. */
  readonly whole: readonly TextRange[];
  /**
   * Bold, italic, underlined, struck out and hidden text: to keep it whole, a message may be
   * shorter.
   */
  readonly soft: readonly TextRange[];
}

const NONE: Spans = { strict: [], whole: [], soft: [] };

const STRICT =
  /<?https?:\/\/[^\s<>]+>?|<(?:@[!&]?|#)\d+>|<a?:\w+:\d+>|<t:-?\d+(?::\w)?>|<\/[^<>:\n]+:\d+>|<id:\w+>/g;
// Each part begins with a character that the part before may not contain. So no text makes the
// pattern read the same words twice. Words and addresses may contain one pair of brackets in
// another.
const WORDS = String.raw`\[[^[\]\n]*(?:\[[^[\]\n]*\][^[\]\n]*)*\]`;
const ADDRESS = String.raw`\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)`;
const CODE = String.raw`(\x60{1,2})[^\x60\n]+\1(?!\x60)`;
const WHOLE = new RegExp(`${WORDS}${ADDRESS}|${CODE}|${STRICT.source}`, "g");
/** A mark, an escaped character, or the end of a paragraph, which closes all marks. */
const MARK = /\\[^\n]|\*{1,3}|_{1,3}|~~|\|\||\n[^\S\n]*\n/g;

/** Every span contains one of these; most lines contain none. */
const WHOLE_HINTS = ["<", "http", "](", "`"];
const SOFT_HINT = /[*_|~]/;

/**
 * Finds the spans of a stretch. Except for emphasis, none is longer than a line.
 *
 * @param searched Spans may begin from `from` up to the end of the line that contains `to`. Those longer
 * than `longest` need not stay whole.
 */
export function spansOf(
  { text, from, to, longest }: {
    readonly text: string;
    readonly from: number;
    readonly to: number;
    readonly longest: number;
  },
): Spans {
  const rest = text.slice(to, to + longest);
  const lineEnd = rest.indexOf("\n");
  const searched = text.slice(from, lineEnd === -1 ? to + rest.length : to + lineEnd);
  const hasWhole = WHOLE_HINTS.some((hint) => searched.includes(hint));
  const whole = hasWhole ? matchesOf(WHOLE, searched, from) : [];
  const soft = SOFT_HINT.test(searched) ? emphasisOf(searched, from, whole, longest) : [];
  if (!hasWhole && soft.length === 0) return NONE;
  const isWorthIt = ({ start, end }: TextRange) => end - start <= longest;
  return {
    strict: hasWhole ? matchesOf(STRICT, searched, from).filter(isWorthIt) : [],
    whole: whole.filter(isWorthIt),
    soft,
  };
}

function matchesOf(pattern: RegExp, searched: string, from: number): readonly TextRange[] {
  return Array.from(searched.matchAll(pattern), ({ 0: { length }, index }) => ({
    start: from + index,
    end: from + index + length,
  }));
}

/** Finds pairs of marks as Discord reads them. A pair within another one is merged with it. */
function emphasisOf(
  searched: string,
  from: number,
  whole: readonly TextRange[],
  longest: number,
): readonly TextRange[] {
  const open = new Map<string, number>();
  const spans: TextRange[] = [];
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
  return mergeSpans(spans);
}

const WORD = /[\p{L}\p{N}_]/u;
const NON_SPACE = /\S/;

/** Merges overlapping spans. The input is in the order of the ends. */
function mergeSpans(spans: readonly TextRange[]): readonly TextRange[] {
  const outer: TextRange[] = [];
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

/** The span around a position, where a cut would break it. A span's ends do not count. */
export function spanAt<Found extends TextRange>(
  spans: readonly Found[],
  at: number,
): Found | undefined {
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
