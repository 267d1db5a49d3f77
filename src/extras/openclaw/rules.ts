/**
 * Defines import rules: tables with the target of each key and the conversion of its value, or with
 * the reason why it stays behind.
 */

import { pathTo } from "../../core/config_file.ts";
import { isList, isRecord } from "../../config/text/tree.ts";
import { type ImportRemark, lineAt } from "./read.ts";

/**
 * The OpenClaw version that wrote the file: 2026.2 (`seed`) or today's.
 *
 * The first accepts names in allow lists; today's does so only if the config says so.
 */
export type Era = "seed" | "today";

/** A remark about a key of the imported file. */
export interface ImportNote extends Omit<ImportRemark, "kind"> {
  /**
   * The kind of remark.
   *
   * - `left`: not imported.
   * - `changed`: imported as something else, or with another meaning.
   * - `invalid`: an access rule that cannot be read, so nothing is imported.
   */
  readonly kind: ImportRemark["kind"] | "changed";
}

export interface ImportedPlace {
  /** Config path in the imported file. */
  readonly path: string;
  /** The field's line, from 1; 0 if it is in no file. */
  readonly line: number;
  /** The OpenClaw version that wrote the file. */
  readonly era: Era;
  /** Whether names in allow lists count, by the file's own setting. */
  readonly takesNames: boolean;
  /** Whether the file has accounts beside the default one. */
  readonly hasAccounts: boolean;
  /** Adds a note about a key. */
  note(kind: ImportNote["kind"], path: string, line: number, why: string): void;
}

export interface SourceField extends ImportedPlace {
  readonly key: string;
  readonly value: unknown;
}

/** Converts a value; `undefined` if it is not imported, which a note says. */
export type Convert = (value: unknown, field: SourceField) => unknown;

/** An object of our config under construction. */
export type ImportTarget = Record<string, unknown>;

/** Puts a field into the new config. */
export type Rule = (field: SourceField, into: ImportTarget) => void;

export type RuleTable = Readonly<Record<string, Rule>>;

/** The field of a place's value under a key. */
export function fieldAt(
  place: ImportedPlace,
  container: unknown,
  key: string | number,
): SourceField {
  const value: unknown = typeof container === "object" && container &&
      Object.hasOwn(container, key)
    ? Reflect.get(container, key)
    : undefined;
  const line = lineAt(container, key);
  return { ...place, path: pathTo(place.path, key), line, key: String(key), value };
}

/** Applies a table to an object; a key without a rule stays behind. */
export function applyRules<T extends ImportTarget>(
  value: unknown,
  place: ImportedPlace,
  table: RuleTable,
  into: T,
  unknown: Rule = dropWithNote("Barnacle has no such key"),
): T {
  for (const key of isRecord(value) ? Object.keys(value) : []) {
    const rule = (Object.hasOwn(table, key) ? table[key] : undefined) ?? unknown;
    rule(fieldAt(place, value, key), into);
  }
  return into;
}

export function sameRule(keys: readonly string[], rule: Rule): RuleTable {
  return Object.fromEntries(keys.map((key) => [key, rule]));
}

export function keepKey(convert: Convert): Rule {
  return (field, into) => moved(field, into, [field.key], convert);
}

/** Keeps the key of an access rule: without a valid value, nothing is imported. */
export function keepRequired(convert: Convert): Rule {
  return keepKey(required(convert));
}

/** Keeps a key whose value has keys of its own. */
export function keepObject(table: RuleTable): Rule {
  return keepKey(objectBy(table));
}

/** Moves the value to another key, given as a path with dots. */
export function moveTo(path: string, convert: Convert): Rule {
  return (field, into) => moved(field, into, path.split("."), convert);
}

/** Leaves the key behind. */
export function dropWithNote(why: string): Rule {
  return (field) => noteLeft(field, why);
}

/** Drops a key that only OpenClaw itself needs, without a note. */
export const dropped: Rule = () => {};

function moved(
  field: SourceField,
  into: ImportTarget,
  path: readonly string[],
  convert: Convert,
): void {
  const value = convert(field.value, field);
  if (value !== undefined) setWithin(into, path, value);
}

/**
 * Sets a value, and creates the objects on the way. It replaces another value, but merges two
 * objects, so that both spellings of OpenClaw count.
 */
export function setWithin(into: ImportTarget, path: readonly string[], value: unknown): void {
  const [key = "", ...rest] = path;
  const old = Object.hasOwn(into, key) ? into[key] : undefined;
  let own = value;
  if (rest.length > 0) {
    const host: ImportTarget = isRecord(old) ? { ...old } : {};
    setWithin(host, rest, value);
    own = host;
  } else if (isRecord(old) && isRecord(value)) {
    const both: ImportTarget = { ...old };
    for (const [name, one] of Object.entries(value)) setWithin(both, [name], one);
    own = both;
  }
  // Not an assignment, because `__proto__` may be a key of the file.
  Object.defineProperty(into, key, {
    value: own,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

/** Leaves a value behind that Barnacle cannot accept. */
export function noteLeft({ path, line, note }: ImportedPlace, why: string): undefined {
  note("left", path, line, why);
  return undefined;
}

/**
 * Notes that a value is imported as something else.
 *
 * @param key Of an entry below the place, as our file has it.
 */
export function noteChanged({ path, line, note }: ImportedPlace, why: string, key = ""): void {
  note("changed", `${path}${key}`, line, why);
}

/** Notes that an access rule is invalid, so nothing is imported. */
export function noteInvalid({ path, line, note }: ImportedPlace, why: string): undefined {
  note("invalid", path, line, why);
  return undefined;
}

/** Requires a valid access rule: without it, the bot could answer users that it kept out. */
export function required(convert: Convert): Convert {
  return (value, field) =>
    convert(value, {
      ...field,
      note: (kind, path, line, why) =>
        field.note(kind === "left" && path === field.path ? "invalid" : kind, path, line, why),
    });
}

/**
 * Converts an object by its own table.
 *
 * @param unknown The rule of all other keys.
 */
export function objectBy(
  table: RuleTable,
  unknown?: Rule,
): (...of: Parameters<Convert>) => ImportTarget | undefined {
  return (value, field) =>
    isRecord(value)
      ? applyRules<ImportTarget>(value, field, table, {}, unknown)
      : noteLeft(field, "Expected an object");
}

/** Converts an object whose keys are names, such as ids. */
export function eachKey(convert: Convert): Convert {
  return objectBy({}, keepKey(convert));
}

/**
 * Converts a list. An entry that is not imported leaves the others, and an empty list stays one.
 */
export function listOf(convert: Convert): Convert {
  return (value, field) => {
    if (!isList(value)) return noteLeft(field, "Expected a list");
    const target: unknown[] = [];
    for (const index of value.keys()) {
      const one = fieldAt(field, value, index);
      const taken = convert(one.value, one);
      if (taken !== undefined) target.push(taken);
    }
    return target;
  };
}
