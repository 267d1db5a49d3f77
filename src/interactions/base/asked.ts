/**
 * The notices about a question by a command.
 *
 * @module
 */

import type { TextKey } from "../../render/notices/notices.ts";

/** The notice by the place of the answer. */
export const ASKED = {
  here: "asked",
  direct: "askedDirect",
  refused: "notAuthorized",
} as const satisfies Readonly<Record<string, TextKey>>;
