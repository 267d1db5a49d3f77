/**
 * What becomes of a message, and why.
 *
 * Every message gets one, and every one goes on record: "why is the bot
 * silent?" always has an answer (P1).
 *
 * @module
 */

/** Why a message is answered. */
export type AcceptReason =
  /** A direct message of somebody on the list, or of anybody where DMs are open. */
  | "dm-allowed"
  /** It addresses the bot: by mention, by reply, or by a pattern (M2). */
  | "mentioned"
  /** Mentions are not required here. */
  | "mention-not-required";

/** Why a message is not answered. */
export type IgnoreReason =
  | "dm-disabled"
  /** The sender is not on the list; where pairing is the rule, not paired either. */
  | "dm-not-allowed"
  | "group-dm-disabled"
  | "guilds-disabled"
  | "guild-not-listed"
  | "channel-not-listed"
  | "channel-disabled"
  | "sender-not-listed"
  | "bot"
  | "webhook"
  /** Kept as context for the next one that is answered. */
  | "no-mention"
  /** Nothing to judge it by: the message content intent is missing (M5). */
  | "no-content"
  /** Found by catch-up, and older than `gateway.catchUp.maxAgeMin` (G6). */
  | "too-old"
  /** Found by catch-up, before the newest `gateway.catchUp.maxPerChannel` of its channel (G6). */
  | "too-many"
  /** A rule is written that this version does not know how to apply yet, and so denies. */
  | "rule-not-built";

export type Verdict =
  | {
    readonly kind: "accept";
    readonly why: AcceptReason;
    /** Config path of the rule that decided: `"channels.discord.guilds.*.requireMention"`. */
    readonly rule: string;
  }
  | {
    readonly kind: "ignore";
    readonly why: IgnoreReason;
    readonly rule: string;
    /** Whether a later turn in the channel may see the message (P10: never of an unlisted sender). */
    readonly keepAsContext: boolean;
  };
