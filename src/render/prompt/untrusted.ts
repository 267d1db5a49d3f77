/**
 * Puts texts by people into fences, so that a model can tell them from its instructions.
 *
 * A fence has a boundary that is random in each turn, so no one can know it in advance. Any text
 * inside that could pass for a fence is escaped all the same. A model is more tolerant than a
 * parser: it takes `＜/MESSAGE ＞` for the end of a message.
 */

import type { FenceName } from "../../core/inbound/mentions.ts";
import { withoutInvisible } from "../../lib/text/quoted.ts";

/**
 * Puts a fence around an untrusted text.
 *
 * @param boundary At least 8 random letters and digits, new in each turn.
 * @throws {RangeError} If the boundary is too short or has other characters.
 */
export function fenced(name: FenceName, boundary: string, text: string): string {
  if (!/^[A-Za-z0-9]{8,}$/.test(boundary)) {
    throw new RangeError(
      `Cannot fence with the boundary "${boundary}": use at least 8 letters and digits`,
    );
  }
  return `<${name} boundary="${boundary}">\n${escapeUntrusted(text)}\n</${name}>`;
}

/** Escapes text that could pass for one of our fences, or for a model's special token. */
export function escapeUntrusted(text: string): string {
  if (!MAY_NEED_ESCAPE.test(text)) return text; // most texts
  const withoutTokens = text.replace(
    SPECIAL_TOKEN,
    (token) => escapeCharacter(token.charAt(0)) + token.slice(1),
  );
  return withoutTokens.replace(
    BRACKET,
    (text, rest: string) => isLookAlike(rest) ? `&lt;${rest}` : text,
  );
}

/**
 * Whether a tolerant reader takes the text after a bracket for one of our fences. Most text is ASCII,
 * whose check is cheap: ten million brackets would take seconds otherwise.
 */
function isLookAlike(rest: string): boolean {
  if (NO_START.test(rest)) return false;
  return LOOK_ALIKE.test(NOT_ASCII.test(rest) ? normalizeFence(rest) : plainStart(rest));
}

/** {@link normalizeFence} for ASCII text: no letter changes but by its case. */
function plainStart(rest: string): string {
  return rest.replace(/[\0-\x20\x7f]+/g, "").toLowerCase();
}

/**
 * Reduces a name to a part of one of our lines: one line, no brackets, nothing invisible, at most
 * 80 characters.
 */
export function nameInLine(name: string): string {
  if (/^[\w.-]{1,80}$/.test(name)) return name; // Discord's own usernames
  return Array.from(
    withoutInvisible(name.replace(/[\p{Cc}\s]+/gu, " "))
      .replaceAll("[", "(").replaceAll("]", ")").replaceAll("<", "‹").replaceAll(">", "›"),
  ).slice(0, 80).join("").trim();
}

/**
 * Tokens that begin or end a turn, a system prompt, thinking, a call or a picture: of ChatML and
 * Llama 3, Gemma 4, DeepSeek, Llama 2 and Mistral, GLM, MiniMax, Gemma, and tags that several
 * vendors use.
 */
const SPECIAL_TOKEN = new RegExp(
  [
    String.raw`<[|｜]`,
    String.raw`<[\w"]{1,40}\|>`,
    String.raw`\[\/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|SYSTEM_PROMPT)\]`,
    String.raw`\[\/?(?:THINK|MODEL_SETTINGS|ARGS|CALL_ID|PREFIX|MIDDLE|SUFFIX|[gs]MASK)\]`,
    String.raw`\[(?:IMG(?:_BREAK|_END)?|(?:BEGIN_)?AUDIO|TRANSCRIBE)\]`,
    String.raw`\]~!?b[[\]]|\[e~\[|\]![pd]~\[|\]<\][\w -]{1,30}\[>\[`,
    String.raw`<<\/?SYS>>`,
    String.raw`<\/?(?:\w{1,20}:)?(?:bos|eos|think|tool_calls?|tool_response)>`,
    String.raw`<\/?(?:s|sop|eop|pad|unk|unused\d{1,5})>`,
    String.raw`<(?:start|end)_(?:of_(?:turn|image|audio)|function_(?:call|response|declaration))>`,
  ].join("|"),
  "gi",
);

function escapeCharacter(character: string): string {
  return character === "<" ? "&lt;" : `&#${character.charCodeAt(0)};`;
}

/** `<` and similar characters. The pattern matches the last one of a run, and the text up to the next. */
const BRACKETS =
  "<\u02c2\u1438\u2039\u226a\u227a\u2329\u276c\u276e\u27e8\u27ea\u3008\u300a\ufe64\uff1c";
const BRACKET = new RegExp(`[${BRACKETS}]([^${BRACKETS}]+)`, "g");

/**
 * The first characters of all that is escaped: brackets, and `[` and `]` of special tokens. Mentions
 * of people, roles and channels are none of it.
 */
const MAY_NEED_ESCAPE = new RegExp(`[${BRACKETS.slice(1)}[\\]]|<(?!(?:@[!&]?|#)\\d{1,20}>)`);

/** The first visible character is one that no name of a fence begins with. */
const NO_START = /^[\0-\x20\x7f/\\|]*(?![cefmqrst])[\x21-\x2e\x30-\x5b\x5d-\x7b\x7d\x7e]/i;
const NOT_ASCII = /[^\0-\x7f]/;

/** The start of one of our fences, in {@link normalizeFence} text. */
const LOOK_ALIKE =
  /^[/\\|\u2044\u2215]*(?:context|quoted|extras|event|message|file|result|summary|transcript)/;

/**
 * Text as a tolerant reader sees it: without case, marks and spaces, and with homoglyphs replaced.
 */
function normalizeFence(text: string): string {
  return text.normalize("NFKD").replace(/[\s\p{Cc}\p{Cf}\p{M}]/gu, "").toLowerCase()
    .replace(/[^\0-\x7f]/gu, (letter) => HOMOGLYPHS.get(letter) ?? letter);
}

/** Cyrillic, Greek and Armenian letters by those in the names of our fences that they look like. */
const LETTERS = {
  c: "\u0441",
  o: "\u043e\u03bf\u0585",
  n: "\u0578\u043f",
  t: "\u0442\u03c4",
  e: "\u0435\u03b5",
  x: "\u0445\u03c7",
  m: "\u043c",
  s: "\u0455",
  a: "\u0430\u03b1",
  g: "\u0261",
  q: "\u051b",
  u: "\u057d\u03c5",
  d: "\u0501",
  r: "\u0433",
  y: "\u0443\u04af",
  i: "\u0456\u03b9",
  p: "\u0440\u03c1",
};
const HOMOGLYPHS: ReadonlyMap<string, string> = new Map(
  Object.entries(LETTERS).flatMap(([letter, alike]) =>
    Array.from(alike, (other): [string, string] => [other, letter])
  ),
);
