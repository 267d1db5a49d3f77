/**
 * Values that may be written in several entries, of which the most particular holds (P7).
 *
 * Each keeps the path of the entry that it came from, so a verdict can name the key to change.
 *
 * @module
 */

import { pathTo } from "../core/config_path.ts";

/** A value that holds in a place, and the config path where it is written, or would be. */
export interface Ruled<Value> {
  readonly value: Value;
  readonly rule: string;
}

/** Rules with the path of their entry. */
export interface Layer<Rules> {
  readonly rules: Rules;
  readonly path: string;
}

/** What the first layer says that says something. */
export function firstOf<Rules, Key extends keyof Rules & string>(
  layers: readonly Layer<Rules>[],
  key: Key,
): Ruled<NonNullable<Rules[Key]>> | undefined {
  for (const { rules, path } of layers) {
    const value = rules[key];
    if (value !== undefined && value !== null) return ruled(value, path, key);
  }
  return undefined;
}

/** A value with its path; of a default, where it would say otherwise. */
export function ruled<Value>(value: Value, path: string, key: string): Ruled<Value> {
  return { value, rule: pathTo(path, key) };
}
