/**
 * Finds the part of an invalid config that can still be judged: the file without its faulty values.
 *
 * So an operator sees a bad pattern, a missing secret and a typing error in one run, and not one
 * after the other (C2). No bot ever runs with such a part.
 */

import { pathText } from "../core/config_file.ts";
import type { Issue } from "./checks/issues.ts";
import { withAccounts, type Written } from "./schema/accounts.ts";
import { configSchema, type Settings } from "./schema/root.ts";
import { isRecord, type Segment, valueAt } from "./text/tree.ts";

export interface ValidPart {
  /** Its settings, with defaults in place of faulty values. */
  readonly settings: Settings;
  /** Its own values, before defaults. */
  readonly written: Written;
  /** The values of the whole file, with the faulty ones. */
  readonly whole: Written;
  /** Config paths of the removed values, and of keys that a syntax error may have lost. */
  readonly removed: readonly (readonly Segment[])[];
}

/** Each round removes the values that the round before it found. */
const MAX_ROUNDS = 20;

/**
 * Removes faulty values until the rest is valid.
 *
 * @param issues The issues of the whole file.
 * @param lost Config paths of keys that a syntax error may have lost.
 * @returns The part; absent if none is valid. `more`: issues that only the rest shows, such as those
 * between two keys. An issue that the removal itself may have caused is not among them.
 */
export function validPartOf(
  value: Written,
  issues: readonly Issue[],
  lost: readonly (readonly Segment[])[] = [],
): { readonly part?: ValidPart; readonly more: readonly Issue[] } {
  const removed = [...lost];
  const more: Issue[] = [];
  let rest: unknown = structuredClone(value);
  let faults = issues;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const places = placesOf(faults, rest); // all before the first removal, which moves places up
    if (places.some((place) => place.length === 0)) return { more };
    for (const place of places) {
      remove(rest, place);
      removed.push(place);
    }
    const checked = check(rest);
    if (checked.kind === "valid") {
      const { settings, written } = checked;
      return { part: { settings, written, whole: value, removed }, more };
    }
    more.push(
      ...checked.issues.filter(({ path }) => !isInRemovedSection(segmentsOf(path), removed)),
    );
    faults = checked.issues;
    rest = structuredClone(rest);
  }
  return { more };
}

/**
 * Whether a path is in a section of which a value was removed. A rule between two keys cannot be
 * judged there.
 */
export function isInRemovedSection(
  path: readonly Segment[],
  removed: readonly (readonly Segment[])[],
): boolean {
  const section = shared(path).slice(0, -1);
  return removed.some((one) => section.every((segment, depth) => shared(one)[depth] === segment));
}

/** Whether a key's value, or a part around or within it, was removed. */
export function isRemoved(
  path: readonly Segment[],
  removed: readonly (readonly Segment[])[],
): boolean {
  return removed.some((one) =>
    path.slice(0, one.length).every((segment, depth) => one[depth] === segment)
  );
}

function check(
  rest: unknown,
): { readonly kind: "valid"; readonly settings: Settings; readonly written: Written } | {
  readonly kind: "faulty";
  readonly issues: readonly Issue[];
} {
  const checked = configSchema.safeParse(rest, { jitless: true });
  if (!checked.success) return { kind: "faulty", issues: checked.error.issues };
  const { settings, issues } = withAccounts(checked.data, rest);
  return issues.length > 0
    ? { kind: "faulty", issues }
    : { kind: "valid", settings, written: isRecord(rest) ? rest : {} };
}

function faultyPaths(issue: Issue): readonly (readonly Segment[])[] {
  const path = segmentsOf(issue.path);
  return issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...path, key]) : [path];
}

function placesOf(faults: readonly Issue[], value: unknown): readonly (readonly Segment[])[] {
  const places = faults.flatMap(faultyPaths).map((path) => placeOf(path, value));
  return [...new Map(places.map((place) => [pathText(place), place])).values()];
}

/** The key to remove: an entry of a list takes the list with it, or the others would move. */
function placeOf(path: readonly Segment[], value: unknown): readonly Segment[] {
  let place = path;
  while (place.length > 0 && valueAt(value, place) === undefined) place = place.slice(0, -1);
  while (place.length > 0 && typeof place.at(-1) === "number") place = place.slice(0, -1);
  return place;
}

function remove(value: unknown, path: readonly Segment[]): void {
  const host = valueAt(value, path.slice(0, -1));
  if (isRecord(host)) Reflect.deleteProperty(host, String(path.at(-1)));
}

/** The path in `channels.discord` that an account's key overrides. */
function shared(path: readonly Segment[]): readonly Segment[] {
  const isOfAccount = path[0] === "channels" && path[1] === "discord" && path[2] === "accounts";
  return isOfAccount && path.length > 4 ? ["channels", "discord", ...path.slice(4)] : path;
}

function segmentsOf(path: Issue["path"]): readonly Segment[] {
  return path.filter((part) => typeof part !== "symbol");
}
