/**
 * Defines import rules: tables with the target of each key and the conversion of its value, or with
 * the reason why it stays behind. Values of another kind stay behind, numbers out of bounds move to
 * the bound.
 */

import { z } from "zod";
import { isReference } from "../../config/schema/parts/secrets.ts";
import {
  coreSchema,
  isSecret,
  type Schema,
  schemaAt,
  shapeOf,
} from "../../config/schema/parts/key.ts";
import { configSchema } from "../../config/schema/root.ts";
import { isList } from "../../config/text/edit.ts";
import { parseSnowflake } from "../../core/discord/ids.ts";
import { type ImportRemark, lineAt } from "./read.ts";
import { isRecord, pathTo } from "../../lib/text/quoted.ts";

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
  /** Notes about keys so far. */
  readonly notes: ImportNote[];
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
export function noteLeft({ path, line, notes }: ImportedPlace, why: string): undefined {
  notes.push({ kind: "left", path, line, why });
  return undefined;
}

/**
 * Notes that a value is imported as something else.
 *
 * @param key Of an entry below the place, as our file has it.
 */
export function noteChanged({ path, line, notes }: ImportedPlace, why: string, key = ""): void {
  notes.push({ kind: "changed", path: `${path}${key}`, line, why });
}

/** Notes that an access rule is invalid, so nothing is imported. */
export function noteInvalid({ path, line, notes }: ImportedPlace, why: string): undefined {
  notes.push({ kind: "invalid", path, line, why });
  return undefined;
}

/** Requires a valid access rule: without it, the bot could answer users that it kept out. */
export function required(convert: Convert): Convert {
  return (value, field) => {
    const { notes, path } = field;
    const before = notes.length;
    const target = convert(value, field);
    for (let at = before; at < notes.length; at++) {
      const note = notes[at];
      if (note?.kind === "left" && note.path === path) notes[at] = { ...note, kind: "invalid" };
    }
    return target;
  };
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

/** OpenClaw replaces variables in any text; Barnacle does so in secrets only. */
const VARIABLE = /\$\{[A-Z_][A-Z0-9_]*\}/;

export const flag: Convert = (value: unknown, field: SourceField): unknown =>
  typeof value === "boolean" ? value : noteLeft(field, "Expected true or false");

/** Whether commands are registered; "auto" in both programs. */
export const native: Convert = (value: unknown, field: SourceField): unknown =>
  value === "auto" || typeof value === "boolean"
    ? value
    : noteLeft(field, 'Expected true, false or "auto"');

/** A text; a number becomes its digits. */
export const words: Convert = (value: unknown, field: SourceField): unknown => {
  const text = textOf(value);
  if (text === undefined) return noteLeft(field, "Expected a text");
  if (VARIABLE.test(text)) {
    noteChanged(field, "Barnacle replaces variables in secrets only: here, ${…} stays as written");
  }
  return text;
};

/** A list of texts; other entries stay behind. */
export const listOfWords: Convert = listOf(words);

/** Discord ids; numbers become texts of the same digits. */
export const ids: Convert = listOf((value, field) => {
  const text = textOf(value)?.trim().replace(/^(?:discord|user):/i, "")
    .replace(/^<@!?(\d+)>$/, "$1");
  return text !== undefined && parseSnowflake(text) !== undefined
    ? text
    : noteLeft(field, "Expected a Discord id");
});

export function boundedNumber(least: number, most: number, isWhole = true): Convert {
  return (value, field) => {
    if (typeof value !== "number" || Number.isNaN(value)) {
      return noteLeft(field, "This is not a number");
    }
    const bound = Math.min(most, Math.max(least, isWhole ? Math.round(value) : value));
    if (bound !== value) {
      const what = isWhole ? "whole numbers" : "numbers";
      noteChanged(
        field,
        `Barnacle accepts ${what} from ${least} to ${most}, so it is ${bound} now`,
      );
    }
    return bound;
  };
}

/**
 * A value with the kind, the words and the bounds of our schema at a path.
 *
 * @param more Words that only OpenClaw has.
 */
export function convertBySchema(path: string, more: Readonly<Record<string, Ours>> = {}): Convert {
  const schema = schemaAt(configSchema, path.split("."));
  if (!schema) throw new TypeError(`The config has no ${path}`);
  return convertTo(schema, more);
}

function convertTo(schema: Schema, more: Readonly<Record<string, Ours>> = {}): Convert {
  if (isSecret(schema)) return secretValue;
  const plain = coreSchema(schema);
  if (plain instanceof z.ZodBoolean) return flag;
  if (plain instanceof z.ZodEnum) {
    return oneOf({
      ...Object.fromEntries(plain.options.map((one) => [one, String(one)])),
      ...more,
    });
  }
  if (plain instanceof z.ZodNumber) {
    return boundedNumber(plain.minValue ?? -Infinity, plain.maxValue ?? Infinity, plain.isInt);
  }
  if (plain instanceof z.ZodArray) return listOf(convertTo(plain.def.element));
  if (plain instanceof z.ZodRecord) return eachKey(convertTo(plain.def.valueType));
  const shape = shapeOf(plain);
  if (!shape) return words;
  const keys = Object.entries(shape);
  return objectBy(Object.fromEntries(keys.map(([key, inner]) => [key, keepKey(convertTo(inner))])));
}

/** Keys that are the same in both programs, below a path of our schema. */
export function sameKeys(path: string, ...keys: readonly string[]): RuleTable {
  return Object.fromEntries(keys.map((key) => [key, keepKey(convertBySchema(`${path}.${key}`))]));
}

/** Our word for one of OpenClaw's; `why` if its meaning differs a little. */
type Ours = string | { readonly as: string; readonly why: string };

export function oneOf(words: Readonly<Record<string, Ours>>): Convert {
  const known = new Map(Object.entries(words));
  return (value, field) => {
    const ours = known.get(typeof value === "object" ? "" : String(value));
    if (ours === undefined) {
      return noteLeft(field, `Barnacle accepts ${[...known.keys()].join(", ")} here`);
    }
    if (typeof ours === "string") return ours;
    noteChanged(field, ours.why);
    return ours.as;
  };
}

/**
 * A token or key: itself, `"${NAME}"`, or today's reference to a variable.
 *
 * No note may contain a part of it.
 */
export const secretValue: Convert = (value: unknown, field: SourceField): unknown => {
  if (isRecord(value)) {
    const id = textOf(value["id"]);
    if (value["source"] === "env" && id !== undefined && /^[A-Za-z_]\w*$/.test(id)) {
      return `\${${id}}`;
    }
    const why = 'OpenClaw stores this secret; put it into a file, and write { "file": "path" }';
    return noteLeft(field, why);
  }
  const text = textOf(value);
  if (text === undefined || text.trim() === "") {
    return noteLeft(field, "Expected a text that is not empty");
  }
  if (text.includes("${") && !isReference(text)) {
    return noteLeft(field, "Here, a variable must be the whole secret; change it");
  }
  return text;
};

/** A text itself; a number as its digits. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" && !Number.isNaN(value) ? String(value) : undefined;
}
