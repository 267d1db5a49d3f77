/**
 * Parses a config path and a value that an operator types.
 *
 * `pathText` writes the same form of a path. An example is
 * `channels.discord.guilds."my guild".users[0]`. A key of digits is a key, since guilds and channels
 * have those; only brackets contain an index. `[+]` at the end appends an entry.
 */

import { findNodeAtLocation, type Node } from "jsonc-parser";
import { quoted } from "../../lib/text/quoted.ts";
import { readTree, type Segment } from "./tree.ts";

/** Why a text is not a path, for the operator. */
interface PathProblem {
  readonly kind: "problem";
  readonly message: string;
}

/** A dot (not at the start) and a key, bare or in quotes; or an index. */
const PART = /(?:(?:^|(?<=[^])\.)(?:"((?:[^"\\]|\\.)*)"|([^."[\]\s]+)))|\[(\d{1,9}|\+)\]/uy;

export function parsePath(typed: string): {
  readonly kind: "path";
  /** Without the `[+]`. */
  readonly path: readonly Segment[];
  /** Whether it ended in `[+]`, and so means a new last entry. */
  readonly appends: boolean;
} | PathProblem {
  const text = typed.trim();
  if (text === "") return { kind: "path", path: [], appends: false };
  const path: Segment[] = [];
  PART.lastIndex = 0;
  while (PART.lastIndex < text.length) {
    const at = PART.lastIndex;
    const part = PART.exec(text);
    if (!part) return problem(text, at);
    const [, inQuotes, bare, index] = part;
    if (index === "+") {
      if (PART.lastIndex < text.length) return problem(text, PART.lastIndex);
      return { kind: "path", path, appends: true };
    }
    if (index !== undefined) path.push(Number(index));
    else {
      const key = bare ?? unquoted(inQuotes ?? "");
      if (key === undefined) return problem(text, at);
      path.push(key);
    }
  }
  return { kind: "path", path, appends: false };
}

/** A key within quotes; our messages write invisible characters as `\u{1f980}`. */
function unquoted(text: string): string | undefined {
  const json = text.replace(
    /(\\\\)|\\u\{([0-9a-f]{1,6})\}/gi,
    (written, backslash: string | undefined, code: string | undefined) => {
      const point = parseInt(code ?? "", 16);
      if (backslash !== undefined || !(point <= 0x10ffff)) return written;
      return JSON.stringify(String.fromCodePoint(point)).slice(1, -1);
    },
  );
  try {
    const key: unknown = JSON.parse(`"${json}"`);
    return typeof key === "string" ? key : undefined;
  } catch {
    return undefined; // JSON throws a SyntaxError for an escape that does not exist
  }
}

function problem(text: string, at: number): PathProblem {
  const rest = quoted(text.slice(at), 20);
  return {
    kind: "problem",
    message: `${quoted(text)} is not a path: it is not valid from ${rest} on; ` +
      'write it as channels.discord.guilds."my guild".users[0]',
  };
}

/** Parses JSON. Returns `undefined` if the text is not JSON. */
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
