/**
 * Finds keys of the config by what a person types: a path, its last part, words of the description,
 * or a name with typing mistakes. `barnacle config explain` and the dashboard search with it.
 */

import { type Distance, nearestOf } from "../checks/nearest.ts";
import { allKeys } from "./key_facts.ts";
import { keysMeant, meantWords, setElsewhere } from "./meanings.ts";
import type { ReferenceKey } from "../reference.ts";
import { parsePath } from "../text/path.ts";

/** A found key. */
export interface FoundKey {
  readonly key: ReferenceKey;
  /**
   * Why it was found.
   *
   * - `path`: the query is its path, with names in place of placeholders.
   * - `meaning`: people use the word for it.
   * - `name`: the query is its last part, or the end of its path.
   * - `part`: its path contains the query.
   * - `words`: its path or description contains all words of the query.
   */
  readonly by: "path" | "meaning" | "name" | "part" | "words";
}

/** Reasons, the best first. */
const ORDER: readonly FoundKey["by"][] = ["path", "meaning", "name", "part", "words"];

/** Longer queries are cut. */
const MAX_QUERY = 200;
const MAX_WORDS = 8;

/** The keys that a query means. */
export interface FoundKeys {
  /** The best first: by reason, then those with an effect, the usual ones, and short paths. */
  readonly found: readonly FoundKey[];
  /** The words without their typing mistakes, if the written ones match nothing. */
  readonly instead?: string;
  /** Where the thing is set, if no key sets it. */
  readonly elsewhere?: string;
}

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
): FoundKeys {
  const typed = query.trim().slice(0, MAX_QUERY);
  if (!/[\p{L}\p{N}]/u.test(typed)) return { found: [] };
  const elsewhere = setElsewhere(plainOf(typed));
  const found = matches(typed, keys);
  if (found.length > 0 || elsewhere !== undefined) return { found, elsewhere };
  const named = keys.flatMap(({ name }) => [name, ...splitCamel(name).split(" ")]);
  const names = [...new Set([...named, ...meantWords()])];
  const words = wordsOf(typed);
  const near = words.map((word) => nearestOf(word, names, distance) ?? word);
  if (near.every((word, at) => word === words[at])) return { found: [] };
  const instead = near.join(/\s/.test(typed) ? " " : ".");
  return { found: matches(instead, keys), instead };
}

function matches(typed: string, keys: readonly ReferenceKey[]): readonly FoundKey[] {
  const meant = keysMeant(plainOf(typed));
  const reasonOf = reasonsFor(typed, meant);
  return keys.flatMap((key): readonly FoundKey[] => {
    const by = reasonOf(key);
    return by === undefined ? [] : [{ key, by }];
  }).toSorted((one, other) => rankOf(one, meant) - rankOf(other, meant));
}

function wordsOf(typed: string): readonly string[] {
  return typed.toLowerCase().split(/[\s.]+/).filter((word) => word !== "").slice(0, MAX_WORDS);
}

/** The bot's texts are many, and few people look for one. */
const TEXTS = "messages.texts.";

function rankOf({ key: { doc, path }, by }: FoundKey, meant: readonly string[]): number {
  const rank = ORDER.indexOf(by) * 10_000;
  if (by === "meaning") return rank + meant.indexOf(path);
  return rank + (path.startsWith(TEXTS) ? 5_000 : 0) + (doc.isCommon ? 0 : 150) +
    path.split(/[.[]/).length * 100 + path.length / 10;
}

function reasonsFor(
  typed: string,
  meant: readonly string[],
): (key: ReferenceKey) => FoundKey["by"] | undefined {
  const lower = typed.toLowerCase();
  const parts = partsOf(typed);
  const plain = plainOf(typed);
  const words = wordsOf(typed);
  return (key) => {
    const path = key.path.toLowerCase();
    if (path === lower || isPattern(segmentsOf(key.path), parts)) return "path";
    if (meant.includes(key.path)) return "meaning";
    if (path.endsWith(`.${lower}`) || plainOf(key.name) === plain) return "name";
    if (isEnd(segmentsOf(key.path), parts)) return "name";
    if (plain !== "" && plainOf(key.path).includes(plain)) return "part";
    const text = `${splitCamel(key.path)} ${path} ${key.doc.description}`.toLowerCase();
    return words.length > 0 && words.every((word) => text.includes(word)) ? "words" : undefined;
  };
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
