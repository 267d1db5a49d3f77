/**
 * Finds keys of the config by what a person types: a path, its last part, words of the description,
 * or a name with typing mistakes. `barnacle config explain` and the dashboard search with it.
 */

import { type Distance, nearestOf } from "../checks/nearest.ts";
import { allKeys } from "./key_facts.ts";
import type { ReferenceKey } from "../reference.ts";
import { parsePath } from "../text/path.ts";

export interface FoundKey {
  readonly key: ReferenceKey;
  /**
   * Why it was found: the query is its path, the end of it or a part of it, or its path and
   * description have all words of the query.
   */
  readonly by: "path" | "name" | "part" | "words";
}

/** Reasons, the best first. */
const ORDER: readonly FoundKey["by"][] = ["path", "name", "part", "words"];

const MAX_QUERY = 200;
const MAX_WORDS = 8;

/**
 * Finds keys.
 *
 * @param query As typed: `"historylimit"`, `"guilds.123.users"`, `"rate limit"`.
 * @param distance Counts typing mistakes; loaded by the caller, as few callers need it.
 */
export function findKeys(
  query: string,
  distance: Distance,
  keys: readonly ReferenceKey[] = allKeys(),
): {
  /** The best first: by reason, then the usual ones, and short paths. */
  readonly found: readonly FoundKey[];
  /** The words without their typing mistakes, if the written ones match nothing. */
  readonly instead?: string;
} {
  const typed = query.trim().slice(0, MAX_QUERY);
  if (!/[\p{L}\p{N}]/u.test(typed)) return { found: [] };
  const found = matches(typed, keys);
  if (found.length > 0) return { found };
  const names = [...new Set(keys.flatMap(({ name }) => [name, ...splitCamel(name).split(" ")]))];
  const near = wordsOf(typed).map((word) => nearestOf(word, names, distance) ?? word);
  const instead = near.join(/\s/.test(typed) ? " " : ".");
  const nearby = matches(instead, keys);
  return nearby.length > 0 ? { found: nearby, instead } : { found: [] };
}

function matches(typed: string, keys: readonly ReferenceKey[]): readonly FoundKey[] {
  const lower = typed.toLowerCase();
  const parts = partsOf(typed);
  const plain = plainOf(typed);
  const words = wordsOf(typed);
  const reasonOf = ({ path, name, doc }: ReferenceKey): FoundKey["by"] | undefined => {
    const segments = segmentsOf(path);
    if (path.toLowerCase() === lower || isPattern(segments, parts)) return "path";
    if (plainOf(name) === plain || isEnd(segments, parts)) return "name";
    if (plain !== "" && plainOf(path).includes(plain)) return "part";
    const text = `${splitCamel(path)} ${path} ${doc.description}`.toLowerCase();
    return words.length > 0 && words.every((word) => text.includes(word)) ? "words" : undefined;
  };
  return keys.flatMap((key): readonly FoundKey[] => {
    const by = reasonOf(key);
    return by === undefined ? [] : [{ key, by }];
  }).toSorted((one, other) => rankOf(one) - rankOf(other));
}

function wordsOf(typed: string): readonly string[] {
  return typed.toLowerCase().split(/[\s.]+/).filter((word) => word !== "").slice(0, MAX_WORDS);
}

function rankOf({ key: { doc, path }, by }: FoundKey): number {
  return ORDER.indexOf(by) * 10_000 + (doc.isCommon ? 0 : 150) +
    path.split(/[.[]/).length * 100 + path.length / 10;
}

/** The parts of a typed path: `[0]` and a name in quotes are parts of their own. */
function partsOf(typed: string): readonly string[] {
  const read = parsePath(typed);
  return read.kind === "problem"
    ? typed.toLowerCase().split(".")
    : read.path.map((part) => typeof part === "number" ? "[]" : part.toLowerCase());
}

/** The parts of a documented path: `"guilds.<guild>.users[]"`. */
function segmentsOf(path: string): readonly string[] {
  return path.toLowerCase().replaceAll("[]", ".[]").split(".");
}

/** Whether each part fits; a placeholder fits any name. */
function isPattern(segments: readonly string[], parts: readonly string[]): boolean {
  return segments.length === parts.length &&
    segments.every((segment, at) => segment === parts[at] || segment.startsWith("<"));
}

/** Whether a path ends with several typed parts: `guilds.123.users`. */
function isEnd(segments: readonly string[], parts: readonly string[]): boolean {
  return parts.length > 1 && parts.length < segments.length &&
    !segments.at(-parts.length)?.startsWith("<") &&
    isPattern(segments.slice(-parts.length), parts);
}

/** Without the marks that people leave out or mix up. */
function plainOf(text: string): string {
  return text.toLowerCase().replaceAll(/[_\s-]/g, "");
}

/** `"history Limit"` of `historyLimit`. */
function splitCamel(text: string): string {
  return text.replaceAll(/([a-z])([A-Z])/g, "$1 $2");
}
