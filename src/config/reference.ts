/**
 * Reads the schema as a reference does: sections, values, and records with keys of their own.
 */

import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import {
  childOf,
  coreSchema,
  docOf,
  isOptional,
  type KeyDoc,
  layersOf,
  type ReferencePart,
  type Schema,
  shapeOf,
  type TakesEffect,
} from "./schema/parts/key.ts";
import { discordSection } from "./schema/root.ts";

export interface ReferenceKey {
  /** Config path with placeholders: `"channels.discord.guilds.<guild>.users"`. */
  readonly path: string;
  /** The key's own name: `"users"`. */
  readonly name: string;
  readonly schema: Schema;
  readonly doc: KeyDoc;
  readonly task: ReferencePart;
  readonly takesEffect: TakesEffect;
  /** Whether the value is an object whose keys have defaults of their own. */
  readonly isSection: boolean;
  /** Keys of the section, or of each entry of the record or list. */
  readonly keys: readonly ReferenceKey[];
}

/** Reads the documented keys of an object, in the order of the schema. */
export function referenceKeys(schema: Schema): readonly ReferenceKey[] {
  return keysBelow(schema, "", { takesEffect: "now" });
}

function keysBelow(
  schema: Schema,
  above: string,
  inherited: Pick<ReferenceKey, "takesEffect"> & Partial<Pick<ReferenceKey, "task">>,
): readonly ReferenceKey[] {
  return Object.entries(shapeOf(schema) ?? {}).flatMap(([name, child]): readonly ReferenceKey[] => {
    const doc = docOf(child);
    if (!doc) return [];
    const path = above === "" ? name : `${above}.${name}`;
    const here = {
      task: doc.task ?? inherited.task ?? "operating",
      takesEffect: doc.takesEffect ?? inherited.takesEffect,
    };
    const item = doc.repeats === undefined ? childOf(child, "*") : undefined;
    const keys = item ? keysBelow(item, entryPath(path, doc), here) : keysBelow(child, path, here);
    return [{ path, name, schema: child, doc, ...here, isSection: isSection(child), keys }];
  });
}

function entryPath(path: string, { entry = "<name>" }: KeyDoc): string {
  return entry === "[]" ? `${path}[]` : `${path}.${entry}`;
}

function isSection(schema: Schema): boolean {
  const isOpen = schema === discordSection ||
    layersOf(schema).some((layer) => layer instanceof z.ZodPrefault);
  return isOpen && coreSchema(schema) instanceof z.ZodObject;
}

/** The schema's default; `undefined` if it has none. That of a section is those of its keys. */
export function defaultOf(schema: Schema): unknown {
  const own = layersOf(schema).find((layer): layer is z.ZodDefault =>
    layer instanceof z.ZodDefault && !(layer.def.innerType instanceof z.ZodLazy)
  );
  return own?.def.defaultValue;
}

/** The default as a reference shows it: JSON, or the words of the document. */
export function defaultText({ schema, doc }: ReferenceKey): string {
  const fallback = defaultOf(schema);
  if (fallback !== undefined) return `\`${jsonOnOneLine(fallback)}\``;
  return doc.unset ?? (isOptional(schema) ? "none" : "required");
}

/**
 * A valid value other than the default.
 *
 * @returns `undefined` if the document has none, and the schema does not list values.
 */
export function exampleOf({ schema, doc }: ReferenceKey): unknown {
  if (doc.example !== undefined) return doc.example;
  const plain = coreSchema(schema);
  const values = plain instanceof z.ZodBoolean
    ? [true, false]
    : plain instanceof z.ZodEnum
    ? plain.options
    : [];
  return values.find((value) => !isDeepStrictEqual(value, defaultOf(schema)));
}

/** JSON on one line, laid out like the formatter does. */
export function jsonOnOneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonOnOneLine).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const parts = Object.entries(value).map(([key, part]) =>
    `${JSON.stringify(key)}: ${jsonOnOneLine(part)}`
  );
  return parts.length === 0 ? "{}" : `{ ${parts.join(", ")} }`;
}
