/**
 * Fences what people wrote, so that a model can tell it from what it was told.
 *
 * A fence carries a boundary that is drawn for each turn and that nobody can
 * know beforehand. Whatever could pass for a fence inside is escaped all the
 * same, for a model reads more kindly than a parser: it takes `＜/MESSAGE ＞` for
 * the end of a message.
 *
 * @module
 */

/** What a fence holds; only a `message` is to be acted on. */
export type FenceName = "context" | "quoted" | "extras" | "message";

/**
 * Puts a fence around text of others.
 *
 * @param boundary 8 or more random letters and digits, new in each turn.
 * @throws {RangeError} If the boundary is none that could be trusted.
 */
export function fenced(name: FenceName, boundary: string, text: string): string {
  if (!/^[A-Za-z0-9]{8,}$/.test(boundary)) {
    throw new RangeError(`Cannot fence with the boundary "${boundary}": it takes 8 letters`);
  }
  return `<${name} boundary="${boundary}">\n${escapeUntrusted(text)}\n</${name}>`;
}

/** Escapes what could pass for one of our fences, or for a token that a provider's model obeys. */
export function escapeUntrusted(text: string): string {
  const withoutTokens = text.replace(
    SPECIAL_TOKEN,
    (token) => escaped(token.charAt(0)) + token.slice(1),
  );
  return withoutTokens.replace(
    BRACKET,
    (bracket, rest: string) => LOOK_ALIKE.test(normalized(rest)) ? "&lt;" : bracket,
  );
}

/** Makes a name fit for a line of ours: one line, no brackets, nothing invisible, not too long. */
export function nameInLine(name: string): string {
  return Array.from(
    name.replace(/[\p{Cc}\s]+/gu, " ").replace(/\p{Cf}/gu, "")
      .replaceAll("[", "(").replaceAll("]", ")").replaceAll("<", "‹").replaceAll(">", "›"),
  ).slice(0, 80).join("").trim();
}

/**
 * What tokenizers read as a turn's or a system prompt's beginning or end: ChatML and Llama 3,
 * DeepSeek, Llama 2 and Mistral, Gemma, and the tags of tool calls and thinking.
 */
const SPECIAL_TOKEN =
  /<[|｜]|\[\/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|SYSTEM_PROMPT)\]|<<\/?SYS>>|<\/?(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn|tool_call|tool_response|tool_calls|think)>/gi;

function escaped(character: string): string {
  return character === "<" ? "&lt;" : "&#91;";
}

/** `<` and what looks like it, with all that stands before the next one. */
const BRACKETS =
  "<\u02c2\u1438\u2039\u226a\u227a\u2329\u276c\u276e\u27e8\u27ea\u3008\u300a\ufe64\uff1c";
const BRACKET = new RegExp(`[${BRACKETS}](?=([^${BRACKETS}]*))`, "g");

/** The start of a fence of ours, once it is {@link normalized}. */
const LOOK_ALIKE = /^[/\\|\u2044\u2215]*(?:context|quoted|extras|message)/;

/** Text as an indulgent reader sees it: without case, marks, spaces and borrowed letters. */
function normalized(text: string): string {
  return text.normalize("NFKD").replace(/[\s\p{Cc}\p{Cf}\p{M}]/gu, "").toLowerCase()
    .replace(/[^\0-\x7f]/gu, (letter) => HOMOGLYPHS.get(letter) ?? letter);
}

/** Cyrillic, Greek and Armenian letters that look like those in the names of our fences. */
const HOMOGLYPHS: ReadonlyMap<string, string> = new Map([
  ["\u0441", "c"],
  ["\u043e", "o"],
  ["\u03bf", "o"],
  ["\u0585", "o"],
  ["\u0578", "n"],
  ["\u043f", "n"],
  ["\u0442", "t"],
  ["\u03c4", "t"],
  ["\u0435", "e"],
  ["\u03b5", "e"],
  ["\u0445", "x"],
  ["\u03c7", "x"],
  ["\u043c", "m"],
  ["\u0455", "s"],
  ["\u0430", "a"],
  ["\u03b1", "a"],
  ["\u0261", "g"],
  ["\u051b", "q"],
  ["\u057d", "u"],
  ["\u03c5", "u"],
  ["\u0501", "d"],
  ["\u0433", "r"],
]);
