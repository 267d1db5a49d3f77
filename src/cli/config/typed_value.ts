/** Reads values that people type for a key of the config. */

import { z } from "zod";
import type { Schema } from "../../config/schema/parts/shape.ts";
import { readTyped } from "../../config/text/path.ts";

/**
 * Reads a typed value: as JSON if the key accepts that, else as text. So an id needs no quotes, and
 * the prompt `true` stays a text.
 */
export function valueFor(schema: Schema | undefined, typed: string): unknown {
  const json = readTyped(typed);
  if (!schema) return json === undefined ? typed : json.value;
  const isTaken = (value: unknown): boolean =>
    z.safeParse(schema, value, { jitless: true }).success;
  if (json !== undefined && isTaken(json.value)) return json.value;
  return isTaken(typed) || json === undefined ? typed : json.value;
}
