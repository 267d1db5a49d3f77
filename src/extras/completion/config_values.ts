/** Proposes keys of the config, one part of the path after the other, and values of a key. */

import { z } from "zod";
import { parsePath } from "../../config/text/path.ts";
import { configSchema } from "../../config/schema/root.ts";
import {
  childOf,
  coreSchema,
  docOf,
  type Schema,
  schemaAt,
  shapeOf,
} from "../../config/schema/parts/shape.ts";
import { isList, isRecord, type Segment, valueAt } from "../../config/text/tree.ts";
import { pathText } from "../../core/config_file.ts";
import type { Proposal } from "./propose.ts";

/**
 * Proposes paths that begin with a text. A path that goes on ends with a dot.
 *
 * @param written The config as it is written, for names of servers, channels and agents.
 */
export function keysFrom(typed: string, written: unknown): readonly Proposal[] {
  const dot = typed.lastIndexOf(".");
  const above = parsePath(dot === -1 ? "" : typed.slice(0, dot));
  if (above.kind === "problem" || above.appends) return [];
  const schema = schemaAt(configSchema, above.path);
  if (!schema) return [];
  const names = namesIn(schema, valueAt(written, above.path));
  return names.flatMap((name): readonly Proposal[] => {
    const path = [...above.path, name];
    const value = pathText(path);
    const child = childOf(schema, name);
    if (!child || !value.startsWith(typed)) return [];
    const isOpen = namesIn(child, valueAt(written, path)).length > 0;
    return [{ value: isOpen ? `${value}.` : value, about: docOf(child)?.description }];
  });
}

function namesIn(schema: Schema, written: unknown): readonly Segment[] {
  if (isList(written)) return written.map((_, index) => index);
  const names = isRecord(written) ? Object.keys(written) : [];
  return [...new Set([...Object.keys(shapeOf(schema) ?? {}), ...names])];
}

/** Proposes the values of a key, if it lists them. */
export function valuesOfKey(key: string): readonly Proposal[] {
  const read = parsePath(key);
  const schema = read.kind === "path" ? schemaAt(configSchema, read.path) : undefined;
  const plain = schema && coreSchema(schema);
  const values = plain instanceof z.ZodBoolean
    ? ["true", "false"]
    : plain instanceof z.ZodEnum
    ? plain.options.map(String)
    : [];
  return values.map((value) => ({ value }));
}
