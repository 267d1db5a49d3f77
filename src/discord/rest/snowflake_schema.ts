/**
 * Discord ids in an answer.
 *
 * @module
 */

import { z } from "zod";
import { parseSnowflake, type Snowflake } from "../../core/ids.ts";

/** A string that is an id; the caller names its kind, as with `parseSnowflake`. */
export function snowflakeSchema<Kind extends string>(): z.ZodType<Snowflake<Kind>> {
  return z.string().transform((text, context) => {
    const id = parseSnowflake<Kind>(text);
    if (id) return id;
    context.addIssue({ code: "custom", message: "is no id" });
    return z.NEVER;
  });
}
