/**
 * Writes example configs: a short one with the usual keys, and one with every key.
 *
 * Both come from the schema, so they cannot disagree with it (C4). As they stand, both mean the
 * same as a config without keys: values other than defaults are in comments.
 *
 * @module
 */

import { z } from "zod";
import { wrapped } from "../../lib/text/cut.ts";
import { docText } from "../schema/parts/key.ts";
import { configSchema } from "../schema/root.ts";
import { core, type Schema } from "../schema/parts/shape.ts";
import { isList, isRecord } from "../text/tree.ts";
import { defaultOf, exampleOf, json, type ReferenceKey, referenceKeys } from "./keys.ts";

/** Which keys an example has. */
export type ExampleKind = "short" | "all";

const WIDTH = 100;

const FMT = "// deno-fmt-ignore -- the formatter removes commas that keys in comments need";

const HEADS: Readonly<Record<ExampleKind, readonly string[]>> = {
  short: [
    "// The keys that people change most. A file without any key is valid, too.",
    "// To set a key in a comment, remove the // before it, and write your own value.",
    "// `barnacle config example --all` prints all keys, and `barnacle config check` checks a file.",
  ],
  all: [
    "// Every key, with its default. To change one, remove the // before it.",
    '// A key has an example value if its comment names the default ("Default: …").',
    "// `barnacle config check` checks a file.",
  ],
};

/** Writes an example of a config file, as JSON with comments. */
export function exampleText(kind: ExampleKind, schema: Schema = configSchema): string {
  return [
    ...HEADS[kind],
    "//",
    FMT,
    "{",
    ...members(referenceKeys(schema), kind, 1, false).map(indent),
    "}",
    "",
  ].join("\n");
}

/**
 * The lines of an object's keys.
 *
 * @param isComment Whether the whole object is in a comment; then its keys need no marks.
 */
function members(
  keys: readonly ReferenceKey[],
  kind: ExampleKind,
  depth: number,
  isComment: boolean,
): readonly string[] {
  return keys.filter((key) => isShown(key, kind)).flatMap((key) => {
    const hasEffect = key.isSection && key.doc.unset !== undefined; // even if it is empty
    const isLive = isComment || (key.isSection && !hasEffect) ||
      (kind === "short" && hasUsefulDefault(key));
    const lines = valueLines(key, kind, depth, !isLive || isComment);
    return [
      ...wrapped(docText(key.doc), WIDTH - 4 - 2 * depth).map((line) => `// ${line}`),
      ...(isLive ? lines : lines.map((line) => `// ${line}`)),
    ];
  });
}

function isShown({ isBuilt, doc, isSection, keys }: ReferenceKey, kind: ExampleKind): boolean {
  if (!isBuilt) return false;
  if (kind === "all" || doc.isCommon) return true;
  return isSection && keys.some((key) => isShown(key, kind));
}

function hasUsefulDefault({ schema }: ReferenceKey): boolean {
  const fallback = defaultOf(schema);
  return fallback !== undefined && !isEmpty(fallback);
}

function isEmpty(value: unknown): boolean {
  return (isList(value) && value.length === 0) ||
    (isRecord(value) && Object.keys(value).length === 0);
}

function valueLines(
  key: ReferenceKey,
  kind: ExampleKind,
  depth: number,
  isComment: boolean,
): readonly string[] {
  const name = JSON.stringify(key.name);
  const plain = core(key.schema);
  if (key.isSection) {
    const inner = members(key.keys, kind, depth + 1, isComment);
    return [`${name}: {`, ...inner.map(indent), "},"];
  }
  const inner = members(key.keys, kind, depth + 2, true);
  const example = exampleOf(key);
  if (inner.length > 0 && plain instanceof z.ZodRecord) {
    const [entry = "name"] = isRecord(example) ? Object.keys(example) : [];
    const lines = [`${JSON.stringify(entry)}: {`, ...inner.map(indent), "},"];
    return [`${name}: {`, ...lines.map(indent), "},"];
  }
  if (inner.length > 0 && plain instanceof z.ZodArray) {
    return [`${name}: [`, ...["{", ...inner.map(indent), "},"].map(indent), "],"];
  }
  const fallback = defaultOf(key.schema);
  const shown = fallback === undefined || (kind === "short" && isEmpty(fallback))
    ? example ?? {}
    : fallback;
  return [`${name}: ${json(shown)},`];
}

function indent(line: string): string {
  return `  ${line}`;
}
