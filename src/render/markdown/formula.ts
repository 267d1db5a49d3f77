/**
 * Writes formulas in LaTeX as people read them in plain text: `\frac{a}{b} \leq x^2` is `a/b ≤ x²`.
 *
 * Discord shows no formulas, and takes their backslashes away. A formula that has another form in
 * plain text stays as it is, in code.
 */

import { decodeHTMLStrict } from "entities/decode";
import { plain } from "../../lib/text/quoted.ts";

const INLINE = String
  .raw`\\\((?<round>[^\n]{1,500}?)\\\)|(?<![\\\w$])\$(?!\s)(?<dollar>[^$\n]{1,500}?)(?<![\s\\])\$(?![\w$])`;
const DISPLAY = String.raw`\$\$(?<dollars>[^$]{1,2000}?)\$\$|\\\[(?<square>[^]{1,2000}?)\\\]`;
/** A formula with its delimiters. The names of its groups tell which ones. */
export const FORMULA: RegExp = new RegExp(`${DISPLAY}|${INLINE}`, "g");

/** A formula as people read it; `undefined` if the text between such delimiters is none. */
export function formulaText(found: RegExpExecArray): string | undefined {
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

/** Maximum groups within each other. */
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
export function script(kind: keyof typeof SMALL, text: string): string {
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
