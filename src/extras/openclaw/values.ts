/**
 * Converts single values: those of another kind stay behind, numbers out of bounds move to the
 * bound.
 */

import { z } from "zod";
import { parseSnowflake } from "../../core/discord/ids.ts";
import { configSchema } from "../../config/schema/root.ts";
import { isReference } from "../../config/schema/parts/secrets.ts";
import {
  coreSchema,
  isSecret,
  type Schema,
  schemaAt,
  shapeOf,
} from "../../config/schema/parts/shape.ts";
import { isRecord } from "../../config/text/tree.ts";
import {
  type Convert,
  eachKey,
  keepKey,
  listOf,
  noteChanged,
  noteLeft,
  objectBy,
  type RuleTable,
  type SourceField,
} from "./rules.ts";

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
