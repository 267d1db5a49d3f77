/**
 * Discord's ids as zod reads them: in dispatches, in answers of REST, and in the store, whose rows
 * an older Barnacle or somebody else's program may have written.
 *
 * @module
 */

import { z } from "zod";
import { parseSnowflake, type Snowflake } from "./ids.ts";

/**
 * A string that is an id; the caller names its kind, as with `parseSnowflake`. What is refused is
 * not repeated: it comes from outside, and errors are logged.
 */
export function snowflakeSchema<Kind extends string>(): z.ZodType<Snowflake<Kind>> {
  return z.string().transform((text, context) => {
    const id = parseSnowflake<Kind>(text);
    if (id) return id;
    context.addIssue({ code: "custom", message: "Not a Discord id" });
    return z.NEVER;
  });
}
