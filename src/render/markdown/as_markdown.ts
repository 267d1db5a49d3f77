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
 * sender wrote stays as it is.
 */

import { decodeHTMLStrict } from "entities/decode";
import { type Edit, edited } from "../../lib/text/edits.ts";
import { plain, withoutControls } from "../../lib/text/quoted.ts";
import { type CodeFence, codeRegions, readMarkdown } from "./code_fence.ts";
import { isWithin, linksIn, spanAt } from "./spans.ts";
import { boldOf, renderTables, type TableMode } from "./table.ts";

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
