/**
 * Puts a missing right into words for the model.
 *
 * @module
 */

import type { Missing } from "./rights.ts";

/** The member that lacks a right: a person who asks, the bot, or the person who reads the words. */
export type Lacking = "asker" | "bot" | "reader";

/** The words of a sentence about each. */
const WORDS = {
  asker: { who: "they", lacks: "lack", is: "are", their: "their", has: "they have" },
  bot: { who: "the bot", lacks: "lacks", is: "is", their: "its", has: "it has" },
  reader: { who: "you", lacks: "lack", is: "are", their: "your", has: "you have" },
} as const;

/** Describes a missing right: `"they lack the permission Manage Roles"`. */
export function describeMissing(missing: Missing, whose: Lacking): string {
  const { who, lacks, is, their, has } = WORDS[whose];
  switch (missing.kind) {
    case "permission":
      return `${who} ${lacks} the permission ${missing.permissions.join(" or ")}`;
    case "not_member":
      return `${who} ${is} not a member of that server`;
    case "timeout":
      return `${who} ${is} timed out`;
    case "rank":
      return `${their} highest role is not above that of the other member`;
    case "administrator":
      return "an administrator cannot be timed out";
    case "no_role":
      return "there is no such role in that server";
    case "everyone_role":
      return "@everyone is a role that no one can give or take";
    case "managed_role":
      return "an integration manages that role, so no one can give or take it";
    case "role_rank":
      return `that role is not below ${their} highest role`;
    case "bits":
      return `${who} may give and deny only permissions that ${has} there`;
    case "not_theirs":
      return "the bot posted it for another person, who alone may do that";
  }
}
