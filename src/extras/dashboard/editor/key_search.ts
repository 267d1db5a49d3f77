/** Lists the keys of the config that a person means, for the search box of the dashboard. */

import { allowedBy } from "../../../config/schema/parts/shape.ts";
import { docText } from "../../../config/schema/parts/key.ts";
import type { Distance } from "../../../config/checks/nearest.ts";
import { findKeys } from "../../../config/keys/find_keys.ts";
import { defaultText, type ReferenceKey } from "../../../config/reference.ts";

/** A key that matches, as a person reads it. */
export interface ShownKey {
  /** Config path with placeholders: `"channels.discord.guilds.<guild>.users"`. */
  readonly path: string;
  /** Description, default in words, and effect of a change. */
  readonly text: string;
  /** The allowed values, in words. */
  readonly allowed: string;
  /** The default as JSON or in words. */
  readonly fallback: string;
}

export interface KeySearch {
  /** The best first. */
  readonly keys: readonly ShownKey[];
  /** Number of matches that are not listed. */
  readonly more: number;
  /** The words that were searched instead, because the written ones match nothing. */
  readonly instead?: string;
  /** Where the thing is set, if no key sets it. */
  readonly elsewhere?: string;
}

/** Most keys that a search lists. */
const MAX_FOUND = 12;

/**
 * Finds keys whose path or description has all words.
 *
 * @param distance For words that no key has; `fastest-levenshtein`.
 */
export function searchKeys(query: string, distance: Distance): KeySearch {
  const { found, instead, elsewhere } = findKeys(query, distance);
  return { ...listed(found.map(({ key }) => key)), instead, elsewhere };
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
