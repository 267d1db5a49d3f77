/**
 * Making a tree: entries go from the file that is imported into ours, comments and all.
 *
 * @module
 */

import type { Container, Entry, Note, Part, Scalar } from "../text/json5.ts";
import type { Segment } from "../text/tree.ts";

/** Plain data as a part. */
export function partOf(value: unknown): Part {
  if (Array.isArray(value)) {
    return containerOf(
      "list",
      value.map((inner) => entryOf(undefined, inner)),
    );
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
    return containerOf("object", entries.map(([key, inner]) => entryOf(key, inner)));
  }
  return scalarOf(value);
}

function scalarOf(value: unknown): Scalar {
  const isPlain = typeof value === "string" || typeof value === "number" ||
    typeof value === "boolean";
  return { kind: "scalar", value: isPlain ? value : null, text: JSON.stringify(value) ?? "null" };
}

/** A part as plain data; what is written twice counts as it does for JSON5, the last time. */
export function plainOf(part: Part): unknown {
  if (part.kind === "scalar") return part.value;
  if (part.kind === "list") return part.entries.map(({ value }) => plainOf(value));
  return Object.fromEntries(part.entries.map(({ key = "", value }) => [key, plainOf(value)]));
}

export function containerOf(kind: Container["kind"], entries: readonly Entry[] = []): Container {
  const isOnLines = kind === "object" && entries.length > 0;
  return { kind, entries, opening: [], closing: [], isOnLines, endsInComma: false };
}

/** What no file says: no line, no comments. */
export function entryOf(key: string | undefined, value: unknown, line = 0): Entry {
  return {
    ...(key !== undefined && { key }),
    value: partOf(value),
    line,
    before: [],
    between: [],
    after: [],
    hasGap: false,
    source: "",
  };
}

export function withValue(entry: Entry, value: Part): Entry {
  return { ...entry, value };
}

export function keyed(entry: Entry, key: string): Entry {
  return { ...entry, key };
}

/** An entry as one of a list. */
export function unkeyed({ key: _, ...entry }: Entry): Entry {
  return entry;
}

/** Words of ours above an entry. */
export function remarked(entry: Entry, words: readonly string[]): Entry {
  const notes = words.map((text): Note => ({ text: `// ${text}`, isLine: true, hasGap: false }));
  return { ...entry, before: [...entry.before, ...notes] };
}

/** What stands under a key; the last, where it is there twice. */
export function entryAt(part: Part | undefined, key: string): Entry | undefined {
  if (part?.kind !== "object") return undefined;
  return part.entries.findLast((entry) => entry.key === key);
}

export function partAt(part: Part | undefined, path: readonly string[]): Part | undefined {
  let at = part;
  for (const key of path) at = entryAt(at, key)?.value;
  return at;
}

/**
 * Puts an entry under its last key; objects on the way are made. It takes the place of another, but
 * two objects become one: what both of OpenClaw's spellings say is all of ours.
 */
export function put(into: Container, path: readonly string[], entry: Entry): Container {
  const [key, ...rest] = path;
  if (key === undefined) return into;
  const index = into.entries.findLastIndex((one) => one.key === key);
  const old = into.entries[index];
  const inner = rest.length === 0 ? merged(old, keyed(entry, key)) : nested(old, key, rest, entry);
  const entries = old ? into.entries.with(index, inner) : [...into.entries, inner];
  return { ...into, entries };
}

function merged(old: Entry | undefined, entry: Entry): Entry {
  if (old?.value.kind !== "object" || entry.value.kind !== "object") return entry;
  const { value } = entry;
  const both = value.entries.reduce((made, one) => put(made, [one.key ?? ""], one), old.value);
  return {
    ...entry,
    before: [...old.before, ...entry.before],
    after: [...old.after, ...entry.after],
    value: {
      ...both,
      opening: [...both.opening, ...value.opening],
      closing: [...both.closing, ...value.closing],
    },
  };
}

function nested(
  old: Entry | undefined,
  key: string,
  path: readonly string[],
  entry: Entry,
): Entry {
  const host = old?.value.kind === "object"
    ? old.value
    : { ...containerOf("object"), isOnLines: true };
  return withValue(old ?? entryOf(key, {}, entry.line), put(host, path, entry));
}

/** Without what is at a path; a list without one of its entries. */
export function without(part: Part, [segment, ...rest]: readonly Segment[]): Part {
  if (part.kind === "scalar" || segment === undefined) return part;
  const index = part.kind === "list"
    ? Number(segment)
    : part.entries.findLastIndex(({ key }) => key === segment);
  const entry = part.entries[index];
  if (!entry) return part;
  const entries = rest.length === 0
    ? part.entries.filter((one) => one !== entry)
    : part.entries.with(index, withValue(entry, without(entry.value, rest)));
  return { ...part, entries };
}

/** As much of a path as is there, and the entry at its end. */
export function nearest(
  part: Part,
  path: readonly Segment[],
): { readonly path: readonly Segment[]; readonly entry?: Entry } {
  let at: Part = part;
  let entry: Entry | undefined;
  const there: Segment[] = [];
  for (const segment of path) {
    if (at.kind === "scalar") break;
    const next = typeof segment === "number" ? at.entries[segment] : entryAt(at, segment);
    if (!next) break;
    entry = next;
    at = next.value;
    there.push(segment);
  }
  return { path: there, ...(entry && { entry }) };
}
