/**
 * Writes a model's text so that Discord shows it as the model meant it (R2a, R5).
 *
 * `asMarkdown` replaces what Discord shows raw: HTML, entities, references, pictures, links whose words
 * are an address, and formulas. It runs before all filters of the text. So none of them meets a character that is hidden in an
 * entity, and a decoded character is never a mark.
 *
 * A formula that has no form in plain text stays as it is, in code: Discord takes backslashes away.
 *
 * `forDiscord` follows Discord's grammar: a fence has three backticks and ends at the next three, a
 * mark may end within code, and headings have three levels. Discord fetches a link for its preview, so
 * a link by the model could leak data without a click (SEC-R7). A link whose host is not in
 * `messages.linkHosts` stands in angle brackets, and its message has no previews. An address that the
 * sender wrote stays as it is. Discord renders no tables: a table becomes a code block with aligned
 * columns, or a list if the block would be too wide or would break a link, mention or spoiler.
 */

import { decodeHTMLStrict } from "entities/decode";
import { type Edit, edited, type TextRange } from "../../lib/text/edits.ts";
import { plain, withoutControls } from "../../lib/text/quoted.ts";
import { displayWidth } from "./chunk.ts";
import {
  type CodeFence,
  codeFences,
  codeRegions,
  columnsOf,
  fenceAt,
  isWithin,
  linksIn,
  MAX_CHUNK_LENGTH,
  pairsOf,
  readMarkdown,
  spanAt,
} from "./code_fence.ts";

/** Most answers have none of these. */
const MAY_DIFFER = /<\/?[a-z!]|&[#a-z]|[$\\](?![\s\d.,])|\]\s?[([:]/i;

export function asMarkdown(text: string): string {
  if (!MAY_DIFFER.test(text)) return text;
  const plain = withoutHtml(replaced(text, FORMULA, formulaText));
  return replaced(withoutReferences(plain), LINKED, linkText);
}

/** Replaces matches outside of code. `undefined` keeps a match. */
function replaced(
  text: string,
  pattern: RegExp,
  replace: (found: RegExpExecArray) => string | undefined,
): string {
  const found = [...text.matchAll(pattern)];
  if (found.length === 0) return text;
  const code = codeRegions(text);
  return edited(
    text,
    found.flatMap((match) => {
      const { 0: { length }, index } = match;
      const shown = isWithin(code, index) ? undefined : replace(match);
      return shown === undefined ? [] : [{ start: index, end: index + length, text: shown }];
    }),
  );
}

/** Code, a small text, a comment, a tag, or an entity. */
const HTML =
  /<(?<code>code|kbd|samp|tt)(?:\s[^<>]*)?>(?<shown>[^`\n]{1,500}?)<\/\k<code>>|<(?<small>su[bp])>(?<text>[^<>\n]{1,100})<\/\k<small>>|<!--(?:(?!<!--)[^]){0,5000}?-->|<(?<end>\/?)(?<tag>[a-z][a-z0-9]*)(?<rest>(?:[\s/][^<>]*)?)>|(?<entity>&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z][a-z\d]{1,30});)/gi;

/** The marks of Discord around the text of a tag. Blocks begin with a new line, and end with one. */
const MARKS: ReadonlyMap<string, string> = new Map(Object.entries({
  ...{ b: "**", strong: "**", mark: "**", summary: "**", i: "*", em: "*", cite: "*", var: "*" },
  ...{ u: "__", ins: "__", s: "~~", del: "~~", strike: "~~", q: '"' },
  ...{ a: "", span: "", font: "", small: "", big: "", abbr: "" },
  ...{ p: "\n", div: "\n", center: "\n", section: "\n", details: "\n", ul: "\n", ol: "\n" },
  ...{ li: "\n- ", h1: "\n# ", h2: "\n## ", h3: "\n### ", h4: "\n### ", blockquote: "\n> " },
}));

function withoutHtml(text: string): string {
  const edits: Edit[] = [];
  const code = codeRegions(text);
  /** Tags without their ends, which are text. */
  const open = new Map<string, { readonly edit: Edit; readonly last: string }[]>();
  for (const { 0: { length }, index: start, groups = {} } of text.matchAll(HTML)) {
    if (isWithin(code, start)) continue;
    const end = start + length;
    const replace = (shown: string): unknown => edits.push({ start, end, text: shown });
    const { rest = "", shown, small, entity } = groups;
    const tag = groups["tag"]?.toLowerCase() ?? "";
    const written = attribute(rest, tag === "img" ? "src" : "href");
    const address = /^https?:/.test(written) ? written : undefined;
    const mark = MARKS.get(tag);
    if (shown !== undefined) replace(`\`${decodeHTMLStrict(shown)}\``);
    else if (small) replace(script(/b/i.test(small) ? "_" : "^", groups["text"] ?? ""));
    else if (entity) {
      const decoded = withoutControls(decodeHTMLStrict(entity));
      if (decoded !== entity) replace(plain(decoded));
    } else if (tag === "") replace(""); // a comment
    else if (tag === "br") replace(isRow(text, start) ? " / " : `\n${continued(text, start)}`);
    else if (tag === "img") {
      const alt = attribute(rest, "alt");
      const picture = address ? `![${alt}](${address})` : alt;
      if (picture !== "") replace(picture);
    } else if (mark !== undefined && groups["end"]) {
      const { edit, last } = open.get(tag)?.pop() ?? {};
      if (edit && last !== undefined) {
        edits.push(edit, { start, end, text: isLineEnd(text, end) ? last.trim() : last });
      }
    } else if (mark !== undefined) {
      const isLink = tag === "a" && address;
      const first = beginningOf(text, start).trim() === "" ? mark.trimStart() : mark;
      const edit = { start, end, text: isLink ? "[" : first };
      const last = isLink ? `](${address})` : mark.startsWith("\n") ? "\n" : mark;
      const same = open.get(tag);
      if (same) same.push({ edit, last });
      else open.set(tag, [{ edit, last }]);
    }
  }
  return edited(text, edits);
}

