/** Reads roles as Discord's API and its gateway describe them. */

import { z } from "zod";
import { bits, closingFlag, optional, textOr } from "../discord/lenient.ts";
import { snowflakeSchema } from "../discord/snowflake_schema.ts";
import type { RoleFacts } from "./rights.ts";

/** A role with everything that rights depend on. Ranks decide, so a role that does not fit is an error. */
export const roleSchema = z.lazy(() =>
  z.object({
    id: snowflakeSchema<"role">(),
    name: textOr("without a name"),
    permissions: bits.transform(BigInt),
    position: z.number().nullish().transform((position) => position ?? 0),
    managed: closingFlag,
    tags: optional(z.object({ bot_id: optional(z.string()) })),
  }).transform(({ managed, tags, ...role }): RoleFacts => ({
    ...role,
    isManaged: managed ?? false,
    ...(tags?.bot_id !== undefined && { isOfBot: true }),
  }))
);
