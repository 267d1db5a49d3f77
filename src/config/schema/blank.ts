/**
 * What of a config file may be shown and kept: all of it but its secrets.
 *
 * They are blanked letter by letter, so that every line and column stays, and the text still says
 * the same to whoever parses it.
 *
 * @module
 */

import type { Node } from "jsonc-parser";
import { type Span, withoutSecrets } from "../text/problem.ts";
import { isReference } from "./secrets.ts";
import { childOf, isSecret, type Schema, shapeOf } from "./shape.ts";
import { isList, isRecord, type Segment } from "../text/tree.ts";

/**
 * A text with its secrets blanked.
 *
 * In comments, which no schema knows, whatever looks like a token or key goes, too, and so does
 * each secret of the file itself: whoever tries another often leaves a copy of the line.
 *
 * @param secrets See {@link secretsIn}.
 * @param comments In the order of the file, as `secrets` are.
 */
export function blankedText(
  text: string,
  secrets: readonly Span[],
  comments: readonly Span[],
): string {
  const stars = replaced(text, secrets, starsOf);
  const known = new Set(
    secrets.map(({ offset, length }) => text.slice(offset, offset + length))
      .filter(({ length }) => length >= MIN_KNOWN),
  );
  return replaced(stars, comments, (comment) => {
    let shown = comment;
    for (const secret of known) shown = shown.replaceAll(secret, starsOf(secret));
    shown = withoutSecrets(shown);
    // A star before a slash would end a comment too early.
    return shown.startsWith("/*") ? `/*${shown.slice(2, -2).replaceAll("*/", "**")}*/` : shown;
  });
}

/** A shorter one is in many a word. */
const MIN_KNOWN = 4;

function starsOf(secret: string): string {
  return "*".repeat(secret.length);
}

/** @param by Gives a text of the same length. */
function replaced(text: string, spans: readonly Span[], by: (part: string) => string): string {
  const parts: string[] = [];
  let done = 0;
  for (const { offset, length } of spans) {
    parts.push(text.slice(done, offset), by(text.slice(offset, offset + length)));
    done = offset + length;
  }
  parts.push(text.slice(done));
  return parts.join("");
}

/** Whether there is a secret itself in a file, and not only where it is. */
export function holdsSecret(value: unknown, schema: Schema): boolean {
  if (!mayHoldSecret(schema)) return false;
  if (isSecret(schema)) return typeof value === "string" && !isReference(value);
  const entries: Iterable<readonly [Segment, unknown]> = isList(value)
    ? value.entries()
    : isRecord(value)
    ? Object.entries(value)
    : [];
  for (const [segment, part] of entries) {
    const child = childOf(schema, segment);
    if (child && holdsSecret(part, child)) return true;
  }
  return false;
}

/** Most of a file is of guilds, which have none. */
const holders = new WeakMap<Schema, boolean>();

function mayHoldSecret(schema: Schema): boolean {
  const known = holders.get(schema);
  if (known !== undefined) return known;
  const item = childOf(schema, "*");
  const parts = [...Object.values(shapeOf(schema) ?? {}), ...(item ? [item] : [])];
  const may = isSecret(schema) || parts.some(mayHoldSecret);
  holders.set(schema, may);
  return may;
}

/**
 * Where secrets are, and what may be one: everything behind a key that nobody knows.
 *
 * @returns In the order of the file.
 */
export function secretsIn(root: Node, schema: Schema): readonly Span[] {
  const spans: Span[] = [];
  const visit = (node: Node, at: Schema | undefined): void => {
    const hidden = at === undefined || isSecret(at);
    if (node.type === "object") {
      for (const { children } of node.children ?? []) {
        const [keyNode, child] = children ?? [];
        if (!keyNode || !child) continue;
        // A secret's own keys ("file") lead to no secret; of an unknown key nothing is known.
        visit(child, at && childOf(at, String(keyNode.value)));
      }
      return;
    }
    if (node.type === "array") {
      for (const [index, child] of (node.children ?? []).entries()) {
        visit(child, hidden ? undefined : at && childOf(at, index));
      }
      return;
    }
    if (!hidden || (node.type !== "string" && node.type !== "number")) return;
    if (isReference(String(node.value))) return;
    const inner = node.type === "string" ? 1 : 0; // the quotes stay
    spans.push({ offset: node.offset + inner, length: Math.max(0, node.length - 2 * inner) });
  };
  visit(root, schema);
  return spans;
}

/** A key that has a secret, by its name, and its value as far as it goes. */
const LIKELY =
  /(?:token|api_?key|secret|password)["']?[ \t]*:[ \t]*("(?:[^"\\\r\n]|\\.)*|'(?:[^'\\\r\n]|\\.)*|[^\s"',{}[\]]+)/gid;

/** All of these are secrets, whatever they are called. */
const LIKELY_ALL = /(?:headers|env)["']?\s*:\s*\{([^}]*)/gid;

const TEXT_VALUE = /:[ \t]*("(?:[^"\\\r\n]|\\.)*|'(?:[^'\\\r\n]|\\.)*)/gid;

/**
 * Where secrets may be in a text that nobody can parse: in the line of the fault, for one, since
 * nothing is pasted as often as a token.
 *
 * @returns In the order of the file.
 */
export function likelySecretsIn(text: string): readonly Span[] {
  const values = [
    ...spansOf(text, LIKELY),
    ...spansOf(text, LIKELY_ALL).flatMap(({ offset, length }) =>
      spansOf(text.slice(offset, offset + length), TEXT_VALUE).map((inner) => ({
        offset: offset + inner.offset,
        length: inner.length,
      }))
    ),
  ];
  return values.flatMap(({ offset, length }): readonly Span[] => {
    const inner = /^["']/.test(text.slice(offset, offset + 1)) ? 1 : 0; // the quotes stay
    const span = { offset: offset + inner, length: length - inner };
    return isReference(text.slice(span.offset, span.offset + span.length)) ? [] : [span];
  }).sort((one, other) => one.offset - other.offset);
}

/** Of the first group of each match. */
function spansOf(text: string, pattern: RegExp): readonly Span[] {
  return Array.from(text.matchAll(pattern)).flatMap(({ indices }): readonly Span[] => {
    const [from, to] = indices?.[1] ?? [0, 0];
    return from === to ? [] : [{ offset: from, length: to - from }];
  });
}
