/**
 * All notices: the sentences that Barnacle writes in its own name.
 *
 * Not every server speaks English, so `messages.texts.<key>` replaces a notice. The config's schema
 * and its reference get their keys from this table.
 */

import { ACCESS_NOTICES } from "./access.ts";
import { CATCHUP_NOTICES } from "./catchup.ts";
import { ALLOWLIST_NOTICES, MCP_NOTICES } from "./owner_commands.ts";
import { ANSWER_NOTICES, PROGRESS_NOTICES } from "./answers.ts";
import { COMMAND_ANSWER_NOTICES, COMMAND_NOTICES } from "./command_answers.ts";
import { FAILURE_NOTICES } from "./failures.ts";
import { OWNER_NOTICES } from "./owner.ts";
import { QUESTION_NOTICES } from "./questions.ts";
import { SETTING_NOTICES } from "./settings.ts";
import { VOICE_NOTICES } from "./voice.ts";

/** One notice: all that Barnacle and the config's reference say about it. */
export interface Notice {
  /** The text. Each name in braces is a placeholder. */
  readonly text: string;
  /** When Barnacle sends it, for operators who want to replace it: `"a turn fails"`. */
  readonly when: string;
  /** The content of each placeholder, if the text has any. */
  readonly placeholders?: Readonly<Record<string, string>>;
  /** The text as an operator may write it, in another language. */
  readonly example: string;
}

const ALL = {
  ...FAILURE_NOTICES,
  ...ANSWER_NOTICES,
  ...OWNER_NOTICES,
  ...PROGRESS_NOTICES,
  ...ACCESS_NOTICES,
  ...COMMAND_NOTICES,
  ...QUESTION_NOTICES,
  ...COMMAND_ANSWER_NOTICES,
  ...CATCHUP_NOTICES,
  ...ALLOWLIST_NOTICES,
  ...MCP_NOTICES,
  ...SETTING_NOTICES,
  ...VOICE_NOTICES,
} as const satisfies Readonly<Record<string, Notice>>;

/** All notices by key, in the order of the config's reference. */
export const NOTICES: typeof ALL = ALL;

export type TextKey = keyof typeof NOTICES;

/** `messages.texts`: the operator's own notices. */
export type Texts = Readonly<Partial<Record<TextKey, string | undefined>>>;

export type Placeholders<Key extends TextKey> = (typeof NOTICES)[Key] extends
  { readonly placeholders: infer Words } ? Readonly<Record<keyof Words, string | number>>
  : Readonly<Record<never, never>>;

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
