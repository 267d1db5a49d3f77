/**
 * Values that several entries may set. The most specific entry wins (P7).
 *
 * Each value keeps the path of its entry, so that a verdict can name the key to change.
 *
 * @module
 */

import { pathTo } from "../../core/config_path.ts";
import type { PlaceToolRules, SenderTools, ToolLists } from "./rules.ts";

/** A value that applies in a place. */
export interface Ruled<Value> {
  /** The value itself. */
  readonly value: Value;
  /** Config path that sets it, or that would set it. */
  readonly rule: string;
}

/** One entry of the config, with its path. */
export interface Layer<Rules> {
  /** The entry's values. */
  readonly rules: Rules;
  /** Config path of the entry. */
  readonly path: string;
}

/**
 * The value of the first layer that sets a key.
 *
 * @returns `undefined` if no layer sets it.
 */
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

/** A value with its config path; for a default, the path at which to change it. */
export function ruled<Value>(value: Value, path: string, key: string): Ruled<Value> {
  return { value, rule: pathTo(path, key) };
}

/** One level of a place's tools, the most specific first (T2). */
export type PlaceTools =
  | ({ readonly kind: "by-sender" } & Ruled<readonly SenderTools[]>)
  | ({ readonly kind: "all" } & Ruled<ToolLists>);

/** The keys about tools of some layers, the one for single senders first. */
export function toolsOf(layers: readonly Layer<PlaceToolRules>[]): readonly PlaceTools[] {
  const bySender = firstOf(layers, "toolsBySender");
  const all = firstOf(layers, "tools");
  return [
    ...(bySender ? [{ kind: "by-sender" as const, ...bySender }] : []),
    ...(all ? [{ kind: "all" as const, ...all }] : []),
  ];
}
