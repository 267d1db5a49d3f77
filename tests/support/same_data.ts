/**
 * Compares data for which an absent member and one that is `undefined` are the same.
 *
 * The types of this program do not tell the two apart, and neither does JSON. Where it matters, a
 * test uses `assert.deepEqual`, which does.
 */

import assert from "node:assert/strict";

/** Asserts that two values are deeply equal, apart from members that are `undefined`. */
export function sameData<Data>(
  actual: unknown,
  expected: Data,
  message?: string,
): asserts actual is Data {
  assert.deepEqual(withoutUndefined(actual), withoutUndefined(expected), message);
}

/** Copies lists, maps and plain objects without their `undefined` members; all else stays. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (value instanceof Map) {
    return new Map(Array.from(value, ([key, one]) => [key, withoutUndefined(one)]));
  }
  if (typeof value !== "object" || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([, one]) => one !== undefined)
      .map(([key, one]) => [key, withoutUndefined(one)]),
  );
}
