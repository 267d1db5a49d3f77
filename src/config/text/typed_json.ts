/**
 * Parses JSON from a command line, as strict as the file, and with whole ids.
 *
 * A plain parser takes the last of two equal keys, which silently drops a list of people. It also
 * rounds an id without quotes to another id, which may be another user's.
 *
 * @module
 */

import { findNodeAtLocation, type Node } from "jsonc-parser";
import { readTree } from "./tree.ts";

/**
 * Parses JSON.
 *
 * @returns `undefined` if the text is not JSON.
 */
export function readTyped(typed: string): { readonly value: unknown } | undefined {
  try {
    JSON.parse(typed);
  } catch {
    return undefined; // JSON throws a SyntaxError for plain text
  }
  const wrapped = `{"value":${typed}}`;
  const tree = readTree(wrapped);
  const node = tree.kind === "tree" ? findNodeAtLocation(tree.root, ["value"]) : undefined;
  return node && { value: valueOf(node, wrapped) };
}

/** An id without quotes stays the text that was typed: as a number it would be rounded. */
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
