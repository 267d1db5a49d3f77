/**
 * The verdict on a message: accept, ignore, challenge or undecided, each with its reason.
 *
 * Every message gets one, and the store records every one. So there is always an answer to "why is
 * the bot silent?" (P1).
 */

import { DAY_MS } from "../../lib/clock.ts";

/** Milliseconds within which a sender hears that their message gets no answer (X4). */
export const TOLD_WITHIN_MS: number = DAY_MS;

/** Why a message is answered. */
export type AcceptReason =
  /** A direct message of a person on the list, or of any person if DMs are open. */
  | "dm-allowed"
  /** A direct message of a paired person (P3). */
  | "dm-paired"
  /** In an open group DM, by a person who may send direct messages (P5). */
  | "group-dm-allowed"
  /** It addresses the bot: by mention, by reply, or by a pattern (M2). */
  | "mentioned"
  /** A command that the sender may give counts without a mention (M4). */
  | "command"
  | "mention-not-required"
  /** By its score, the intent filter takes it to be for the bot (I1). */
  | "intent"
  /** It is the run of a passive agent, one of whose triggers has matched (N1). */
  | "triggered"
  /** It is an event of another program, by a hook of the config (W3). */
  | "hook"
  /** An event other than a message, by a person who may talk to the bot here (P16). */
  | "allowed"
  /** It needs an owner, and an owner sent it (P10). */
  | "owner";

/** Why an unpaired sender gets a code. */
export type ChallengeReason = "pairing";

/** The fact that a verdict still waits for. */
export type UndecidedReason =
  /** Whether PluralKit knows a webhook's message (P13). */
  | "pluralkit"
  /** Whether PluralKit replaces the message that this person has just written (P13). */
  | "pluralkit-original";

/** Why a message is not answered. */
export type IgnoreReason =
  | "dm-disabled"
  /** The sender is not on the list; where pairing is the rule, not paired either. */
  | "dm-not-allowed"
  /** The sender has a code already, and Barnacle has sent it (P3). */
  | "pairing-pending"
  /** Too many unpaired senders ask at once: no code, no reply (P3). */
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
  /** Only bots have written here for a while (P11). */
  | "loop-guard"
  /** PluralKit has replaced it by a message in a member's name, which counts instead (P13). */
  | "pk-original"
  /** Kept as context for the next one that is answered. */
  | "no-mention"
  /** Another account of this process answers it; kept as context (N2). */
  | "other-account"
  /** An owner has switched answers off there by `/settings send off`; kept as context (K2). */
  | "send-off"
  /** Discord sent no content: the message content intent is missing (M5). */
  | "no-content"
  /** Found by catch-up, and older than `gateway.catchUp.maxAgeMin` (G6). */
  | "too-old"
  /** Found by catch-up, before the newest `gateway.catchUp.maxPerChannel` of its channel (G6). */
  | "too-many"
  /** It is `/catchup`, whose answer no conversation keeps (T17). */
  | "caught-up"
  /** The same, and the process ended before its answer (K5). */
  | "command-cut"
  /** Too many turns of the sender, or of the channel, wait already (X4). */
  | "queue-full"
  /** The creator of a schedule has left the guild, or may not see the channel any more (T12). */
  | "creator-gone"
  /** The run of a schedule was due between a backup and its restore (O11). */
  | "restored"
  /** Reactions do not count here, or not on messages of others (H5). */
  | "reactions-off"
  /** It needs a person who may manage messages here, or an owner (K3). */
  | "not-manager"
  | "not-owner"
  | "not-approver"
  /** It mentions no one, or only others, and the intent filter (I1) … takes it to be for others. */
  | "to-others"
  /** … has no score for it, since it did not arrive just now. */
  | "no-score"
  /** … gives it a score below the threshold. */
  | "not-for-bot"
  /** … takes it to need no answer in words, such as thanks. */
  | "no-reply-needed";

/** The decision about a message, its reason, and the config path of the rule that decided. */
export type Verdict =
  | {
    readonly kind: "accept";
    readonly why: AcceptReason;
    /** Config path of the rule that decided: `"channels.discord.guilds.*.requireMention"`. */
    readonly rule: string;
  }
  /** The sender gets a pairing code; the bot does not answer the message itself. */
  | { readonly kind: "challenge"; readonly why: ChallengeReason; readonly rule: string }
  /** Stored, and decided once the missing fact has arrived (P1). */
  | { readonly kind: "undecided"; readonly why: UndecidedReason; readonly rule: string }
  | {
    readonly kind: "ignore";
    readonly why: IgnoreReason;
    readonly rule: string;
    /**
     * Whether a later turn in the channel may see the message (P10: never an unlisted sender's).
     */
    readonly keepAsContext: boolean;
  };

/** Ignores a message so that no later turn sees it. */
export function ignored(why: IgnoreReason, rule: string): Verdict & { readonly kind: "ignore" } {
  return { kind: "ignore", why, rule, keepAsContext: false };
}

/** The verdict on a run or a call: it neither gets a pairing code, nor waits for a fact. */
export function finalVerdict(verdict: Verdict): Verdict {
  switch (verdict.kind) {
    case "accept":
      return verdict;
    case "ignore":
      return ignored(verdict.why, verdict.rule);
    case "challenge":
      return ignored("dm-not-allowed", verdict.rule);
    case "undecided":
      return ignored("webhook", verdict.rule);
  }
}
