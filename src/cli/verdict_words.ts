/**
 * What a verdict's reason means, for people.
 *
 * @module
 */

import type { AcceptReason, IgnoreReason } from "../core/verdict.ts";

const WORDS: Readonly<Record<AcceptReason | IgnoreReason, string>> = {
  "dm-allowed": "A direct message from somebody who may write to the bot.",
  "mentioned": "It speaks to the bot: by a mention, a reply or a name.",
  "mention-not-required": "In this place the bot answers without a mention.",
  "dm-disabled": "The bot takes no direct messages.",
  "dm-not-allowed": "Only people on the list may write to the bot directly.",
  "group-dm-disabled": "The bot does not speak in group chats.",
  "guilds-disabled": "The bot answers in no guild.",
  "guild-not-listed": "This guild is not on the list.",
  "channel-not-listed": "This channel is not on the guild's list.",
  "channel-disabled": "This channel is switched off.",
  "sender-not-listed": "The list of who may talk to the bot here does not have them.",
  "bot": "The bot does not answer other bots.",
  "webhook": "The bot does not answer webhooks.",
  "no-mention": "Nobody mentioned the bot; a later answer may still know of it.",
  "no-content": "Discord withheld the words, so there is nothing to judge.",
  "too-old": "It was said while the bot was away, and longer ago than it answers.",
  "too-many": "It was said while the bot was away, before the newest ones that it answers.",
  "rule-not-built": "A rule for this place is not built yet, and denies until it is.",
};

/**
 * @param why A reason as it is on record; an older or newer Barnacle may have written it.
 */
export function wordsFor(why: string): string {
  return isKnown(why) ? WORDS[why] : "For a reason that this version does not know.";
}

function isKnown(why: string): why is keyof typeof WORDS {
  return Object.hasOwn(WORDS, why);
}
