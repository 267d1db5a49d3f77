/**
 * What a verdict's reason means, for people.
 *
 * @module
 */

import type {
  AcceptReason,
  ChallengeReason,
  IgnoreReason,
  UndecidedReason,
} from "../../core/inbound/verdict.ts";

type Reason = AcceptReason | ChallengeReason | UndecidedReason | IgnoreReason;

const WORDS: Readonly<Record<Reason, string>> = {
  "dm-allowed": "A direct message from somebody who may write to the bot.",
  "dm-paired": "A direct message from somebody who was paired.",
  "group-dm-allowed": "A group chat that is open to the bot, and somebody who may write to it.",
  "mentioned": "It speaks to the bot: by a mention, a reply or a name.",
  "command": "It is a command, and they may give it; that needs no mention.",
  "mention-not-required": "In this place the bot answers without a mention.",
  "allowed": "They may talk to the bot here.",
  "owner": "It needs the bot's owner, and it is theirs.",
  "pairing": "A stranger, who was told how to be let in.",
  "pluralkit": "A webhook said it; PluralKit is asked whether a person spoke by it.",
  "pluralkit-original":
    "PluralKit may say it again in a member's name; it waits two seconds for that.",
  "dm-disabled": "The bot takes no direct messages.",
  "dm-not-allowed": "Only people on the list may write to the bot directly.",
  "pairing-pending": "They have a pairing code already, and were told once.",
  "pairing-full": "Too many strangers ask at once, so no code was made.",
  "pairing-denied": "They asked to be let in and were denied, less than an hour before.",
  "group-dm-disabled": "The bot does not speak in group chats.",
  "group-dm-not-listed": "This group chat is not on the list.",
  "guilds-disabled": "The bot answers in no guild.",
  "guild-not-listed": "This guild is not on the list.",
  "channel-not-listed": "This channel is not on the guild's list.",
  "channel-disabled": "This channel is switched off.",
  "sender-not-listed": "The list of who may talk to the bot here does not have them.",
  "bot": "The bot does not answer other bots.",
  "webhook": "The bot does not answer webhooks.",
  "own": "Another account of this Barnacle wrote it.",
  "loop-guard": "Bots only have spoken here for a while, so none of them is answered.",
  "pk-original": "PluralKit has said it again in a member's name, and that one counts.",
  "no-mention": "Nobody mentioned the bot; a later answer may still know of it.",
  "no-content": "Discord withheld the words, so there is nothing to judge.",
  "too-old": "It was said while the bot was away, and longer ago than it answers.",
  "too-many": "It was said while the bot was away, before the newest ones that it answers.",
  "reactions-off": "Reactions are not heard here, or not on messages of others.",
  "not-manager": "It needs somebody who may manage messages here, or the bot's owner.",
  "not-owner": "It needs the bot's owner.",
  "not-approver": "It needs somebody who may approve what tools do.",
  "rule-not-built": "A rule for this place is not built yet, and denies until it is.",
};

/**
 * @param why A reason as it is on record; an older or newer Barnacle may have written it.
 */
export function reasonText(why: string): string {
  return isKnown(why) ? WORDS[why] : "For a reason that this version does not know.";
}

function isKnown(why: string): why is Reason {
  return Object.hasOwn(WORDS, why);
}
