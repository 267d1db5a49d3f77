/**
 * Schemas for parts of Discord's payloads that no decision needs (G16).
 *
 * Discord invents new forms. A part that does not fit is dropped; it never costs the whole.
 */

import { z } from "zod";
import { createChecker } from "../../lib/checker.ts";

/** A part that may be absent. One with an unexpected shape counts as absent. */
export function optional<Part extends z.ZodType>(part: Part): z.ZodCatch<z.ZodOptional<Part>> {
  return part.optional().catch(undefined as z.output<z.ZodOptional<Part>>);
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
  return z.unknown().transform((given): z.output<Item>[] | undefined =>
    Array.isArray(given) ? fitting(check, given) : undefined
  ).optional();
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
  return given.flatMap((one) => {
    const { success, data } = check(one);
    return success ? [data] : [];
  });
}

/** The same; empty if there is no list. */
export function listOrEmpty<Item extends z.ZodType>(item: Item): z.ZodType<z.output<Item>[]> {
  return listOf(item).transform((list) => list ?? []);
}

/** A set of permissions: bits as a decimal number. */
export const bits: z.ZodType<string> = z.string().regex(/^\d{1,39}$/);

/** A flag that closes something, such as "is a bot" or "is age-restricted": anything but no sets it. */
export const closingFlag = z.unknown().transform(Boolean).optional();
