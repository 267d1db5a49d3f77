/**
 * Reads Markdown as Discord's clients do (R2a), for tests: rule after rule from left to right, and the
 * text within a mark by itself.
 */

/** Kinds of text around a character: `code`, `**`, `||`, `>`, `#`, … */
export type Around = readonly string[];

interface Rule {
  readonly kind: string;
  readonly pattern: RegExp;
  /** Whether it counts only at the start of a line. */
  readonly startsLine?: true;
}

/** The first group is the text within, which is read by itself; without one, there is none. */
const RULES: readonly Rule[] = [
  { kind: "escape", pattern: /\\[^0-9A-Za-z\s]/y },
  { kind: ">", pattern: / *>>> +([^]*)/y, startsLine: true },
  { kind: ">", pattern: /((?: *>(?!>>) +[^\n]*(?:\n|$))+)/y, startsLine: true },
  { kind: "#", pattern: / *#{1,3} +([^\n]+)/y, startsLine: true },
  { kind: "code", pattern: /```(?:[a-z0-9_+\-.#]+?\n)?\n*[^\n][^]*?\n*```/iy },
  { kind: "code", pattern: /(?:(?<n>`+)[^]*?[^`]\k<n>(?!`))/y },
  { kind: "**", pattern: /\*\*((?:\\[^]|[^\\])+?)\*\*(?!\*)/y },
  { kind: "__", pattern: /__((?:\\[^]|[^\\])+?)__(?!_)/y },
  { kind: "_", pattern: /\b_((?:__|\\[^]|[^\\_])+?)_\b/y },
  { kind: "*", pattern: /\*(?=\S)((?:\*\*|\\[^]|\s+(?:\\[^]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)/y },
  { kind: "~~", pattern: /~~([^]+?)~~(?!_)/y },
  { kind: "||", pattern: /\|\|([^]+?)\|\|/y },
];

/** What is around each character of a text. */
export function aroundIn(text: string): readonly Around[] {
  const found: Around[] = Array.from({ length: text.length }, () => []);
  const read = (part: string, from: number, around: Around): void => {
    for (let at = 0; at < part.length;) {
      const isLineStart = at === 0 || part.charAt(at - 1) === "\n";
      const match = matchAt(part, at, isLineStart && !around.includes("#"), around.includes(">"));
      if (!match) {
        found[from + at] = around;
        at += 1;
        continue;
      }
      const { kind, whole, inner } = match;
      const inside = kind === "escape" ? around : [...around, kind];
      for (let index = 0; index < whole.length; index += 1) found[from + at + index] = inside;
      if (inner !== "") read(inner, from + at + whole.indexOf(inner), inside);
      at += whole.length;
    }
  };
  read(text, 0, []);
  return found;
}

function matchAt(part: string, at: number, isLineStart: boolean, isQuoted: boolean) {
  for (const { kind, pattern, startsLine } of RULES) {
    if (startsLine && (!isLineStart || (kind === ">" && isQuoted))) continue;
    pattern.lastIndex = at;
    const match = pattern.exec(part);
    if (!match) continue;
    const inner = kind === "code" || kind === "escape" ? "" : match[1] ?? "";
    return { kind, whole: match[0], inner };
  }
  return undefined;
}
