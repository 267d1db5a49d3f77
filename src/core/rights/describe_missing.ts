/**
 * Puts a missing right into words for the model.
 *
 * @module
 */

import type { Missing } from "./rights.ts";

/** The member that lacks a right: a person who asks, or the bot. */
export type Lacking = "asker" | "bot";

/** Describes a missing right: `"they lack the permission Manage Roles"`. */
export function describeMissing(missing: Missing, whose: Lacking): string {
  const isBot = whose === "bot";
  const who = isBot ? "the bot" : "they";
  const their = isBot ? "its" : "their";
  switch (missing.kind) {
    case "permission":
      return `${who} ${isBot ? "lacks" : "lack"} the permission ${
        missing.permissions.join(" or ")
      }`;
    case "not_member":
      return `${who} ${isBot ? "is" : "are"} not a member of that server`;
    case "timeout":
      return `${who} ${isBot ? "is" : "are"} timed out`;
    case "rank":
      return `${their} highest role is not above that of the other member`;
    case "no_role":
      return "there is no such role in that server";
    case "everyone_role":
      return "@everyone is a role that no one can give or take";
    case "managed_role":
      return "an integration manages that role, so no one can give or take it";
    case "role_rank":
      return `that role is not below ${their} highest role`;
    case "bits":
      return `${who} may give and deny only permissions that ${
        isBot ? "it has" : "they have"
      } there`;
    case "not_theirs":
      return "the bot posted it for another person, who alone may do that";
  }
}
