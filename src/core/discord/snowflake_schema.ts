/**
 * The zod schema of Discord's ids: in dispatches, in REST answers, and in stored rows, which an
 * older Barnacle or another program may have written.
 */

import { z } from "zod";
import { readSnowflake, type Snowflake } from "./ids.ts";

/** An id of all kinds at once, which types as an id of any kind. */
const shared: z.ZodType<Snowflake<never>> = z.unknown().transform((given, context) => {
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
