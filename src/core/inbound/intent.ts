/** Facts of the intent filter about one message (I1): numbers, and none of its words. */

/** A feature that moved a score. */
export interface IntentReason {
  /** In plain English: `"the bot spoke last"`. */
  readonly name: string;
  /** Its part of the score's logit, compared with a typical message. */
  readonly part: number;
}

export interface IntentFacts {
  /** How likely the message is for the bot, from 0 to 1. */
  readonly score: number;
  /** How likely it needs an answer in words, if it is for the bot: from 0 to 1. */
  readonly needsReply: number;
  /** The strongest features of `score`. */
  readonly top: readonly IntentReason[];
  /** A mention pattern names the bot. */
  readonly matchesPattern?: true;
  /** It replies to a message of another person. */
  readonly repliesToOther?: true;
}
