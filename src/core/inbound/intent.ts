/** Facts of the intent filter about one message (I1): numbers, and none of its words. */

/** A feature that moved a score. */
export interface IntentReason {
  /** In plain English: `"the bot spoke last"`. */
  readonly name: string;
  /** Its part of the score's logit, compared with a typical message. */
  readonly part: number;
}

/** The facts behind a decision of the intent filter, as they were when the message arrived. */
export interface IntentFacts {
  /** How likely the message is for the bot, from 0 to 1. */
  readonly score: number;
  /** How likely it is a request to the whole channel, on the same scale. */
  readonly room: number;
  /** How likely it needs an answer in words, if it is for the bot. */
  readonly needsReply: number;
  /** The strongest features of `score`; absent in a crowd, to save space. */
  readonly top?: readonly IntentReason[];
  /** A mention pattern names the bot. */
  readonly matchesPattern?: true;
  /** A small model decides in place of the score. */
  readonly asksModel?: true;
  /** Its answer; `failed`: it gave none in time, so the score decides. Absent before that. */
  readonly model?: "yes" | "no" | "failed";
  /** It replies to a message of another person. */
  readonly repliesToOther?: true;
  /** It asks the bot to be quiet. */
  readonly asksQuiet?: true;
  /** A person has asked the bot to be quiet in this channel. */
  readonly isQuiet?: true;
  /** An answer to it would come too soon after another one, or would be one too many this hour. */
  readonly limit?: "cooldown" | "hour";
  /** What outcomes of earlier answers here add to the threshold. */
  readonly shift?: number;
}
