/**
 * Reads an `openclaw.json`, which is JSON5: plain data, with the line and comments of each entry.
 *
 * jsonc-parser reads our own file and no JSON5; momoa reads JSON5 and stops at the first fault. So
 * each of them has its own file. The commands that need momoa load it.
 */

import { type DocumentNode, parse, type Token, type ValueNode } from "@humanwhocodes/momoa";
import { pathTo } from "../../core/config_file.ts";
import { yamlIn } from "../../config/text/other_formats.ts";
import { isRecord } from "../../config/text/tree.ts";

/** The line of an entry, and its comments with their marks. */
export interface Mark {
  /** From 1; 0 for an entry that is in no file. */
  readonly line: number;
  /** Comments in the lines above the entry. */
  readonly above: readonly string[];
  /** Comments in the entry's own line. */
  readonly beside: readonly string[];
  /** Comments between the last entry and the closing bracket. */
  readonly below: readonly string[];
}

/** The mark of an entry that is in no file. */
export const UNMARKED: Mark = { line: 0, above: [], beside: [], below: [] };

/** Key of an object or a list for the marks of its entries; no key of a file is a symbol. */
const MARKS = Symbol("marks");

export function markAt(container: unknown, key: string | number): Mark {
  const marks = typeof container === "object" && container ? Reflect.get(container, MARKS) : null;
  return (marks instanceof Map ? marks.get(String(key)) : undefined) ?? UNMARKED;
}

/** Sets the mark of an entry. A copy of an object by `{ ...object }` keeps the marks. */
export function setMark(container: object, key: string | number, mark: Mark): void {
  const marks = Object.getOwnPropertyDescriptor(container, MARKS)?.value ?? new Map();
  Reflect.set(container, MARKS, marks.set(String(key), mark));
}

/** A file's content, or why it cannot be read. */
type ReadConfig =
  | {
    readonly kind: "source";
    readonly value: Readonly<Record<string, unknown>>;
    /** The comments of the whole file. */
    readonly mark: Mark;
    readonly remarks: readonly ImportRemark[];
  }
  | { readonly kind: "fault"; readonly line: number; readonly why: string };

/** A key that cannot be imported as written. */
export interface ImportRemark {
  /** `invalid` keeps the file from being imported. */
  readonly kind: "left" | "invalid";
  /** Config path of the key in the imported file. */
  readonly path: string;
  /** Line of the key there, from 1. */
  readonly line: number;
  /** The reason, for the operator. */
  readonly why: string;
}

/** UTF-16 units, as of our own file. */
const MAX_LENGTH = 2 ** 20;

export function readOpenClaw(text: string): ReadConfig {
  if (text.length > MAX_LENGTH) return fault(`The file is too large: ${text.length} characters`);
  // momoa never ends after a backslash at the very end of a text.
  const whole = text.endsWith("\\") ? `${text}\n` : text;
  try {
    return sourceOf(text, parse(whole, { mode: "json5", ranges: true, tokens: true }));
  } catch (cause) {
    if (cause instanceof RangeError) return fault("The file is nested too deep");
    if (!(cause instanceof Error)) throw cause;
    const yaml = yamlIn(text);
    if (yaml) {
      const line = text.slice(0, yaml.offset).split("\n").length;
      return fault("This is YAML; OpenClaw's config is JSON5. Convert it to JSON first", line);
    }
    const line = /\((\d+):\d+\)$/.exec(cause.message)?.[1];
    return fault(
      cause.message.replace(/\s*\(\d+:\d+\)$/, "").replace(/\.$/, ""),
      Number(line ?? 1),
    );
  }
}

function sourceOf(text: string, document: DocumentNode): ReadConfig {
  const comments = (document.tokens ?? []).filter(({ type }) => type.endsWith("Comment"));
  const { body } = document;
  const reader = createReader(text, comments);
  const above = reader.commentsBefore(body.loc.start.offset);
  const mark: OpenMark = { line: 1, above: [...above], beside: [], below: [] };
  const value = reader.valueOf(body, "", mark);
  if (!isRecord(value)) return fault("Expected an object in braces");
  mark.below.push(...reader.commentsBefore(text.length));
  return { kind: "source", value, mark, remarks: reader.remarks };
}