function attribute(rest: string, name: string): string {
  const value = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, "i").exec(rest);
  return decodeHTMLStrict(value?.[1] ?? value?.[2] ?? "").replace(/[\s[\]()]+/g, " ").trim();
}

const isLineEnd = (text: string, at: number): boolean =>
  /^[^\S\n]*(?:[\n<]|$)/.test(text.slice(at, at + 100));
const beginningOf = (text: string, at: number): string =>
  at === 0 ? "" : text.slice(text.lastIndexOf("\n", at - 1) + 1, at);

/** The beginning of a further line of a quote or an item. */
function continued(text: string, at: number): string {
  const [, quotes = "", item = ""] =
    /^((?:> ?)*)(\s*(?:(?:[-*+]|\d{1,9}[.)])\s+)?)/.exec(beginningOf(text, at)) ?? [];
  return quotes + " ".repeat(item.length);
}

function isRow(text: string, at: number): boolean {
  const end = text.indexOf("\n", at);
  const line = beginningOf(text, at) + text.slice(at, end === -1 ? text.length : end);
  return /(?<!\|)\|(?!\|)/.test(line);
}

const DEFINITION =
  /^ {0,3}\[(?!\^)([^[\]\n]{1,200})\]:[^\S\n]+<?(https?:\/\/[^\s<>]+)>?(?:[^\S\n]+(?:"[^"\n]*"|'[^'\n]*'|\([^()\n]*\)))?[^\S\n]*(?:\n|$)/gm;
const REFERENCE = /(!?)\[([^[\]\n]{1,500})\](?:\[([^[\]\n]{0,200})\])?(?![[(:])/g;

/** Writes each reference with its address. A definition that no reference has taken stays. */
function withoutReferences(text: string): string {
  const addresses = new Map<string, string>();
  replaced(text, DEFINITION, ({ 1: label = "", 2: address = "" }) => {
    const key = label.toLowerCase();
    if (!addresses.has(key)) addresses.set(key, address);
    return undefined;
  });
  if (addresses.size === 0) return text;
  const used = new Set<string>();
  const linked = replaced(text, REFERENCE, ({ 1: sign, 2: words = "", 3: label }) => {
    const key = (label || words).toLowerCase();
    const address = addresses.get(key);
    if (address === undefined) return undefined;
    used.add(key);
    return `${sign}[${words}](${address})`;
  });
  return replaced(
    linked,
    DEFINITION,
    ({ 1: label = "" }) => used.has(label.toLowerCase()) ? "" : undefined,
  )
    .trimEnd();
}

/** A link or a picture with its words, which may be a picture. */
const LINKED =
  /(!?)\[((?:[^[\]\n]|!?\[[^[\]\n]*\](?:\([^()\n]*\))?)*)\]\(<?(https?:\/\/[^\s()<>]+(?:\([^\s()<>]*\)[^\s()<>]*)*)>?(\s+"[^"\n]*")?\)/g;
const ADDRESS = /^(?:https?:\/\/|www\.)\S+$|^[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?:\/\S*)?$/i;

const PART = /^[\p{L}\p{N}/#&=%+-]/u;

/** Discord shows a picture and a link whose words have an address raw. */
function linkText(
  { 0: whole, 1: sign, 2: written = "", 3: address = "", 4: title = "", index, input }:
    RegExpExecArray,
): string | undefined {
  const words = written.replace(/!\[([^[\]\n]*)\]\([^()\n]*\)/, "$1").trim();
  const bare = words.replace(/^[*_~<\s]+|[*_~>\s]+$/g, "");
  if (bare === "" || ADDRESS.test(bare)) { // a neighbour would become a part of it
    const first = /[\p{L}\p{N}]$/u.test(input.slice(0, index).slice(-2)) ? " " : "";
    return first + address + (PART.test(input.slice(index + whole.length)) ? " " : "");
  }
  if (words.includes("://")) return words.includes(address) ? words : `${words} (${address})`;
  return sign || words !== written ? `[${words}](${address}${title})` : undefined;
}

export interface LinkRules {
  /** The sender's message and the operator's texts. */
  readonly written: readonly string[];
  /** `"example.org"`: that host; `"*.example.org"`: all its subdomains; `"*"`: every host. */
  readonly linkHosts: readonly string[];
}

/** An address, and what follows it without white space of Discord's: more than the end of a sentence is data. */
const LINK = /<?(https?:\/\/[^\s<>`)\]|]*[^\s<>`)\]|.,;:!?'"*_~])>?(?=([^\t\n\r <>]*))/gi;
const END = /^[.,;:!?'")\]*_~|`]{0,2}$/;

/** @returns `found`: the number of links for which Discord must fetch nothing. */
export function withoutPreviews(
  text: string,
  { written, linkHosts }: LinkRules,
): { readonly text: string; readonly found: number } {
  if (!text.includes("://")) return { text, found: 0 }; // most answers
  let found = 0;
  const bracketed = text.replace(LINK, (link, address: string, rest: string) => {
    const { host = "" } = URL.parse(address) ?? {};
    const isListed = linkHosts.some((rule) =>
      rule === "*" || rule === host || (rule.startsWith("*.") && host.endsWith(rule.slice(1)))
    );
    const isWritten = END.test(rest) && written.some((one) => one.includes(address));
    if (isListed || isWritten) return link;
    found += 1;
    return `<${address}>`;
  });
  return { text: bracketed, found };
}

/** A text without any of these has nothing that Discord reads otherwise. */
const MAY_NEED_DISCORD = /`|~~~|####/;

export function forDiscord(text: string, tables: TableMode): string {
  const tabled = renderTables(text, tables);
  if (!MAY_NEED_DISCORD.test(tabled)) return tabled;
  let code: ReturnType<typeof codeRegions> | undefined;
  return withShownCode(tabled.replace(
    DEEP_HEADING,
    (line, prefix: string, title: string, at: number) =>
      isWithin(code ??= codeRegions(tabled), at) ? line : prefix + boldOf(title),
  ));
}

const DEEP_HEADING =
  /^((?:> ?)*[ \t]*(?:(?:[-*+]|\d+[.)]) +)?)#{4,6}[ \t]+(\S+(?:[^\S\n]+\S+)*?)(?:[ \t]+#+)?\s*?$/gm;

function withShownCode(text: string): string {
  const { code, marks } = readMarkdown(text);
  const pairs = Map.groupBy(marks.filter(({ start, end }) => start < end), ({ mark }) => mark);
  const edits: Edit[] = [];
  const lastBroken = new Map<string, number>();
  for (const { start, end, fence, brokenBy } of code) {
    let shown = fence ? fenceOf(text, fence) : text.slice(start, end);
    for (const mark of brokenBy) lastBroken.set(mark, start);
    for (const [mark, same] of brokenBy.length > 0 ? pairs : []) {
      if (mark.length < 2 || (spanAt(same, start)?.end ?? 0) < end) continue;
      shown = shown.replaceAll(mark, `${mark.charAt(0)}${BREAK}${mark.charAt(0)}`);
    }
    if (shown !== text.slice(start, end)) edits.push({ start, end, text: shown });
  }
  // Without a partner, a mark is a character that the model meant.
  const links = lastBroken.size > 0 ? linksIn(text) : [];
  for (const { mark, start, end } of marks) {
    if (start < end || start > (lastBroken.get(mark) ?? 0) || isWithin(links, start)) continue;
    edits.push({ start, end: start + mark.length, text: mark.replace(/./g, "\\$&") });
  }
  return edited(text, edits);
}

/** People do not see it, and Discord reads no mark across it. */
const BREAK = "\u200b";

function fenceOf(text: string, fence: CodeFence): string {
  const { marker, prefix, contentStart, contentEnd, end } = fence;
  const content = text.slice(contentStart, contentEnd).replace(/``(?=`)/g, `$&${BREAK}`);
  const info = text.slice(fence.start + prefix.length + marker.length, contentStart);
  const first = info.endsWith("\n") ? `${/^\s*([a-z0-9_+\-.#]+)/i.exec(info)?.[1] ?? ""}\n` : "";
  const shown = content.trim() === "" ? `${BREAK}\n${prefix}` : content;
  const last = end === Infinity && !shown.endsWith("\n") ? `\n${prefix}` : "";
  return `${prefix}\`\`\`${first}${shown}${last}\`\`\``;
}

const INLINE = String
  .raw`\\\((?<round>[^\n]{1,500}?)\\\)|(?<![\\\w$])\$(?!\s)(?<dollar>[^$\n]{1,500}?)(?<![\s\\])\$(?![\w$])`;
const DISPLAY = String.raw`\$\$(?<dollars>[^$]{1,2000}?)\$\$|\\\[(?<square>[^]{1,2000}?)\\\]`;
/** A formula with its delimiters. The names of its groups tell which ones. */
const FORMULA: RegExp = new RegExp(`${DISPLAY}|${INLINE}`, "g");

/** A formula as people read it; `undefined` if the text between such delimiters is none. */
function formulaText(found: RegExpExecArray): string | undefined {
  const { round, dollar, dollars, square } = found.groups ?? {};
  const tex = (dollars ?? square ?? round ?? dollar ?? "").trim();
  const isDisplay = (dollars ?? square) !== undefined;
  // `\[x\]` may be brackets, and `$5 or 10$` are prices.
  const isFormula = /[\\^_{}]/.test(tex) || (isDisplay && tex.includes("=")) ||
    (square === undefined && /[A-Za-z]/.test(tex) && !/[A-Za-z]{2}/.test(tex));
  if (!isFormula) return undefined;
  try {
    return plain(plainFormula(tex));
  } catch (error) {
    if (!(error instanceof UnreadableFormula)) throw error;
    return tex.includes("`") ? undefined : `\`${tex.replace(/\s+/g, " ")}\``;
  }
}

class UnreadableFormula extends Error {
  override readonly name = "UnreadableFormula";
}

const MAX_DEPTH = 20;

function plainFormula(tex: string): string {
  const tokens = tex.match(/\\[A-Za-z]+\*?|\\[^]|\s+|[^]/gu) ?? [];
  let at = 0;
  let depth = 0;

  function sequence(end: string | undefined): string {
    if (++depth > MAX_DEPTH) throw new UnreadableFormula();
    let text = "";
    while (at < tokens.length && tokens[at] !== end) text += part();
    if (at === tokens.length && end !== undefined) throw new UnreadableFormula();
    at += 1;
    depth -= 1;
    return text;
  }

  function part(): string {
    const token = tokens[at++] ?? "";
    if (token === "{") return sequence("}");
    if (token === "^" || token === "_") return script(token, argument());
    if (token.startsWith("\\")) return command(token.slice(1));
    if (token === "}" || token === "&") throw new UnreadableFormula();
    return token.trim() === "" ? " " : token === "'" ? "′" : token;
  }

  function argument(): string {
    while (tokens[at]?.trim() === "") at += 1;
    if (at >= tokens.length) throw new UnreadableFormula();
    return part().trim();
  }

  function command(name: string): string {
    const own = SYMBOLS.get(name);
    if (own !== undefined) return own;
    const accent = ACCENTS.get(name);
    if (accent) return argument().replace(/\S/gu, `$&${accent}`);
    const alphabet = ALPHABETS.get(name);
    if (alphabet) return argument().replace(/[A-Za-z]/g, (letter) => symbol(letter + alphabet));
    if (/^[dtc]?frac$/.test(name)) return `${factor(argument())}/${factor(argument())}`;
    if (name === "sqrt") {
      const index = tokens[at] === "[" && ++at ? script("^", sequence("]")) : "";
      return `${index}√${factor(argument())}`;
    }
    if (/^(?:text|math|operatorname|boldsymbol|bm|boxed)/.test(name)) return argument();
    if (/^(?:left|right|middle|[Bb]igg?[lrm]?)$/.test(name)) {
      if (tokens[at] === ".") at += 1; // no bracket
      return "";
    }
    return /^[^A-Za-z]$/.test(name) || NAMES.has(name) ? name : symbol(name);
  }

  return sequence(undefined).replace(/ +/g, " ").replace(/ ?\n ?/g, "\n").trim();
}

/** A part of a product, in brackets unless it is one number or name. */
function factor(text: string): string {
  return /^(?:[\p{L}\p{M}\p{N}.′]+|\([^()]*\))$/u.test(text) ? text : `(${text})`;
}

/** A symbol by its name; many names of HTML's entities are those of TeX. */
function symbol(name: string): string {
  const found = decodeHTMLStrict(`&${name};`);
  if (found.startsWith("&")) throw new UnreadableFormula();
  return found;
}

function mapOf(names: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(names));
}

const SMALL = {
  "^": [
    "0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδθφχ′∘",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᶿᵠᵡ′°",
  ],
  _: ["0123456789+-−=()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ"],
} as const;

/** A text above (`^`) or below the line, in small characters if there are all of them. */
function script(kind: keyof typeof SMALL, text: string): string {
  const [from, to] = SMALL[kind];
  const small = Array.from(text.replaceAll(" ", ""), (one) => to[from.indexOf(one)]);
  if (small.length > 0 && small.every((one) => one !== undefined)) return small.join("");
  return kind + (/^.$/u.test(text) ? text : `(${text})`);
}

const ACCENTS = mapOf({
  ...{ hat: "\u0302", tilde: "\u0303", bar: "\u0304", overline: "\u0305", underline: "\u0332" },
  ...{ dot: "\u0307", ddot: "\u0308", vec: "\u20d7" },
});
/** Ends of HTML's names for letters of such alphabets: `&Ropf;` is ℝ. */
const ALPHABETS = mapOf({ mathbb: "opf", mathcal: "scr", mathfrak: "fr" });
/** Names that HTML lacks, or has for another symbol. */
const SYMBOLS = mapOf({
  ...{ to: "→", gets: "←", infty: "∞", partial: "∂", cdot: "·", circ: "∘", star: "⋆", ast: "∗" },
  ...{ ldots: "…", dots: "…", cdots: "⋯", vdots: "⋮", ddots: "⋱", exists: "∃", neg: "¬" },
  ...{ neq: "≠", implies: "⟹", land: "∧", lor: "∨", iint: "∬", degree: "°", "|": "‖" },
  ...{ "\\": "\n", ",": " ", ";": " ", ":": " ", quad: "  ", qquad: "  ", "!": "" },
  ...{ displaystyle: "", textstyle: "", limits: "", lvert: "|", rvert: "|", mid: "|" },
});
/** Functions, whose names people read. */
const NAMES: ReadonlySet<string> = new Set(
  ("arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim liminf " +
    "limsup ln log max min mod Pr sec sin sinh sup tan tanh").split(" "),
);

export interface MarkdownTable {
  /** Quote marks and indentation of its lines. */
  readonly prefix: string;
  readonly head: readonly string[];
  readonly alignments: readonly Alignment[];
  /** Rows, each with at most as many cells as the head. */
  readonly rows: readonly (readonly string[])[];
}

/**
 * Maximum columns of a line. A window beside Discord's lists can show them, and so can a phone
 * turned sideways.
 */
const WIDEST = 80;
/** Minimum columns of a cell: Markdown needs three dashes. */
const NARROWEST_COLUMN = 3;
/**
 * Text that code would break: people cannot follow a link there, a mention is a number, and a spoiler
 * is not hidden.
 */
const LOST_IN_CODE = /<(?:[@#:/]|a:|t:|id:)|https?:\/\/|\|\|.+\|\|/;

/**
 * Formats a table as a code block.
 *
 * @returns `undefined` if the block would be too wide, or would break something.
 */
export function asCode({ prefix, head, alignments, rows }: MarkdownTable): string | undefined {
  const all = [head, ...rows].map((row) => row.map(plainOf));
  // So many columns are too wide even if all cells are empty. That saves measuring the texts.
  if (head.length * (NARROWEST_COLUMN + 3) > WIDEST) return undefined;
  if (all.some((row) => row.some((cell) => LOST_IN_CODE.test(cell)))) return undefined;
  const widths: number[] = head.map(() => NARROWEST_COLUMN);
  const measured = all.map((row) => row.map((text) => ({ text, width: displayWidth(text) })));
  for (const row of measured) {
    for (const [column, { width }] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, width);
    }
  }
  const total = widths.reduce((sum, width) => sum + width + 3, 1);
  if (total > WIDEST) return undefined;

  const lines = measured.map((row) =>
    widths.map((width, column) => padded(row[column] ?? EMPTY, width, alignments[column]))
  );
  const rule = widths.map((width, column) => ruleOf(width, alignments[column]));
  const [first = [], ...rest] = lines;
  const shown = [first, rule, ...rest].map((cells) => `| ${cells.join(" | ")} |`);
  return ["```", ...shown, "```"].map((line) => prefix + line).join("\n");
}

/** A cell as people see it outside of code. In code, they would see its marks. */
function plainOf(cell: string): string {
  if (!/[*_~`\\]/.test(cell)) return cell;
  const code = codeRegions(cell);
  const edits = pairsOf(cell).flatMap(({ start, end, mark: { length } }) => [
    { start, end: start + length, text: "" },
    { start: end - length, end, text: "" },
  ]);
  for (const { index: start } of cell.matchAll(/\\(?=[^0-9A-Za-z\s])/g)) {
    if (!isWithin(code, start)) edits.push({ start, end: start + 1, text: "" });
  }
  return edited(cell, edits);
}

interface Measured {
  readonly text: string;
  readonly width: number;
}

const EMPTY: Measured = { text: "", width: 0 };

function padded({ text, width }: Measured, to: number, alignment: Alignment = "left"): string {
  const room = to - width;
  const before = alignment === "right" ? room : alignment === "center" ? room >> 1 : 0;
  return " ".repeat(before) + text + " ".repeat(room - before);
}

function ruleOf(width: number, alignment: Alignment = "left"): string {
  switch (alignment) {
    case "left":
      return "-".repeat(width);
    case "right":
      return "-".repeat(width - 1) + ":";
    case "center":
      return ":" + "-".repeat(width - 2) + ":";
  }
}

/** Maximum UTF-16 units of a column name; each row repeats it. */
const LONGEST_NAME = 200;
const BETWEEN = " · ";

/**
 * Formats a table as a list: one bullet for each row, with the column's name before each cell. If
 * all rows are short, each is one line.
 *
 * @returns `undefined` if a column's name is too long.
 */
export function asBullets({ prefix, head, rows }: MarkdownTable): string | undefined {
  if (head.some(({ length }) => length > LONGEST_NAME)) return undefined;
  const names = head.map(nameOf);
  const bullets = rows.map((row) =>
    row.flatMap((cell, column) => cell === "" ? [] : [names[column] + cell])
  ).filter(({ length }) => length > 0);
  if (bullets.length === 0) {
    return prefix + head.filter((cell) => cell !== "").map(boldOf).join(BETWEEN);
  }
  const lengthOf = (cells: readonly string[]) =>
    cells.reduce((sum, { length }) => sum + length + BETWEEN.length, 0);
  const areShort = bullets.every((cells) => lengthOf(cells) <= WIDEST);
  const between = areShort ? BETWEEN : `\n${prefix}  `;
  return bullets.map((cells) => `${prefix}- ${cells.join(between)}`).join("\n");
}

function nameOf(head: string): string {
  return head === "" ? "" : `${boldOf(head)}: `;
}

/** A text in bold, without bold in it. A star or backslash at its end stays apart. */
function boldOf(text: string): string {
  const isBold = /^\*\*[^*]+\*\*$/.test(text);
  return isBold ? text : `**${text.replaceAll("**", "").replace(/[*\\]$/, "$&\u200b")}**`;
}

export type Alignment = "left" | "center" | "right";

/** The alignment of a cell in the delimiter row: `:--`, `:-:` or `--:`; left by default. */
export function alignmentOf(cell: string): Alignment {
  if (!cell.endsWith(":")) return "left";
  return cell.startsWith(":") ? "center" : "right";
}

/** An escaped character, or a pipe. */
const CELL_PART = /\\[\s\S]|\|/g;
/** The same, but the pipes of a spoiler part no cells. */
const CELL_PART_OR_SPOILER = /\\[\s\S]|\|\|[^\s|](?:[^|]*[^\s|])?\|\||\|/g;

/**
 * The cells of a row, trimmed and with unescaped pipes.
 *
 * A pipe in code or of a spoiler is text, because authors mean it so, although GitHub's Markdown requires an
 * escape. If only the other reading gives the expected number of columns, that reading counts.
 *
 * @param columns Expected number of cells; 0 if unknown.
 */
export function cellsOf(row: string, columns: number): readonly string[] {
  const inner = row.trim().replace(/^\|/, "");
  const first = splitOutside(codeRegions(inner), inner, CELL_PART_OR_SPOILER);
  const second = first.length === columns ? first : splitOutside([], inner, CELL_PART);
  return second.length === columns ? second : first;
}

/** The cells of a row, at most as many as in the head. The last cell contains the rest. */
export function rowOf(row: string, columns: number): readonly string[] {
  const cells = cellsOf(row, columns);
  if (cells.length <= columns) return cells;
  return [...cells.slice(0, columns - 1), cells.slice(columns - 1).join(" | ")];
}

function splitOutside(code: readonly TextRange[], inner: string, parts: RegExp): readonly string[] {
  const cells: string[] = [];
  let start = 0;
  for (const { 0: part, index } of inner.matchAll(parts)) {
    if (part !== "|" || isWithin(code, index)) continue;
    cells.push(inner.slice(start, index));
    start = index + 1;
  }
  if (start < inner.length) cells.push(inner.slice(start));
  return cells.map(textOf);
}

const UNEVEN = /\\\||\s\s|[^\S ]/;

function textOf(cell: string): string {
  const text = cell.trim();
  if (!UNEVEN.test(text)) return text;
  return text.replaceAll("\\|", "|").replace(/\s+/g, " ").trim();
}

/** `messages.tables`. */
export type TableMode = "code" | "bullets" | "off";

/**
 * Replaces the tables of a text (R5), in the syntax of GitHub's Markdown, also in quotes and lists.
 * Each row needs a pipe, so that text directly below a table is not a row.
 *
 * @returns The text itself if it has no table.
 */
export function renderTables(text: string, mode: TableMode): string {
  if (mode === "off" || !text.includes("|") || !text.includes("-")) return text;
  const fences = codeFences(text, MAX_CHUNK_LENGTH);
  const parts: string[] = [];
  let done = 0;
  for (const { 0: { length }, index } of text.matchAll(DELIMITER_ROW)) {
    if (index <= done || !isLine(text, index, index + length)) continue;
    const found = tableAt(text, fences, done, index);
    if (!found) continue;
    const shown = (mode === "code" ? asCode(found.table) : undefined) ?? asBullets(found.table);
    if (shown === undefined) continue;
    parts.push(text.slice(done, found.start), shown);
    done = found.end;
  }
  return parts.length === 0 ? text : parts.join("") + text.slice(done);
}

/** The line below the head: `|---|:-:|`, also in a quote or a list. */
const DELIMITER_ROW =
  /^(?:> ?)*[^\S\n]*(?:\|[^\S\n]*)?:?-+:?[^\S\n]*(?:\|[^\S\n]*:?-+:?[^\S\n]*)*(?:\|[^\S\n]*)?$/gm;

/** Whether a match is a whole line: patterns know other line ends than Markdown. */
function isLine(text: string, start: number, end: number): boolean {
  return text.charAt(start - 1) === "\n" && (end === text.length || text.charAt(end) === "\n");
}

/** @param from End of the last table. */
function tableAt(
  text: string,
  fences: readonly CodeFence[],
  from: number,
  delimiterStart: number,
): {
  readonly table: MarkdownTable;
  readonly start: number;
  /** End of its last line, without the newline. */
  readonly end: number;
} | undefined {
  const start = Math.max(from, text.lastIndexOf("\n", delimiterStart - 2) + 1);
  if (fenceAt(fences, start + 1) || fenceAt(fences, delimiterStart)) return undefined;
  const first = lineOf(text, start);
  const second = lineOf(text, delimiterStart);
  if (!isTableRow(first) || !second.content.includes("|") || first.depth !== second.depth) {
    return undefined;
  }
  if (isIndentedCode(text, start, first.indent)) return undefined;
  const alignments = cellsOf(second.content, 0).map(alignmentOf);
  const head = cellsOf(first.content, alignments.length);
  if (head.length !== alignments.length) return undefined;

  const rows: (readonly string[])[] = [];
  let { end } = second;
  while (end < text.length) {
    const row = lineOf(text, end + 1);
    if (!isTableRow(row) || row.depth !== first.depth || fenceAt(fences, end + 2)) break;
    rows.push(rowOf(row.content, head.length));
    ({ end } = row);
  }
  return { table: { prefix: first.prefix, head, alignments, rows }, start, end };
}

interface TableLine {
  /** Quote marks and indentation. */
  readonly prefix: string;
  /** Number of quotes around it. */
  readonly depth: number;
  readonly indent: string;
  readonly content: string;
  readonly end: number;
}

const PREFIX = /^((?:> ?)*)([^\S\n]*)/;

function lineOf(text: string, start: number): TableLine {
  const newline = text.indexOf("\n", start);
  const end = newline === -1 ? text.length : newline;
  const line = text.slice(start, end);
  const [prefix = "", quotes = "", indent = ""] = PREFIX.exec(line) ?? [];
  return {
    prefix,
    depth: quotes.replaceAll(" ", "").length,
    indent,
    content: line.slice(prefix.length).trimEnd(),
    end,
  };
}

const OTHER_BLOCK = /^(?:[-*+]|\d{1,9}[.)]|#{1,6}|>+)[^\S\n]/;

function isTableRow({ content }: TableLine): boolean {
  return content.includes("|") && !OTHER_BLOCK.test(content);
}

const ITEM = /^(?:> ?)*([^\S\n]*(?:[-*+]|\d{1,9}[.)])[^\S\n]+)/;

/** Whether a line is indented by at least four columns, and not because it is in a list. */
function isIndentedCode(text: string, start: number, indent: string): boolean {
  const columns = columnsOf(indent);
  if (columns < 4) return false;
  const above = text.slice(Math.max(0, start - MAX_CHUNK_LENGTH), start).trimEnd().split("\n");
  for (const line of above.reverse()) {
    const item = ITEM.exec(line)?.[1];
    if (item !== undefined && columnsOf(item) <= columns) return columns - columnsOf(item) >= 4;
    if (item === undefined && /^\S/.test(line)) return true;
  }
  return true;
}
