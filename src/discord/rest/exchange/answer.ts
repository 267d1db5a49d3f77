/**
 * Checks that an answer has the form that Discord documents.
 *
 * @module
 */

import type { z } from "zod";
import { RestError } from "./rest_error.ts";

/**
 * Reads a successful answer.
 *
 * One of another form counts as none: nobody can tell what was carried out.
 *
 * @param route For the error: `"GET /gateway/bot"`.
 * @throws {RestError} `unavailable`, with the fields that are wrong but not what is in them.
 */
export function expect<T>(route: string, schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path }) => path.join(".") || "all of it").join(", ");
  throw new RestError(`was answered in a form that is not Discord's (${fields})`, {
    kind: "unavailable",
    route,
    cause: parsed.error,
  });
}
