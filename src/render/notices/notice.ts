/**
 * The form of a notice, in a file of its own because each group of notices uses it.
 *
 * @module
 */

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
