/**
 * Schemas for Discord's payloads (G16): its ids, and parts that no decision needs.
 *
 * Discord invents new forms. A part that does not fit is dropped; it never costs the whole.
 */

import { z } from "zod";
import { type ChannelId, parseSnowflake, readSnowflake, type Snowflake } from "./ids.ts";

/** An id of all kinds at once, which types as an id of any kind. */
const shared: z.ZodType<Snowflake<never>> = z.transform((given, context) => {
  const id = readSnowflake<never>(given);
  if (id) return id;
  context.addIssue({ code: "custom", message: "Not a Discord id" });
  return z.NEVER;
});

/**
 * An id as text; the caller names its kind, as with `parseSnowflake`.
 *
 * All callers get the same schema, because each one takes memory. The issue does not repeat a refused
 * text: the text comes from outside, and errors are logged.
 */
export function snowflakeSchema<Kind extends string>(): z.ZodType<Snowflake<Kind>> {
  return shared;
}

// JSON has no cycles. zod would look for them in each schema: 2.4 ms of a start. A schema reads this
// when it is built; one that is built before this module looks for them, which does no harm.
z.config({ memoizer: { attach() {}, guard() {}, alloc: (_schema, _payload, empty) => empty } });

/**
 * Number of values that are checked before zod compiles the parser of a schema. Compiling takes 0.3 to
 * 3 ms and memory, which pays for a bot in many guilds only.
 */
const INTERPRETED_CHECKS = 10;

/** Creates the check of a schema that is used for the first values of a start, and often later. */
export function createChecker<Schema extends z.ZodType>(
  schema: Schema,
): (value: unknown) => z.ZodSafeParseResult<z.output<Schema>> {
  let checks = 0;
  return (value) => {
    checks += 1;
    return schema.safeParse(value, { jitless: checks <= INTERPRETED_CHECKS });
  };
}

/** A part that may be absent. One with an unexpected shape counts as absent. */
export function optional<Part extends z.ZodType>(
  part: Part,
): z.ZodOptional<z.ZodType<z.output<Part> | undefined>> {
  return z.transform((given): z.output<Part> | undefined =>
    given === null ? undefined : part.safeParse(given).data // an error of zod costs more than the rest
  ).optional();
}

/** A text that has a fallback, such as a name. */
export function textOr(fallback: string): z.ZodType<string> {
  return z.transform((given) => typeof given === "string" ? given : fallback);
}

/** A list of parts without those that do not fit; `undefined` if there is no list. */
export function listOf<Item extends z.ZodType>(
  item: Item,
): z.ZodOptional<z.ZodType<z.output<Item>[] | undefined>> {
  const check = createChecker(item);
  return z.transform((given): z.output<Item>[] | undefined =>
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
  const found: Item[] = [];
  for (const one of given) {
    const { success, data } = check(one);
    if (success) found.push(data);
  }
  return found;
}

/** The same; empty if there is no list. */
export function listOrEmpty<Item extends z.ZodType>(item: Item): z.ZodType<z.output<Item>[]> {
  const check = createChecker(item);
  return z.transform((given) => Array.isArray(given) ? fitting(check, given) : []);
}

/** A set of permissions: bits as a decimal number. */
export const bits: z.ZodType<string> = z.string().regex(/^\d{1,39}$/);

/** A flag that closes something, such as "is a bot" or "is age-restricted": anything but no sets it. */
export const closingFlag = z.transform(Boolean).optional();

/** An id as a model writes it: digits, or in the spelling, whose first group that matches has them. */
export function writtenId<Kind extends string>(
  what: string,
  spelling?: RegExp,
  hint = "digits only",
): z.ZodType<Snowflake<Kind>, string> {
  return z.string().transform((written, context): Snowflake<Kind> => {
    const text = written.trim();
    const digits = spelling?.exec(text)?.slice(1).find((group) => group !== undefined);
    const found = parseSnowflake<Kind>(digits ?? text);
    if (found) return found;
    context.addIssue(`must be the id of a ${what}: ${hint}`);
    return z.NEVER;
  });
}

/** `<#5>`, `channel:5`, or a link to a channel or a message. */
const CHANNEL = /^(?:<#(\d+)>|channel:(\d+)|https:\/\/discord\.com\/channels\/\d+\/(\d+).*)$/;

export const writtenChannel = (): z.ZodType<ChannelId, string> =>
  writtenId<"channel">("channel", CHANNEL, "digits only, or <#digits>");
