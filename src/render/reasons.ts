/**
 * Explains the reasons of verdicts to users.
 *
 * `scripts/reference/commands.ts` writes these sentences to `docs/reasons.md`, too.
 */

import type {
  AcceptReason,
  ChallengeReason,
  IgnoreReason,
  UndecidedReason,
} from "../core/inbound/inbox.ts";

/** Why a message is answered. */
export const ACCEPTED: Readonly<Record<AcceptReason, string>> = {
  "dm-allowed": "A direct message from an allowed user.",
  "dm-paired": "A direct message from a paired user.",
  "group-dm-allowed": "An allowed group chat, and an allowed sender.",
  "mentioned": "It addresses the bot: by a mention, a reply or a name.",
  "command": "A command that the sender may use; it needs no mention.",
  "mention-not-required": "The bot answers here without a mention.",
  "intent": "It mentions no one, and by its score it is meant for the bot.",
  "hook": "It is an event of another program, by a hook of the config.",
  "triggered": "A passive agent acts on it, by one of its triggers.",
  "allowed": "The sender may talk to the bot here.",
  "owner": "It needs an owner of the bot, and the sender is one.",
};

/** Why a sender gets a pairing code. */
export const CHALLENGED: Readonly<Record<ChallengeReason, string>> = {
  "pairing": "The sender is neither on the allow list nor paired.",
};

/** Which fact a message waits for. */
export const UNDECIDED: Readonly<Record<UndecidedReason, string>> = {
  "pluralkit": "From a webhook; Barnacle asks PluralKit whether a person wrote it.",
  "pluralkit-original":
    "PluralKit may repost it in a member's name; it waits two seconds for that.",
};

/** Why a message is not answered. */
export const IGNORED: Readonly<Record<IgnoreReason, string>> = {
  "dm-disabled": "Direct messages are disabled.",
  "dm-not-allowed": "The sender is not on the allow list for direct messages.",
  "pairing-pending": "The sender already has a pairing code.",
  "pairing-full": "Too many pairing requests are open, so the sender got no code.",
  "pairing-denied": "The sender's pairing request was denied less than an hour before.",
  "group-dm-disabled": "Group chats are disabled.",
  "group-dm-not-listed": "This group chat is not on the allow list.",
  "guilds-disabled": "Guilds are disabled.",
  "guild-not-listed": "This guild is not on the allow list.",
  "channel-not-listed": "This channel is not on the guild's allow list.",
  "channel-disabled": "This channel is disabled.",
  "sender-not-listed": "The sender is not on the allow list of this place.",
  "bot": "The bot does not answer other bots.",
  "webhook": "The bot does not answer webhooks.",
  "own": "Another account of this Barnacle wrote it.",
  "loop-guard": "Only bots have written here for a while, so the bot answers none of them.",
  "pk-original": "PluralKit reposted it in a member's name; the bot handles that message instead.",
  "no-mention": "It does not mention the bot; the model may see it as context later.",
  "other-account":
    "Another account of this Barnacle answers it; the model may see it as context later.",
  "no-content": "Discord withheld its text, so the bot cannot judge it.",
  "too-old": "Sent while the bot was offline, and too old to answer.",
  "too-many": "Sent while the bot was offline, with too many newer messages after it.",
  "send-off": "An owner has switched my answers off there; the model may see it as context later.",
  "caught-up": "It is /catchup: only its sender saw the answer, and no conversation keeps it.",
  "command-cut": "A restart cut this command, and its sender was told to give it again.",
  "queue-full": "Too many messages of the sender, or of the channel, were waiting for an answer.",
  "creator-gone": "The creator of this schedule has left, or may no longer see the channel.",
  "restored": "This run was due before the data were restored from a backup.",
  "reactions-off": "Reactions are ignored here, or on messages of others.",
  "not-manager": "It needs the right to manage messages here, or an owner of the bot.",
  "not-owner": "It needs an owner of the bot.",
  "not-approver": "It needs an approver of tool calls.",
  "to-others": "It mentions or answers someone else, and not the bot.",
  "no-score": "It mentions no one, and only a message that arrives just now gets a score.",
  "not-for-bot": "By its score it is not meant for the bot; the model may see it as context later.",
  "no-reply-needed": "By its score it needs no answer in words, such as thanks.",
};

const TEXTS: ReadonlyMap<string, string> = new Map(
  Object.entries({ ...ACCEPTED, ...CHALLENGED, ...UNDECIDED, ...IGNORED }),
);

/**
 * Explains a reason in one sentence.
 *
 * @param why A recorded reason, maybe of another version.
 */
export function reasonText(why: string): string {
  return TEXTS.get(why) ?? "Unknown reason: another version recorded it.";
}
