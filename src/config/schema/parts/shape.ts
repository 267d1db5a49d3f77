/** Answers questions about the schema: its keys, their allowed values and their documents. */

import { z } from "zod";
import { docs, type KeyDoc } from "./key.ts";
import { isSecretSchema } from "./secrets.ts";
import type { Segment } from "../../text/tree.ts";
import { oncePer } from "../../../lib/cache.ts";

export type Schema = z.core.$ZodType;

/** The document of a key; looks through the wrappers around its schema. */
export function docOf(schema: Schema): KeyDoc | undefined {
  return viewOf(schema).doc;
}

/** A schema and the schemas within it, the outermost first. */
export function layersOf(schema: Schema): readonly Schema[] {
  const inner = innerOf(schema);
  return inner ? [schema, ...layersOf(inner)] : [schema];
}

/** The schema within defaults, options and transforms. */
export function coreSchema(schema: Schema): Schema {
  return viewOf(schema).core;
}

/** Whether a value is a token or API key. */
export function isSecret(schema: Schema): boolean {
  return viewOf(schema).isSecret;
}

/** Cached facts of a schema, which every key of a file needs. */
interface SchemaView {
  readonly core: Schema;
  readonly doc: KeyDoc | undefined;
  readonly isSecret: boolean;
}

const viewOf = oncePer((schema: Schema): SchemaView => {
  const layers = layersOf(schema);
  return {
    core: layers.at(-1) ?? schema,
    doc: layers.map((layer) => docs.get(layer)).find((doc) => doc !== undefined),
    isSecret: layers.some(isSecretSchema),
  };
});

function innerOf(schema: Schema): Schema | undefined {
  if (
    schema instanceof z.ZodOptional || schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  ) return schema.def.innerType;
  if (schema instanceof z.ZodPipe) return schema.def.in;
  if (schema instanceof z.ZodLazy) return schema._zod.innerType; // built once
  return undefined;
}

/** The keys of an object, by name; for a union, those of its object option. */
export function shapeOf(schema: Schema): Readonly<Record<string, Schema>> | undefined {
  const plain = coreSchema(schema);
  if (plain instanceof z.ZodObject) return plain.shape;
  if (!(plain instanceof z.ZodUnion)) return undefined;
  return plain.options.map(shapeOf).find((shape) => shape !== undefined);
}

/** The schema of a key or of a list entry. */
export function childOf(schema: Schema, segment: Segment): Schema | undefined {
  const plain = coreSchema(schema);
  if (plain instanceof z.ZodRecord) return plain.def.valueType;
  if (plain instanceof z.ZodArray) return plain.def.element;
  if (plain instanceof z.ZodUnion) {
    return plain.options.map((option) => childOf(option, segment)).find((found) => found);
  }
  const shape = shapeOf(plain);
  return shape && Object.hasOwn(shape, segment) ? shape[segment] : undefined;
}

export function schemaAt(root: Schema, path: readonly Segment[]): Schema | undefined {
  let schema: Schema | undefined = root;
  for (const segment of path) schema = schema && childOf(schema, segment);
  return schema;
}

/** Whether a key may be left out. */
export function isOptional(schema: Schema): boolean {
  return schema._zod.optin !== undefined;
}

/**
 * The allowed values of a key, in words: `a whole number from 1 to 2000`.
 *
 * @param most Maximum number of words to list; of more, only the first four are listed.
 */
export function allowedBy(schema: Schema, most = 8): string {
  const plain = coreSchema(schema);
  if (plain instanceof z.ZodUnion) {
    return plain.options.map((option) => allowedBy(option, most)).join(" or ");
  }
  if (plain instanceof z.ZodEnum) return oneOf(plain.options, most);
  if (plain instanceof z.ZodLiteral) return oneOf([...plain.values], most);
  if (plain instanceof z.ZodBoolean) return "true or false";
  if (plain instanceof z.ZodNumber) return numbers(plain);
  if (plain instanceof z.ZodArray) return `a list of ${plural(plain.def.element, most)}`;
  if (plain instanceof z.ZodURL) return "a web address in quotes";
  if (plain instanceof z.ZodString) {
    return plain.format === "url" ? "a web address in quotes" : textOf(plain);
  }
  const shape = shapeOf(plain);
  if (!shape) return "an object in braces";
  const keys = Object.entries(shape).filter(([, value]) => !isOptional(value)).map(([name]) =>
    name
  );
  return keys.length === 0
    ? "an object in braces"
    : `{ ${keys.map((name) => `"${name}": …`).join(", ")} }`;
}

function textOf({ minLength, maxLength }: z.ZodString): string {
  if (maxLength !== null) return `a text in quotes of ${minLength ?? 0} to ${maxLength} characters`;
  return minLength ? "a text in quotes, not empty" : "a text in quotes";
}

function numbers(schema: z.ZodNumber): string {
  const { minValue, maxValue, isInt } = schema;
  return `a ${isInt ? "whole number" : "number"} from ${minValue} to ${maxValue}`;
}

function plural(schema: Schema, most: number): string {
  const plain = coreSchema(schema);
  if (plain instanceof z.ZodString) return "texts in quotes";
  if (plain instanceof z.ZodEnum) return oneOf(plain.options, most);
  return "objects in braces";
}

function oneOf(values: readonly unknown[], most: number): string {
  const words = values.map((value) => JSON.stringify(value));
  if (words.length > most) return `one of ${words.slice(0, 4).join(", ")}, …`;
  const last = words.pop() ?? "";
  return words.length === 0 ? last : `${words.join(", ")} or ${last}`;
}
