/**
 * Schemas for parts of Discord's payloads that no decision needs (G16).
 *
 * Other servers than Discord send numbers for ids, `null` for lists and objects for ids, and Discord
 * invents new forms. A part that does not fit is dropped and counted; it never costs the whole.
 */

import { z } from "zod";
import { createChecker } from "../../lib/checker.ts";

let dropped = 0;

/** Number of parts that were dropped since the start of the process. */
export function droppedParts(): number {
  return dropped;
}

function drop(): undefined {
  dropped += 1;
  return undefined;
}

/** A part that may be absent. One with an unexpected shape counts as absent. */
export function optional<Part extends z.ZodType>(part: Part): z.ZodCatch<z.ZodOptional<Part>> {
  return part.optional().catch(({ input }) => input === null ? undefined : drop());
}

/** A text that has a fallback, such as a name. */
export function textOr(fallback: string): z.ZodType<string> {
  return optional(z.string()).transform((text) => text ?? fallback);
}

/** A list of parts without those that do not fit; `undefined` if there is no list. */
export function listOf<Item extends z.ZodType>(
  item: Item,
): z.ZodOptional<z.ZodType<z.output<Item>[] | undefined>> {
  const check = createChecker(item);
  return z.unknown().transform((given): z.output<Item>[] | undefined => {
    if (given === undefined || given === null) return undefined;
    return Array.isArray(given) ? fitting(check, given) : drop();
  }).optional();
}

/** The same for an answer, which must be a list. */
export function listed<Item extends z.ZodType>(item: Item): z.ZodType<z.output<Item>[]> {
  const check = createChecker(item);
  return z.array(z.unknown()).transform((given) => fitting(check, given));
}

function fitting<Item>(
  check: (value: unknown) => z.ZodSafeParseResult<Item>,
  given: readonly unknown[],
): Item[] {
  const list: Item[] = [];
  for (const one of given) {
    const { success, data } = check(one);
    if (success) list.push(data);
    else drop();
  }
  return list;
}

/** The same; empty if there is no list. */
export function listOrEmpty<Item extends z.ZodType>(item: Item): z.ZodType<z.output<Item>[]> {
  return listOf(item).transform((list) => list ?? []);
}

export const numeric = z.union([z.number(), z.string().regex(/^\d{1,15}$/).transform(Number)]);

/** A set of permissions: bits as a decimal number. */
export const bits = z.union([
  z.string().regex(/^\d{1,39}$/),
  z.int().nonnegative().transform(String),
]);

const flagOf = (flag: unknown): boolean => {
  if (typeof flag === "boolean") return flag;
  if (flag === undefined || flag === null || flag === 0 || flag === "" || flag === "false") {
    return false;
  }
  if (flag !== 1 && flag !== "true") drop();
  return true;
};

/**
 * A flag that closes something, such as "is a bot" or "is age-restricted". Anything but a clear no
 * sets it.
 */
export const closingFlag = z.unknown().transform(flagOf).optional();
