/**
 * Finds the real objects whose ids are nearest to a wrong id (P7).
 *
 * An operator who copies or types an id changes few of its digits. So two ids are near if their
 * digits agree at both ends.
 */

import type { Named } from "../../core/inbound/inbound.ts";
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
  const named = nearestFirst(id, real).map((one) => `${nameAsCode(one.name)} (${one.id})`);
  return named.length === 0 ? "" : `; nearest: ${named.join(", ")}`;
}

/** The nearest objects, nearest first. */
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
