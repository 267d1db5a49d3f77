/**
 * Finds the real objects that are nearest to a wrong id or name (P7).
 *
 * An operator who copies or types an id changes few of its digits. So two ids are near if their
 * digits agree at both ends. Names are near if few characters of their slugs differ.
 */

import { distance } from "fastest-levenshtein";
import type { Named } from "../../core/inbound/inbound.ts";
import { plainName } from "../../policy/rules/entries.ts";
import { nameAsCode } from "../../render/name.ts";

/** Maximum number of real objects that stand beside a wrong id. */
const NEAR_MAX = 5;
/**
 * Maximum number of digits that a typing mistake changes. A wrong or missing digit changes one, two
 * digits in the wrong order change two, and a number that was rounded to a double changes three.
 */
const SLIP_MAX = 4;

/** `"; nearest: …"`, those whose digits agree longest with the id; empty without any. */
export function nearText(id: string, real: readonly Named<string>[]): string {
  return listText(nearestFirst(id, real));
}

/** `"; nearest: …"`, those with the most similar names; empty without any. */
export function nearNamesText(typed: string, real: readonly Named<string>[]): string {
  if (/^\d+$/.test(typed)) return nearText(typed, real); // too short or too long for an id
  const wanted = plainName(typed);
  const near = real.map((one) => ({ one, apart: distance(wanted, plainName(one.name)) }))
    .sort((a, b) => a.apart - b.apart)
    .slice(0, NEAR_MAX);
  return listText(near.map(({ one }) => one));
}

function listText(near: readonly Named<string>[]): string {
  return near.length === 0 ? "" : `; nearest: ${namedText(near)}`;
}

/** `` "`Krill & Co` (1400000000000000010), …" ``. */
export function namedText(real: readonly Named<string>[]): string {
  return real.map(({ id, name }) => `${nameAsCode(name)} (${id})`).join(", ");
}

export function nearestFirst<One extends { readonly id: string }>(
  id: string,
  real: readonly One[],
): readonly One[] {
  return [...real].sort((a, b) => closeness(id, b.id) - closeness(id, a.id)).slice(0, NEAR_MAX);
}

/** Whether one id may be a typing mistake for another: all but a few digits in a row agree. */
export function isSlip(one: string, other: string): boolean {
  return Math.max(one.length, other.length) - closeness(one, other) <= SLIP_MAX;
}

/** Number of equal digits at both ends. */
function closeness(one: string, other: string): number {
  const shorter = Math.min(one.length, other.length);
  let start = 0;
  while (start < shorter && one[start] === other[start]) start++;
  let end = 0;
  while (end < shorter - start && one.at(-1 - end) === other.at(-1 - end)) end++;
  return start + end;
}
