/**
 * Finds typographic quotes in place of the straight ones of JSON, as word processors and chats write
 * them, and reads the text as if they were straight.
 *
 * The parser takes such a quote for a part of a word, and then reports errors in later lines, too. So
 * the quotes are replaced in a copy of the text, in which each part keeps its place.
 */

import { findNodeAtOffset, getNodePath, type Node, type ParseError, parseTree } from "jsonc-parser";
import { type Span, withoutSecrets } from "./problem.ts";

interface ParsedText {
  readonly text: string;
  /** Absent if the parser finds no value. */
  readonly root: Node | undefined;
  readonly errors: readonly ParseError[];
}

/** A key or value with typographic quotes. */
interface QuoteFault extends Span {
  /** Config path; empty if it is unknown. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint: string;
}

/** Typographic quotes; each is one UTF-16 unit. */
const QUOTES = "“”„‟«»‘’‚‛″";
const ANY = new RegExp(`[${QUOTES}]`, "u");
const OPENING = new RegExp(`^[${QUOTES}]`, "u");
/** The quote that ends such a text: after it, the line goes on as after a text. */
const END = new RegExp(String.raw`[${QUOTES}"](?=\s*(?:[,:\]}]|/[/*]|$))`, "u");
/** A typographic quote, after which its line has nothing but the ends of lists and objects. */
const CLOSING = new RegExp(String.raw`[${QUOTES}](?=[\s,:\]}]*(?://.*)?$)`, "u");

/** The parser's error code for a text that ends with its line. */
export const NO_CLOSING_QUOTE = 12;

const HINT = 'write straight double quotes ("); word processors and chats change them';

/** Maximum number of times that a text is parsed: each error may hide others. */
const MAX_READS = 10;

/** Maximum number of errors of one read to look at. */
const MAX_ERRORS = 100;

/** Characters of a line that are searched for the end of a text. */
const MAX_TEXT = 10_000;

export function parsedText(text: string): ParsedText {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  return { text, root, errors };
}

/**
 * Replaces the typographic quotes at which the parser failed.
 *
 * @returns The text with straight quotes, and a fault for each key or value that had others.
 */
export function withStraightQuotes(
  written: ParsedText,
): { readonly read: ParsedText; readonly faults: readonly QuoteFault[] } {
  let read = written;
  const slips: Slip[] = [];
  for (let reads = 1; reads < MAX_READS; reads += 1) {
    const { text, errors } = read;
    const found = errors.slice(0, MAX_ERRORS).flatMap((error) => slipAt(text, error) ?? []);
    if (found.length === 0) break;
    slips.push(...found);
    read = parsedText(replaced(text, found));
  }
  const faults = new Map<string, QuoteFault>(); // one for a key and its value
  for (const { message, ...span } of slips.sort((one, other) => one.offset - other.offset)) {
    const { offset, length } = span;
    const path = entryPath(read.root && findNodeAtOffset(read.root, offset));
    const key = path ? JSON.stringify(path) : `${offset}`;
    if (faults.has(key)) continue;
    faults.set(key, { offset, length, path: shownPath(path ?? []), message, hint: HINT });
  }
  return { read, faults: [...faults.values()] };
}

/** The path of a key or value; `undefined` for a key without a value, which may hold the value. */
function entryPath(node: Node | undefined): readonly (string | number)[] | undefined {
  const isWhole = node?.parent?.type !== "property" || node.parent.children?.length === 2;
  const path = node && isWhole ? getNodePath(node) : [];
  return path.length > 0 ? path : undefined;
}

/** A key; other texts between quotes may be a key with its value, which may be a secret. */
const KEY = /^[\w.:@#*!<>-]{1,80}$/;

function shownPath(path: readonly (string | number)[]): readonly (string | number)[] {
  const isKey = (part: string) => KEY.test(part) && withoutSecrets(part) === part;
  const end = path.findIndex((part) => typeof part === "string" && !isKey(part));
  return end < 0 ? path : path.slice(0, end);
}

/** Whether a key of a value holds such a quote: a value, and so a secret, may have become its part. */
export function hasDoubtfulKey(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, part]) => ANY.test(key) || hasDoubtfulKey(part));
}

interface Slip extends Span {
  readonly message: string;
  /** The part with straight quotes. It has the same length. */
  readonly straight: string;
}

function slipAt(text: string, { offset, error }: ParseError): Slip | undefined {
  const rest = /^[^\r\n]*/.exec(text.slice(offset, offset + MAX_TEXT))?.[0] ?? "";
  const opening = OPENING.exec(rest)?.[0];
  if (opening !== undefined) {
    const end = END.exec(rest.slice(1))?.index;
    const straight = end === undefined ? '"' : `"${rest.slice(1, 1 + end).replaceAll('"', "'")}"`;
    const message = `This begins with ${opening}, which is no quote of JSON`;
    return { offset, length: straight.length, message, straight };
  }
  const closing = error === NO_CLOSING_QUOTE ? CLOSING.exec(rest) : null;
  if (!closing) return undefined;
  const message = `This text ends with ${closing[0]}, which is no quote of JSON`;
  return { offset: offset + closing.index, length: 1, message, straight: '"' };
}

/** @param slips In the order of the text. */
function replaced(text: string, slips: readonly Slip[]): string {
  const parts: string[] = [];
  let done = 0;
  for (const { offset, length, straight } of slips) {
    if (offset < done) continue; // the next read finds it
    parts.push(text.slice(done, offset), straight);
    done = offset + length;
  }
  parts.push(text.slice(done));
  return parts.join("");
}
