/**
 * Columns that several tables have, checked as they are read: an older Barnacle
 * may have written them, and a program of somebody else's can have changed them.
 *
 * @module
 */

import { z } from "zod";
import { parseSnowflake, type Snowflake } from "../core/ids.ts";

/** The caller names the kind: `snowflakeColumn<"channel">()`. */
export function snowflakeColumn<Kind extends string>() {
  return z.string().transform((text, context): Snowflake<Kind> => {
    const id = parseSnowflake<Kind>(text);
    if (id) return id;
    context.addIssue(`Not a Discord id: ${text}`);
    return z.NEVER;
  });
}
