/**
 * Checks foreign JSON by zod's schemas, without work of zod that a start never gets back: the search for
 * cycles, and the compiling of parsers for a few values.
 */

import { z } from "zod";

// JSON has no cycles. zod would look for them in each schema: 2.4 ms of a start. A schema reads this
// when it is built; one that is built before this module looks for them, which does no harm.
z.config({
  memoizer: { attach() {}, guard() {}, alloc: (_schema, _payload, empty) => empty },
});

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
