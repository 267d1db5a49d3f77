/**
 * Fills in the defaults of a file's values, in the form in which the file could write them: to show
 * values, and to compare two files.
 */

import { z } from "zod";
import { isRecord } from "../../text/tree.ts";
import { referenceIn, Secret } from "./secrets.ts";
import { childOf, isSecret, type Schema, shapeOf } from "./shape.ts";

/**
 * The values with their defaults. A secret is a `Secret` or its reference, so that it is never shown.
 *
 * @param value Valid for the schema.
 */
export function withDefaults(schema: Schema, value: unknown): unknown {
  if (isSecret(schema)) return value === undefined ? undefined : secretOf(value);
  if (schema instanceof z.ZodOptional) {
    return value === undefined ? undefined : withDefaults(schema.def.innerType, value);
  }
  if (schema instanceof z.ZodDefault && value === undefined) return schema.def.defaultValue;
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault) {
    return withDefaults(schema.def.innerType, value ?? schema.def.defaultValue);
  }
  if (schema instanceof z.ZodLazy) return withDefaults(schema._zod.innerType, value);
  if (schema instanceof z.ZodPipe) return withDefaults(schema.def.in, value);
  if (schema instanceof z.ZodArray && Array.isArray(value)) {
    return value.map((item) => withDefaults(schema.element, item));
  }
  if (!isRecord(value)) return value;
  if (schema instanceof z.ZodUnion) {
    const option = schema.options.find((one) =>
      Object.keys(value).every((name) => Object.hasOwn(shapeOf(one) ?? {}, name))
    );
    return option ? withDefaults(option, value) : value;
  }
  const entries: readonly (readonly [string, Schema | undefined])[] = schema instanceof z.ZodObject
    ? Object.entries(schema.shape)
    : Object.keys(value).map((name) => [name, childOf(schema, name)]);
  return Object.fromEntries(
    entries.map(([name, child]) => [name, child ? withDefaults(child, value[name]) : value[name]])
      .filter(([, filled]) => filled !== undefined),
  );
}

/** A blank token counts as not set. */
function secretOf(value: unknown): unknown {
  if (typeof value === "string" && value.trim() === "") return undefined;
  return referenceIn(value) ?? new Secret(String(value));
}
