/**
 * The zod schema of Discord's ids: in dispatches, in REST answers, and in stored rows, which an
 * older Barnacle or another program may have written.
 *
 * @module
 */

import { z } from "zod";
import { parseSnowflake, type Snowflake } from "./ids.ts";

/**
 * A string that is an id; the caller names its kind, as with `parseSnowflake`.
 *
 * The issue does not repeat a refused text: the text comes from outside, and errors are logged.
 */
export function snowflakeSchema<Kind extends string>(): z.ZodType<Snowflake<Kind>> {
  return z.string().transform((text, context) => {
    const id = parseSnowflake<Kind>(text);
    if (id) return id;
    context.addIssue({ code: "custom", message: "Not a Discord id" });
    return z.NEVER;
  });
}
