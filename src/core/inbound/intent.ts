/** Facts of the intent filter about one message (I1): numbers, and none of its words. */

export interface IntentFacts {
  /** How likely the message is for the bot, from 0 to 1. */
  readonly score: number;
  /** What moved the score, in plain English: `"the bot has just answered this person"`. */
  readonly reasons: readonly string[];
  /** A mention pattern names the bot. */
  readonly matchesPattern?: true;
  /** It replies to a message of another person. */
  readonly repliesToOther?: true;
}
