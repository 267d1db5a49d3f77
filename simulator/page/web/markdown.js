/**
 * Parses Discord's Markdown into a tree of plain data.
 *
 * It makes no markup: `dom.js` sets each piece of text as text. So no message can become a tag,
 * even if this parser has a bug (X1).
 */

/**
 * A piece of a line.
 *
 * @typedef {{ kind: "text" | "code", text: string }
 *   | { kind: "bold" | "italic" | "underline" | "strike" | "spoiler", inner: Inline[] }
 *   | { kind: "link", url: string, inner: Inline[] }
 *   | { kind: "mention", to: string }
 *   | { kind: "time", at: number, style: string }
 *   | { kind: "break" }} Inline
 */

/**
 * A piece of a message. An item's depth is 0 for the outermost.
 *
 * @typedef {{ kind: "paragraph" | "small", inner: Inline[] }
 *   | { kind: "heading", level: number, inner: Inline[] }
 *   | { kind: "fence", language: string, text: string }
 *   | { kind: "quote", blocks: Block[] }
 *   | { kind: "list", items: { mark: string, depth: number, inner: Inline[] }[] }} Block
 */

/** Depth of nested marks that are parsed; deeper ones are text. */
const MAX_DEPTH = 8;

const FENCE = /```(?:([\w+#.-]*)[^\S\n]*\n)?([\s\S]*?)```/g;
const QUOTE = /^> ?(.*)$/;
const ITEM = /^(\s*)([-*]|\d{1,4}\.) +(\S.*)$/;
const HEADING = /^(#{1,3}) +(\S.*)$/;
const SMALL = /^-# +(\S.*)$/;

/**
 * Parses a message.
 *
 * @param {string} text
 * @returns {Block[]}
 */
export function parse(text) {
  /** @type {Block[]} */
  const blocks = [];
  let from = 0;
  for (const found of text.matchAll(FENCE)) {
    blocks.push(...parseLines(text.slice(from, found.index).replace(/\n$/, "")));
    blocks.push({
      kind: "fence",
      language: found[1] ?? "",
      text: (found[2] ?? "").replace(/\n$/, ""),
    });
    from = found.index + found[0].length;
    if (text[from] === "\n") from += 1;
  }
  return [...blocks, ...parseLines(text.slice(from))];
}

/**
 * @param {string} text
 * @returns {Block[]}
 */
function parseLines(text) {
  /** @type {Block[]} */
  const blocks = [];
  /** @type {string[]} */
  let plain = [];
  /** @type {string[]} */
  let quoted = [];
  const endPlain = () => {
    const said = plain.join("\n").replace(/^\n+|\n+$/g, "");
    if (said !== "") blocks.push({ kind: "paragraph", inner: parseInline(said) });
    plain = [];
  };
  const endQuote = () => {
    if (quoted.length > 0) blocks.push({ kind: "quote", blocks: parseLines(quoted.join("\n")) });
    quoted = [];
  };

  for (const line of text === "" ? [] : text.split("\n")) {
    const quote = QUOTE.exec(line);
    if (quote) {
      endPlain();
      quoted.push((quote[1] ?? "").replace(/^(?:> ?)+/, "")); // quotes do not nest at Discord
      continue;
    }
    endQuote();
    const block = lineBlock(line, plain.length === 0 ? blocks.at(-1) : undefined);
    if (block === "joined") continue;
    if (block) {
      endPlain();
      blocks.push(block);
    } else plain.push(line);
  }
  endQuote();
  endPlain();
  return blocks;
}

/**
 * Parses a line that is a block of its own, or one more item of the list before it.
 *
 * @param {string} line
 * @param {Block | undefined} before
 * @returns {Block | "joined" | undefined}
 */
function lineBlock(line, before) {
  const heading = HEADING.exec(line);
  if (heading) {
    return {
      kind: "heading",
      level: heading[1]?.length ?? 1,
      inner: parseInline(heading[2] ?? ""),
    };
  }
  const small = SMALL.exec(line);
  if (small) return { kind: "small", inner: parseInline(small[1] ?? "") };
  const found = ITEM.exec(line);
  if (!found) return undefined;
  const item = {
    mark: /\d/.test(found[2] ?? "") ? found[2] ?? "" : "•",
    depth: Math.min(4, Math.floor((found[1] ?? "").length / 2)),
    inner: parseInline(found[3] ?? ""),
  };
  if (before?.kind !== "list") return { kind: "list", items: [item] };
  before.items.push(item);
  return "joined";
}

/**
 * Rules in the order of trying; each matches from a given position.
 *
 * @type {[RegExp, (found: RegExpExecArray, depth: number) => Inline][]}
 */
const RULES = [
  [/\\([^\sA-Za-z0-9])/y, ([, text = ""]) => ({ kind: "text", text })],
  [/(`+)([\s\S]*?[^`])\1(?!`)/y, ([, , text = ""]) => ({ kind: "code", text })],
  [/<(@!?|@&|#)(\d{1,20})>/y, ([, sign = "", id = ""]) => ({
    kind: "mention",
    to: sign.replace("!", "") + id,
  })],
  // Twelve digits of seconds are 30,000 years, and every browser knows such a date.
  [/<t:(-?\d{1,12})(?::([tTdDfFR]))?>/y, ([, at = "0", style = "f"]) => ({
    kind: "time",
    at: Number(at),
    style,
  })],
  [/@(?:everyone|here)\b/y, ([to]) => ({ kind: "mention", to })],
  [/<a?(:\w{2,32}:)\d{1,20}>/y, ([, text = ""]) => ({ kind: "text", text })],
  [/\[([^\]\n]{1,500})\]\(<?(https?:\/\/[^\s<>()]+)>?\)/y, ([, text = "", url = ""], depth) => ({
    kind: "link",
    url,
    inner: parseInline(text, depth + 1),
  })],
  [/<?(https?:\/\/[^\s<>]*[^\s<>.,:;"')\]*_~|])>?/y, ([, url = ""]) => ({
    kind: "link",
    url,
    inner: [{ kind: "text", text: url }],
  })],
  [/\*\*(?=\S)([\s\S]+?)\*\*(?!\*)/y, wrap("bold")],
  [/__(?=\S)([\s\S]+?)__(?!_)/y, wrap("underline")],
  [/~~(?=\S)([\s\S]+?)~~/y, wrap("strike")],
  [/\|\|([\s\S]+?)\|\|/y, wrap("spoiler")],
  [/\*(?=[^\s*])([\s\S]*?[^\s*])\*(?!\*)/y, wrap("italic")],
  [/(?<!\w)_(?=[^\s_])([\s\S]*?[^\s_])_(?!\w)/y, wrap("italic")],
  [/\n/y, () => ({ kind: "break" })],
];

/** Characters that may begin a rule; all others are text. */
const NEXT = /[\\`<@[*_~|\n]|https?:\/\//g;

/**
 * @param {"bold" | "italic" | "underline" | "strike" | "spoiler"} kind
 * @returns {(found: RegExpExecArray, depth: number) => Inline}
 */
function wrap(kind) {
  return ([, text = ""], depth) => ({ kind, inner: parseInline(text, depth + 1) });
}

/**
 * @param {string} text
 * @param {number} depth
 * @returns {Inline[]}
 */
function parseInline(text, depth = 0) {
  if (depth > MAX_DEPTH) return [{ kind: "text", text }];
  /** @type {Inline[]} */
  const pieces = [];
  const addText = (/** @type {string} */ more) => {
    const last = pieces.at(-1);
    if (last?.kind === "text") last.text += more;
    else if (more !== "") pieces.push({ kind: "text", text: more });
  };
  let at = 0;
  while (at < text.length) {
    NEXT.lastIndex = at;
    const next = NEXT.exec(text)?.index ?? text.length;
    addText(text.slice(at, next));
    at = next;
    if (at === text.length) break;
    const piece = tryRules(text, at, depth);
    if (!piece) {
      addText(text.charAt(at));
      at += 1;
      continue;
    }
    if (piece.inline.kind === "text") addText(piece.inline.text);
    else pieces.push(piece.inline);
    at = piece.end;
  }
  return pieces;
}

/**
 * @param {string} text
 * @param {number} at
 * @param {number} depth
 */
function tryRules(text, at, depth) {
  for (const [pattern, make] of RULES) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) return { inline: make(found, depth), end: at + found[0].length };
  }
  return undefined;
}
