/**
 * Reads an `openclaw.json`, which is JSON5: plain data, with the line of each entry.
 *
 * jsonc-parser reads our own file and no JSON5; momoa reads JSON5 and stops at the first fault. So
 * each of them has its own file. The commands that need momoa load it.
 */

import { type DocumentNode, parse, type ValueNode } from "@humanwhocodes/momoa";
import { yamlIn } from "../../config/text/edit.ts";
import { isRecord, pathTo } from "../../lib/text/quoted.ts";

/** Key of an object or a list for the lines of its entries; no key of a file is a symbol. */
const LINES = Symbol("lines");

/** The line of an entry, from 1; 0 for an entry that is in no file. */
export function lineAt(container: unknown, key: string | number): number {
  const lines = typeof container === "object" && container ? Reflect.get(container, LINES) : null;
  return (lines instanceof Map ? lines.get(String(key)) : undefined) ?? 0;
}

/** A file's content, or why it cannot be read. */
type ReadConfig =
  | {
    readonly kind: "source";
    readonly value: Readonly<Record<string, unknown>>;
    readonly remarks: readonly ImportRemark[];
  }
  /** `offset`: of the fault in the text, in UTF-16 units. */
  | { readonly kind: "fault"; readonly offset: number; readonly why: string };

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
    return sourceOf(text, parse(whole, { mode: "json5" }));
  } catch (cause) {
    if (cause instanceof RangeError) return fault("The file is nested too deep");
    if (!(cause instanceof Error)) throw cause;
    const yaml = yamlIn(text);
    if (yaml) {
      const why = "This is YAML; OpenClaw's config is JSON5. Convert it to JSON first";
      return fault(why, yaml.offset);
    }
    const why = cause.message.replace(/\s*\(\d+:\d+\)$/, "").replace(/\.$/, "");
    return fault(why, "offset" in cause ? Number(cause.offset) : 0);
  }
}

function sourceOf(text: string, { body }: DocumentNode): ReadConfig {
  const remarks: ImportRemark[] = [];
  const value = valueOf(body, "", text, remarks);
  return isRecord(value)
    ? { kind: "source", value, remarks }
    : fault("Expected an object in braces");
}

function fault(why: string, offset = 0): ReadConfig {
  return { kind: "fault", offset, why };
}

/** The plain data of a node; repeated keys and includes are added to `remarks`. */
function valueOf(node: ValueNode, path: string, text: string, remarks: ImportRemark[]): unknown {
  switch (node.type) {
    case "Object":
    case "Array":
      break;
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
  const entries = new Map<string, { readonly value: unknown; readonly line: number }>();
  const children = node.type === "Object" ? node.members : node.elements;
  for (const [index, child] of children.entries()) {
    const key = child.type === "Element" ? String(index) : keyOf(child.name);
    const here = pathTo(path, child.type === "Element" ? index : key);
    const { line } = child.loc.start;
    const before = entries.get(key);
    if (before) {
      const why = `${JSON.stringify(key)} is repeated in line ${line}; the last one counts`;
      remarks.push({ kind: "left", path: here, line: before.line, why });
    }
    if (key === "$include") {
      const why = "Copy the other file's content into this one, and try again";
      remarks.push({ kind: "invalid", path: here, line, why });
    }
    entries.set(key, { value: valueOf(child.value, here, text, remarks), line });
  }
  const target = node.type === "Object"
    ? Object.fromEntries([...entries].map(([key, { value }]) => [key, value]))
    : [...entries.values()].map(({ value }) => value);
  const lines = new Map([...entries].map(([key, { line }]) => [key, line]));
  Reflect.set(target, LINES, lines); // a copy of an object by `{ ...object }` keeps them
  return target;
}

function keyOf(name: { type: "Identifier"; name: string } | { type: "String"; value: string }) {
  return name.type === "Identifier" ? name.name : name.value;
}