function fault(why: string, line = 1): ReadConfig {
  return { kind: "fault", line, why };
}

/** A mark whose comments are still incomplete. */
interface OpenMark extends Mark {
  readonly above: string[];
  readonly beside: string[];
  readonly below: string[];
}

/** Reads the values and the comments side by side, in the order of the text. */
function createReader(text: string, comments: readonly Token[]) {
  const remarks: ImportRemark[] = [];
  let next = 0;

  const take = (until: number): readonly Token[] => {
    const from = next;
    while ((comments[next]?.loc.start.offset ?? until) < until) next += 1;
    return comments.slice(from, next);
  };

  const container = (
    node: Extract<ValueNode, { type: "Object" | "Array" }>,
    path: string,
    own: OpenMark,
  ): unknown => {
    const entries = new Map<string, { readonly value: unknown; readonly mark: OpenMark }>();
    let last = own;
    let lastLine = node.loc.start.line;
    const settle = (until: number, above: string[]): void => {
      for (const token of take(until)) {
        const { start, end } = token.loc;
        const isBeside = start.line === lastLine && end.line === lastLine &&
          !last.beside.at(-1)?.startsWith("//"); // nothing can follow a line comment in its line
        (isBeside ? last.beside : above).push(textOf(token));
      }
    };
    const children = node.type === "Object" ? node.members : node.elements;
    for (const [index, child] of children.entries()) {
      const key = child.type === "Element" ? String(index) : keyOf(child.name);
      const here = pathTo(path, child.type === "Element" ? index : key);
      const { line } = child.loc.start;
      const mark: OpenMark = { line, above: [], beside: [], below: [] };
      settle(child.loc.start.offset, mark.above);
      last = mark;
      lastLine = line;
      settle(child.value.loc.start.offset, mark.above);
      const before = entries.get(key);
      if (before) {
        const why = `${JSON.stringify(key)} is repeated in line ${line}; the last one counts`;
        remarks.push({ kind: "left", path: here, line: before.mark.line, why });
      }
      if (key === "$include") {
        const why = "Copy the other file's content into this one, and try again";
        remarks.push({ kind: "invalid", path: here, line, why });
      }
      entries.set(key, { value: valueOf(child.value, here, mark), mark });
      lastLine = child.loc.end.line;
    }
    settle(node.loc.end.offset, last.below);
    const target = node.type === "Object"
      ? Object.fromEntries([...entries].map(([key, { value }]) => [key, value]))
      : [...entries.values()].map(({ value }) => value);
    for (const [key, { mark }] of entries) setMark(target, key, mark);
    return target;
  };

  const textOf = ({ loc }: Token): string =>
    text.slice(loc.start.offset, loc.end.offset).replace(/\r\n?/g, "\n");

  const valueOf = (node: ValueNode, path: string, own: OpenMark): unknown => {
    switch (node.type) {
      case "Object":
      case "Array":
        return container(node, path, own);
      case "Number": {
        // An id without quotes: as a number it would be rounded to another id.
        const digits = text.slice(node.loc.start.offset, node.loc.end.offset).replace(/^\+/, "");
        return /^\d+$/.test(digits) && !Number.isSafeInteger(node.value) ? digits : node.value;
      }
      case "NaN":
      case "Infinity":
        return NaN; // a number that JSON does not have
      case "Null":
        return null;
      default:
        return node.value;
    }
  };

  return {
    remarks,
    commentsBefore: (offset: number): readonly string[] => take(offset).map(textOf),
    valueOf,
  };
}

function keyOf(name: { type: "Identifier"; name: string } | { type: "String"; value: string }) {
  return name.type === "Identifier" ? name.name : name.value;
}
