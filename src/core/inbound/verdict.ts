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
  /** A direct message of somebody who was paired (P3). */
  | "dm-paired"
  /** In a group DM that is open, by somebody who may write directly (P5). */
  | "group-dm-allowed"
  /** It addresses the bot: by mention, by reply, or by a pattern (M2). */
  | "mentioned"
  /** A command that the sender may give counts without a mention (M4). */
  | "command"
  /** Mentions are not required here. */
  | "mention-not-required"
  /** An event other than a message, of somebody who may talk to the bot here (P16). */
  | "allowed"
  /** It needs the owner, and is the owner's (P10). */
  | "owner";

/** Why a stranger is given a code. */
export type ChallengeReason = "pairing";

/** What a verdict still waits for. */
export type UndecidedReason =
  /** Whether PluralKit knows a webhook's message (P13). */
  | "pluralkit"
  /** Whether PluralKit says again what this person has just written (P13). */
  | "pluralkit-original";

/** Why a message is not answered. */
export type IgnoreReason =
  | "dm-disabled"
  /** The sender is not on the list; where pairing is the rule, not paired either. */
  | "dm-not-allowed"
  /** Has a code already, and was told (P3). */
  | "pairing-pending"
  /** Too many strangers ask at once: no code, no reply (P3). */
  | "pairing-full"
  /** Was denied within the hour (P3). */
  | "pairing-denied"
  | "group-dm-disabled"
  | "group-dm-not-listed"
  | "guilds-disabled"
  | "guild-not-listed"
  | "channel-not-listed"
  | "channel-disabled"
  | "sender-not-listed"
  | "bot"
  | "webhook"
  /** Another account of this process wrote it (N3). */
  | "own"
  /** Bots only have spoken here for a while (P11). */
  | "loop-guard"
  /** PluralKit has said it again in a member's name, and that is what counts (P13). */
  | "pk-original"
  /** Kept as context for the next one that is answered. */
  | "no-mention"
  /** Nothing to judge it by: the message content intent is missing (M5). */
  | "no-content"
  /** Found by catch-up, and older than `gateway.catchUp.maxAgeMin` (G6). */
  | "too-old"
  /** Found by catch-up, before the newest `gateway.catchUp.maxPerChannel` of its channel (G6). */
  | "too-many"
  /** Reactions are not heard here, or not on messages of others (H5). */
  | "reactions-off"
  /** It needs somebody who may manage messages here, or an owner (K3). */
  | "not-manager"
  | "not-owner"
  | "not-approver"
  /** A rule is written that this version does not know how to apply yet, and so denies. */
  | "rule-not-built";

export type Verdict =
  | {
    readonly kind: "accept";
    readonly why: AcceptReason;
    /** Config path of the rule that decided: `"channels.discord.guilds.*.requireMention"`. */
    readonly rule: string;
  }
  /** The sender is told how to be let in; the message itself is not answered. */
  | { readonly kind: "challenge"; readonly why: ChallengeReason; readonly rule: string }
  /** Stored, and decided once the fact that is missing is there (P1). */
  | { readonly kind: "undecided"; readonly why: UndecidedReason; readonly rule: string }
  | {
    readonly kind: "ignore";
    readonly why: IgnoreReason;
    readonly rule: string;
    /** Whether a later turn in the channel may see the message (P10: never of an unlisted sender). */
    readonly keepAsContext: boolean;
  };
