/**
 * What of a config file may be shown and kept: all of it but its secrets.
 *
 * They are blanked letter by letter, so that every line and column stays, and the text still says
 * the same to whoever parses it.
 *
 * @module
 */

import type { Node } from "jsonc-parser";
import { type Span, withoutSecrets } from "./problem.ts";
import { isReference } from "./secrets.ts";
import { childOf, isSecret, type Schema, shapeOf } from "./shape.ts";
import { isList, isRecord, type Segment } from "./tree.ts";

/**
 * A text with its secrets blanked.
 *
 * In comments, which no schema knows, whatever looks like a token or key goes, too.
 *
 * @param secrets See {@link secretsIn}.
 * @param comments In the order of the file, as `secrets` are.
 */
export function blankedText(
  text: string,
  secrets: readonly Span[],
  comments: readonly Span[],
): string {
  const stars = replaced(text, secrets, (secret) => "*".repeat(secret.length));
  return replaced(stars, comments, withoutSecrets);
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
