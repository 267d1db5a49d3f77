/**
 * Checks that a response body has the form that Discord documents.
 *
 * @module
 */

import type { z } from "zod";
import { RestError } from "./rest_error.ts";

/**
 * Reads the body of a successful response.
 *
 * A body of another form counts as no response, because it does not tell whether the request was
 * carried out.
 *
 * @param route Named in the error: `"GET /gateway/bot"`.
 * @throws {RestError} `unavailable`; it names the wrong fields, but not their values.
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
