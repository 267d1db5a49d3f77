/**
 * Flattens Discord's nested form errors into readable lines.
 *
 * @module
 */

import { isRecord } from "../../../lib/text/json.ts";

/** A tree can have one problem for each field of ten embeds; the first few are enough. */
const MAX_LINES = 5;
const MAX_DEPTH = 10;

/**
 * Flattens the `errors` of a rejected request.
 *
 * @param tree For example `{ embeds: { 0: { title: { _errors: [{ message: "Too long." }] } } } }`.
 * @returns For example `["embeds[0].title: Too long"]`; empty if the tree has another form.
 * @see {@link https://docs.discord.com/developers/reference#error-messages}
 */
export function flattenErrors(tree: unknown): readonly string[] {
  const lines: string[] = [];
  for (const line of linesOf(tree, "", 0)) {
    lines.push(line);
    if (lines.length === MAX_LINES) break;
  }
  return lines;
}

function* linesOf(node: unknown, path: string, depth: number): Generator<string> {
  if (!isRecord(node) || depth > MAX_DEPTH) return;
  for (const [key, value] of Object.entries(node)) {
    if (key === "_errors") yield* messagesOf(value, path);
    else yield* linesOf(value, join(path, key), depth + 1);
  }
}

function* messagesOf(errors: unknown, path: string): Generator<string> {
  const list: readonly unknown[] = Array.isArray(errors) ? errors : [];
  for (const error of list) {
    const message = isRecord(error) ? error["message"] : undefined;
    if (typeof message !== "string") continue;
    const text = message.replace(/\.$/, "");
    yield path === "" ? text : `${path}: ${text}`;
  }
}

function join(path: string, key: string): string {
  if (/^\d+$/.test(key)) return `${path}[${key}]`;
  return path === "" ? key : `${path}.${key}`;
}
