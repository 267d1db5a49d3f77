/**
 * The form of a notice, in a file of its own because each group of notices uses it.
 *
 * @module
 */

/** One notice. */
export interface Notice {
  /** The text. Each name in braces is a placeholder. */
  readonly text: string;
  /** When Barnacle sends it, for operators who want to replace it: `"a turn fails"`. */
  readonly when: string;
  /** The content of each placeholder. */
  readonly placeholders: Readonly<Record<string, string>>;
}
