/** Searches the keys of the config by words, also misspelt ones. */

import { allowedBy } from "../schema/parts/shape.ts";
import { docText } from "../schema/parts/key.ts";
import { type Distance, nearestOf } from "../checks/nearest.ts";
import { defaultText, type ReferenceKey, referenceKeys } from "../reference.ts";
import { configSchema } from "../schema/root.ts";

/** A key that matches, as a person reads it. */
export interface FoundKey {
  /** Config path with placeholders: `"channels.discord.guilds.<guild>.users"`. */
  readonly path: string;
  /** Description, default in words, and effect of a change. */
  readonly text: string;
  /** The allowed values, in words. */
  readonly allowed: string;
  /** The default as JSON or in words. */
  readonly fallback: string;
}

/** The keys that match. */
export interface KeySearch {
  /** The best first. */
  readonly keys: readonly FoundKey[];
  /** Number of matches that are not listed. */
  readonly more: number;
  /** The words that were searched instead, because the written ones match nothing. */
  readonly instead?: string;
}

/** Most keys that a search lists. */
const MAX_FOUND = 12;

/**
 * Finds keys whose path or description has all words.
 *
 * @param distance For words that no key has; `fastest-levenshtein`.
 */
export function searchKeys(query: string, distance: Distance): KeySearch {
  const words = query.toLowerCase().split(/[\s.]+/).filter((word) => word !== "").slice(0, 8);
  if (words.length === 0) return { keys: [], more: 0 };
  const all = flat(referenceKeys(configSchema)).filter(({ isBuilt }) => isBuilt);
  const found = ranked(all, words);
  if (found.length > 0) return listed(found);
  const names = [...new Set(all.map(({ name }) => name))];
  const near = words.map((word) => nearestOf(word, names, distance) ?? word);
  const instead = near.map((word) => word.toLowerCase());
  return { ...listed(ranked(all, instead)), instead: near.join(" ") };
}

function flat(keys: readonly ReferenceKey[]): readonly ReferenceKey[] {
  return keys.flatMap((key) => [key, ...flat(key.keys)]);
}

/** The matches: those whose own name has the words first, then by path, then by description. */
function ranked(
  keys: readonly ReferenceKey[],
  words: readonly string[],
): readonly ReferenceKey[] {
  const scored = keys.map((key) => ({ key, score: scoreOf(key, words) }));
  return scored.filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score || a.key.path.length - b.key.path.length)
    .map(({ key }) => key);
}

/** 0 if a word is in none of them. */
function scoreOf({ name, path, doc }: ReferenceKey, words: readonly string[]): number {
  let sum = 0;
  for (const word of words) {
    const score = name.toLowerCase() === word
      ? 8
      : name.toLowerCase().includes(word)
      ? 4
      : path.toLowerCase().includes(word)
      ? 2
      : docText(doc).toLowerCase().includes(word)
      ? 1
      : 0;
    if (score === 0) return 0;
    sum += score;
  }
  return sum;
}

function listed(found: readonly ReferenceKey[]): KeySearch {
  return {
    keys: found.slice(0, MAX_FOUND).map((key) => ({
      path: key.path,
      text: docText(key.doc),
      allowed: allowedBy(key.schema),
      fallback: defaultText(key),
    })),
    more: Math.max(0, found.length - MAX_FOUND),
  };
}
