/** Reads roles as Discord's API and its gateway describe them. */

import { z } from "zod";
import { bits, closingFlag, numeric, textOr } from "../discord/lenient.ts";
import { snowflakeSchema } from "../discord/snowflake_schema.ts";
import type { RoleFacts } from "./rights.ts";

/** A role with everything that rights depend on. Ranks decide, so a role that does not fit is an error. */
export const roleSchema = z.lazy(() =>
  z.object({
    id: snowflakeSchema<"role">(),
    name: textOr("without a name"),
    permissions: bits.transform(BigInt),
    position: numeric.nullish().transform((position) => position ?? 0),
    managed: closingFlag,
  }).transform(({ managed, ...role }): RoleFacts => ({ ...role, isManaged: managed ?? false }))
);
