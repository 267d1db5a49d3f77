/**
 * Invalid fields, in Discord's words.
 *
 * @see {@link https://docs.discord.com/developers/reference#error-messages}
 */

import type { z } from "zod";

/** One invalid field: `path` leads to it, as in `["embeds", "0", "title"]`. */
export interface FieldProblem {
  readonly path: readonly string[];
  /** Discord's name of the rule: `"BASE_TYPE_MAX_LENGTH"`. */
  readonly code: string;
  readonly message: string;
}

/** Translates a schema's findings into Discord's words. */
export function toProblems(error: z.ZodError): readonly FieldProblem[] {
  return error.issues.flatMap((issue): readonly FieldProblem[] => {
    const path = issue.path.map(String);
    switch (issue.code) {
      case "unrecognized_keys":
        return issue.keys.map((key) => ({
          path: [...path, key],
          code: "UNKNOWN_FIELD",
          message: `The simulator knows no field ${key}, which Discord would ignore`,
        }));
      case "too_big":
        return [{
          path,
          code: issue.origin === "string" ? "BASE_TYPE_MAX_LENGTH" : "BASE_TYPE_BAD_LENGTH",
          message: `Must be ${issue.maximum} or fewer in length.`,
        }];
      case "too_small":
        return [{
          path,
          code: "BASE_TYPE_BAD_LENGTH",
          message: `Must be ${issue.minimum} or more in length.`,
        }];
      case "custom":
        return [{ path, code: String(issue.params?.["code"]), message: issue.message }];
      default:
        return [{ path, code: "BASE_TYPE_BAD_TYPE", message: issue.message }];
    }
  });
}
