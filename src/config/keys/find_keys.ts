/**
 * Finds keys of the config by what a person types: a path, its last part, words of the description,
 * or a name with typing mistakes. `barnacle config explain` searches with it.
 */

import { type Distance, nearestOf } from "../checks/nearest.ts";
import { allKeys } from "./key_facts.ts";
import type { ReferenceKey } from "../reference.ts";
import { parsePath } from "../text/path.ts";

export interface FoundKey {
  readonly key: ReferenceKey;
  /**
   * Why it was found: the query is its path or the end of it, or its path and description have all
   * words of the query.
   */
  readonly by: "path" | "name" | "words";
}

/** Reasons, the best first. */
const ORDER: readonly FoundKey["by"][] = ["path", "name", "words"];

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
): {
  /** The best first: by reason, then the usual ones, and short paths. */
  readonly found: readonly FoundKey[];
  /** The words without their typing mistakes, if the written ones match nothing. */
  readonly instead?: string;
} {
  const keys = allKeys();
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
  const read = parsePath(typed);
  const parts = read.kind === "problem"
    ? typed.toLowerCase().split(".")
    : read.path.map((part) => typeof part === "number" ? "[]" : part.toLowerCase());
  const words = wordsOf(typed);
  const reasonOf = ({ path, name, doc }: ReferenceKey): FoundKey["by"] | undefined => {
    const segments = path.toLowerCase().replaceAll("[]", ".[]").split(".");
    const end = segments.slice(-parts.length);
    // A placeholder fits any name.
    const fits = end.length === parts.length &&
      end.every((segment, at) => segment === parts[at] || segment.startsWith("<"));
    if (fits && end.length === segments.length || path.toLowerCase() === typed.toLowerCase()) {
      return "path";
    }
    if (plainOf(name) === plainOf(typed) || fits && end.length > 1 && !end[0]?.startsWith("<")) {
      return "name";
    }
    const text = `${splitCamel(path)} ${path} ${plainOf(path)} ${doc.description}`.toLowerCase();
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

/** Without the marks that people leave out or mix up. */
function plainOf(text: string): string {
  return text.toLowerCase().replaceAll(/[_\s-]/g, "");
}

/** `"history Limit"` of `historyLimit`. */
function splitCamel(text: string): string {
  return text.replaceAll(/([a-z])([A-Z])/g, "$1 $2");
}
