/**
 * All notices: the sentences that Barnacle writes in its own name.
 *
 * Not every server speaks English, so `messages.texts.<key>` replaces a notice. The config's keys
 * are checked against this table, so none can be missing there.
 *
 * @module
 */

import { ACCESS_NOTICES } from "./access.ts";
import { ALLOWLIST_NOTICES } from "./allowlist.ts";
import { ANSWER_NOTICES } from "./answers.ts";
import { COMMAND_ANSWER_NOTICES } from "./command_answers.ts";
import { COMMAND_NOTICES } from "./commands.ts";
import { MCP_NOTICES } from "./mcp.ts";
import { OWNER_NOTICES } from "./owner.ts";
import { PROGRESS_NOTICES } from "./progress.ts";
import { QUESTION_NOTICES } from "./questions.ts";
import { SETTING_NOTICES } from "./settings.ts";

/** All notices by key. */
export const NOTICES:
  & typeof ANSWER_NOTICES
  & typeof OWNER_NOTICES
  & typeof PROGRESS_NOTICES
  & typeof ACCESS_NOTICES
  & typeof ALLOWLIST_NOTICES
  & typeof COMMAND_NOTICES
  & typeof COMMAND_ANSWER_NOTICES
  & typeof MCP_NOTICES
  & typeof QUESTION_NOTICES
  & typeof SETTING_NOTICES = {
    ...ANSWER_NOTICES,
    ...OWNER_NOTICES,
    ...PROGRESS_NOTICES,
    ...ACCESS_NOTICES,
    ...ALLOWLIST_NOTICES,
    ...COMMAND_NOTICES,
    ...COMMAND_ANSWER_NOTICES,
    ...MCP_NOTICES,
    ...QUESTION_NOTICES,
    ...SETTING_NOTICES,
  };

/** Key of a notice. */
export type TextKey = keyof typeof NOTICES;

/** `messages.texts`: the operator's own notices. */
export type Texts = Readonly<Partial<Record<TextKey, string | undefined>>>;

/** Values for all placeholders of a notice. */
export type Placeholders<Key extends TextKey> = Readonly<
  Record<keyof (typeof NOTICES)[Key]["placeholders"], string | number>
>;

/** A notice with its placeholders replaced: the operator's own text, or ours (R13). */
export function notice<Key extends TextKey>(
  key: Key,
  placeholders: Placeholders<Key>,
  texts: Texts,
): string {
  const text = texts[key] ?? NOTICES[key].text;
  const values: ReadonlyMap<string, unknown> = new Map(Object.entries(placeholders));
  return text.replace(/\{(\w+)\}/g, (braced, name: string) => String(values.get(name) ?? braced));
}
