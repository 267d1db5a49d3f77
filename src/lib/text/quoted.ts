/**
 * Makes foreign text safe to show: no character of it may move the cursor, reverse a line or end a
 * text early. Shortens texts, and reads JSON that a server sent.
 */

/**
 * Leaves out the middle of a text that is longer than `max`.
 *
 * @param max UTF-16 units of the text that stay, without the note about the rest.
 * @param leftBefore Units that {@link endsOf} has left out.
 * @returns Two thirds of `max` from the beginning, a note, and the rest from the end. Never cuts a
 * surrogate pair.
 */
export function clip(text: string, max: number, leftBefore = 0): string {
  if (text.length <= max) return text;
  const head = text.slice(0, startOfPair(text, Math.ceil(max * 2 / 3)));
  const tail = text.slice(startOfPair(text, text.length - Math.floor(max / 3)));
  const left = leftBefore + text.length - head.length - tail.length;
  return `${head}\n[… ${left} characters left out …]\n${tail}`;
}

/** The ends of a text, from which {@link clip} makes the same for a `max` that is 3 less. */
export function endsOf(text: string, max: number): { text: string; left?: number } {
  if (text.length <= max) return { text };
  const head = text.slice(0, Math.ceil(max * 2 / 3));
  const ends = new TextEncoder().encode(head + text.slice(text.length - Math.floor(max / 3)));
  return { text: new TextDecoder().decode(ends), left: text.length - max }; // a copy frees the whole
}

/** `at`, or the position before it if `at` is within a surrogate pair. */
function startOfPair(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= 0xDC00 && code <= 0xDFFF ? at - 1 : at;
}

/**
 * A text of at most `max` characters (UTF-16 units), ending in `…` if it was cut.
 *
 * Never ends in half of a surrogate pair: Discord would refuse the message, and so would a model.
 */
export function bounded(text: string, max: number): string {
  if (text.length <= max) return text.toWellFormed();
  return `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, "")}…`.toWellFormed();
}

/**
 * Breaks a text between words into lines of at most `width` characters. A longer word has a line of
 * its own, uncut.
 */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}

/** Characters that a terminal obeys or does not show: controls, and marks that reverse text. */
export const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Removes invisible characters, apart from joiners of emojis and of letters that need them. */
export function withoutInvisible(text: string): string {
  return text.replace(
    /(?!(?<=[\p{M}\p{scx=Arab}\p{Emoji_Modifier}\p{Extended_Pictographic}])[\u200c\u200d](?=[\p{L}\p{Extended_Pictographic}]))(?!(?<=\p{Extended_Pictographic})\ufe0f)[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu,
    "",
  );
}

/** A text as part of a sentence: in quotes, on one line, cut after `most` UTF-16 units. */
export function quoted(text: string, most = 60): string {
  const shown = text.length > most
    ? `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`
    : text;
  return printable(JSON.stringify(shown));
}

/** A whole text on one line, without quotes: the name of a file. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** A path or a name as one word of a command for a shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Colours and weights of our own lines, and characters that no terminal may obey. */
const OUTPUT_PARTS =
  // deno-lint-ignore no-control-regex
  /\u001b\[(?:[012]|22|3[1239]|1;3[136]|90|97;40)m|(?!\r(?:\n|$))[^\P{Cc}\t\n]|[\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Lines of output, in which a terminal obeys colours and line ends only. */
export function safeOutput(text: string): string {
  return text.replace(OUTPUT_PARTS, (part) => part.length > 2 ? part : printable(part));
}

/** The same for JSON, which stays JSON. */
export function safeJson(text: string): string {
  return text.replace(
    /[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/gu,
    (part) =>
      Array.from(
        { length: part.length },
        (_, at) => `\\u${part.charCodeAt(at).toString(16).padStart(4, "0")}`,
      ).join(""),
  );
}

/**
 * Removes control characters except tabs and line ends.
 *
 * A NUL ends a text in programs written in C: Deno's SQLite reads a column back up to the first one,
 * and so would lose the end of a fence. The others control terminals.
 */
export function withoutControls(text: string): string {
  return text.replace(/[^\P{Cc}\t\n\r]/gu, "");
}

/** The text that stands in place of a spoiler. */
export const HIDDEN = "(spoiler)";

/**
 * Replaces spoilers, for places other than their own (H9). Code keeps its bars: Discord shows no
 * spoiler there. An unclosed spoiler is shown by Discord as it is.
 */
export function withoutSpoilers(text: string): string {
  if (!text.includes("||")) return text;
  return text.replace(
    /(```[\s\S]*?```|`[^`\n]+`)|\|\|[\s\S]+?\|\|/g,
    (_, code: string | undefined) => code ?? HIDDEN,
  );
}

/** Words of people as plain text in a message: they mention no one, link nothing and format nothing. */
export function plain(text: string): string {
  return text.replace(/[\\*_~`|>#[\]<@:-]/g, "\\$&");
}

/** A shorter text is parsed in any case: its brackets take some megabytes. */
const SHORT = 65_536;

/** Maximum depth of a long text. Discord nests a dozen levels. */
const MAX_DEPTH = 256;

/**
 * Parses a text.
 *
 * @returns `undefined` if it is no JSON, or too deep. An error would quote the text, which may
 * contain people's messages.
 */
export function parseForeignJson(text: string): unknown {
  if (text.length > SHORT && isTooDeep(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `[` and `{`, and `]` and `}`, which differ in one bit. */
const OPENING = 0x5b;
const CLOSING = 0x5d;
const BRACE_BIT = 0x20;

function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) {
      at = endOfString(text, at);
      continue;
    }
    const bracket = unit & ~BRACE_BIT;
    if (bracket === OPENING && ++depth > MAX_DEPTH) return true;
    if (bracket === CLOSING) depth -= 1;
  }
  return false;
}

/** The index of a string's last quote; of the text's end if there is none. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text.charCodeAt(at - 1 - escapes) === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return at;
  }
  return text.length;
}

/** Whether a value is an object: neither a list nor `null`. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A key of an object, or the index of a list's entry. */
export type PathSegment = string | number;

/** A path as text: `channels.discord.guilds.123.users[0]`. A key that is no word is in quotes. */
export function pathText(path: readonly PathSegment[]): string {
  return path.reduce<string>(pathTo, "");
}

/** Extends a path as text by one segment. The empty path is `""`. */
export function pathTo(parent: string, segment: PathSegment): string {
  if (typeof segment === "number") return `${parent}[${segment}]`;
  const name = /^[\w*-]+$/.test(segment) ? segment : quoted(segment);
  return parent === "" ? name : `${parent}.${name}`;
}
