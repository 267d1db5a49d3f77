/** Finds the name that an operator probably meant. */

import { childOf, type Schema, shapeOf } from "../schema/parts/shape.ts";
import type { Segment } from "../text/tree.ts";

/** The number of letters to change from one word to the other. */
export type Distance = (one: string, other: string) => number;

/** Finds the most similar name. A third of its letters may differ, or two, and their case. */
export function nearestOf(
  written: string,
  names: readonly string[],
  distance: Distance,
): string | undefined {
  const plain = (word: string): string => word.toLowerCase().replace(/[_\s-]/g, "");
  if (written.length > 60) return undefined;
  let best: string | undefined;
  let least = written.length < 4 ? 2 : Math.max(3, Math.floor(written.length / 3) + 1);
  for (const word of names) {
    const [one, other] = [plain(written), plain(word)];
    const isShort = one.length >= 3 && other.startsWith(one); // "allow" for "allowlist"
    const far = isShort || lettersOf(one) === lettersOf(other) ? 1 : distance(one, other);
    if (far < least) [best, least] = [word, far];
  }
  return best;
}

/**
 * Finds the path in the schema that an operator probably meant, key by key.
 *
 * @returns `undefined` if one of the keys has no similar one.
 */
export function nearestPath(
  root: Schema,
  written: readonly Segment[],
  distance: Distance,
): readonly Segment[] | undefined {
  const path: Segment[] = [];
  let schema = root;
  for (const segment of written) {
    const own = childOf(schema, segment);
    const name = own
      ? segment
      : nearestOf(String(segment), Object.keys(shapeOf(schema) ?? {}), distance);
    const child = name === undefined ? undefined : own ?? childOf(schema, name);
    if (name === undefined || !child) return undefined;
    path.push(name);
    schema = child;
  }
  return path;
}

/** Two swapped letters count as one slip. */
function lettersOf(word: string): string {
  return word.split("").sort().join("");
}
