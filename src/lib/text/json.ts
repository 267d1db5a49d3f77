/**
 * Reads JSON that a server sent, and writes JSON for a terminal.
 *
 * A runtime's parser needs 50 bytes for each opened bracket. So a text of 16 MiB that only opens
 * brackets takes 800 MiB, although it is no JSON.
 */

import { UNPRINTABLE } from "./quoted.ts";

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

/** A value as JSON on one line. A terminal obeys none of its characters. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(UNPRINTABLE, (character) => {
    let escaped = "";
    for (let at = 0; at < character.length; at++) {
      escaped += `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`;
    }
    return escaped;
  });
}

/** Whether a value has fields: an object or a list, not `null`. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
