/**
 * The schema of a sentence in the operator's words.
 *
 * @module
 */

import type { z } from "zod";
import { NOTICES, type TextKey } from "../../../render/notices/notices.ts";
import { key, text } from "./key.ts";

/** One schema for all sentences: one for each would cost a start 2 ms. */
const words = text().max(2_000).regex(/\S/, "Expected a text that is not blank");

/** A sentence in the operator's words; `NOTICES` has its placeholders. */
export function sentence(name: TextKey, example: string): z.ZodOptional<z.ZodString> {
  const { when, placeholders: fillIns, text: ours } = NOTICES[name];
  const placeholders = Object.entries(fillIns).map(([word, becomes]) =>
    `\`{${word}}\`: ${becomes}`
  );
  return key(
    words.optional(),
    `Text for when ${when}.` +
      (placeholders.length === 0 ? "" : ` Placeholders: ${placeholders.join("; ")}.`),
    { unset: JSON.stringify(ours), example },
  );
}
