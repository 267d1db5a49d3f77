/**
 * JSON as a person types it on a command line: as strict as the file, and with ids that stay whole.
 *
 * A parser takes the last of two keys, so that a list of people is gone without a word; and it
 * rounds an id without quotes to another, which may be somebody's.
 *
 * @module
 */

import { findNodeAtLocation, type Node } from "jsonc-parser";
import { readTree } from "./tree.ts";

/**
 * Reads JSON.
 *
 * @returns `undefined` where it is none, but a plain text.
 */
export function readTyped(typed: string): { readonly value: unknown } | undefined {
  try {
    JSON.parse(typed);
  } catch {
    return undefined; // a SyntaxError is how JSON says that this is plain text
  }
  const wrapped = `{"value":${typed}}`;
  const tree = readTree(wrapped);
  const node = tree.kind === "tree" ? findNodeAtLocation(tree.root, ["value"]) : undefined;
  return node && { value: valueOf(node, wrapped) };
}

/** An id without quotes is the text that was typed: as a number it would be rounded to another. */
function valueOf(node: Node, text: string): unknown {
  const { type, value, offset, length, children = [] } = node;
  if (type === "array") return children.map((child) => valueOf(child, text));
  if (type === "object") {
    return Object.fromEntries(
      children.flatMap(({ children: [key, inner] = [] }) =>
        key && inner ? [[String(key.value), valueOf(inner, text)] as const] : []
      ),
    );
  }
  const written = text.slice(offset, offset + length);
  return type === "number" && /^\d+$/.test(written) && !Number.isSafeInteger(value)
    ? written
    : value;
}
