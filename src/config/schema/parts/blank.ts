/**
 * Blanks the secrets of a config file, so that its text may be shown and stored.
 *
 * Each letter of a secret is replaced by one star. So all lines and columns stay, and the text
 * still parses.
 */

import { getNodeValue, type Node } from "jsonc-parser";
import { type Span, withoutSecrets } from "../../text/problem.ts";
import { isReference, referenceIn } from "./secrets.ts";
import { childOf, isSecret, type Schema } from "./shape.ts";
import { isList, isRecord, type Segment } from "../../text/tree.ts";

/**
 * A text with its secrets blanked.
 *
 * No schema describes comments. So everything in them that looks like a token or key is blanked,
 * and each secret of the file itself: operators who try another token often keep the old line.
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
  const secretTexts = new Set(
    secrets.map(({ offset, length }) => text.slice(offset, offset + length))
      .filter(({ length }) => length >= MIN_KNOWN),
  );
  return replaced(stars, comments, (comment) => {
    let blanked = comment;
    for (const secret of secretTexts) blanked = blanked.replaceAll(secret, starsOf(secret));
    blanked = withoutSecrets(blanked);
    // A star before a slash would end the comment too early.
    return blanked.startsWith("/*")
      ? `/*${blanked.slice(2, -2).replaceAll("*/", "**")}*/`
      : blanked;
  });
}

/** Shorter secrets are parts of many words. */
const MIN_KNOWN = 4;

function starsOf(secret: string): string {
  return "*".repeat(secret.length);
}

/**
 * @param replace Returns a text of the same length.
 */
function replaced(text: string, spans: readonly Span[], replace: (part: string) => string): string {
  const parts: string[] = [];
  let done = 0;
  for (const { offset, length } of spans) {
    parts.push(text.slice(done, offset), replace(text.slice(offset, offset + length)));
    done = offset + length;
  }
  parts.push(text.slice(done));
  return parts.join("");
}

/** Paths of the secrets that a file has itself, and not by a reference, in its order. */
export function literalSecretsIn(
  value: unknown,
  schema: Schema,
  path: readonly Segment[] = [],
): readonly (readonly Segment[])[] {
  if (isSecret(schema)) {
    return typeof value === "string" && value.trim() !== "" && !isReference(value) ? [path] : [];
  }
  const entries: readonly (readonly [Segment, unknown])[] = isList(value)
    ? [...value.entries()]
    : isRecord(value)
    ? Object.entries(value)
    : [];
  return entries.flatMap(([segment, part]) => {
    const child = childOf(schema, segment);
    return child === undefined ? [] : literalSecretsIn(part, child, [...path, segment]);
  });
}

/**
 * The parts of a file that are, or may be, secrets: every value of an unknown key may be one.
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
        // A reference's own key ("file") contains no secret; the schema does not know unknown
        // keys.
        const isFault = hidden && referenceIn(getNodeValue(node)) === undefined;
        visit(child, isFault ? undefined : at && childOf(at, String(keyNode.value)));
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

/** A key with a secret, by its name, and the beginning of its value. */
const LIKELY =
  /(?:token|api_?key|secret|password)["']?[ \t]*:[ \t]*("(?:[^"\\\r\n]|\\.)*|'(?:[^'\\\r\n]|\\.)*|[^\s"',{}[\]]+)/gid;

/** All values of these are secrets, under any key. */
const LIKELY_ALL = /(?:headers|env)["']?\s*:\s*\{([^}]*)/gid;

const TEXT_VALUE = /:[ \t]*("(?:[^"\\\r\n]|\\.)*|'(?:[^'\\\r\n]|\\.)*)/gid;

/**
 * Parts of a text that may be secrets, if the text does not parse. The faulty line may have one:
 * operators paste tokens more than anything else.
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

/** The first group of each match. */
function spansOf(text: string, pattern: RegExp): readonly Span[] {
  return Array.from(text.matchAll(pattern)).flatMap(({ indices }): readonly Span[] => {
    const [from, to] = indices?.[1] ?? [0, 0];
    return from === to ? [] : [{ offset: from, length: to - from }];
  });
}
