/**
 * Finds references to secrets in the faulty values of an invalid config.
 *
 * A provider without `kind` is faulty as a whole. Its API key may be missing all the same (C2).
 *
 * @module
 */

import { configSchema } from "./schema/root.ts";
import { referenceIn, type SecretSource } from "./schema/parts/secrets.ts";
import { childOf, isSecret, type Schema, schemaAt } from "./schema/parts/shape.ts";
import type { ValidPart } from "./valid_part.ts";
import { isRecord, type Segment, valueAt } from "./text/tree.ts";

/** A secret and its place. */
export interface RemovedSecret {
  /** Config path. */
  readonly path: readonly Segment[];
  /** The place of its text. */
  readonly source: SecretSource;
}

/** Finds the references to secrets within the removed values. */
export function removedSecrets(
  { removed, whole }: Pick<ValidPart, "removed" | "whole">,
): readonly RemovedSecret[] {
  return removed.flatMap((path) =>
    within(valueAt(whole, path), schemaAt(configSchema, path), path)
  );
}

function within(
  value: unknown,
  schema: Schema | undefined,
  path: readonly Segment[],
): readonly RemovedSecret[] {
  if (!schema) return [];
  if (isSecret(schema)) {
    const source = referenceIn(value);
    return source ? [{ path, source }] : [];
  }
  const entries = Array.isArray(value)
    ? value.entries()
    : Object.entries(isRecord(value) ? value : {});
  return [...entries].flatMap(([key, part]) => within(part, childOf(schema, key), [...path, key]));
}
