/** Says in words for the model why Discord has refused an action. */

import { RefusedCall } from "../../core/refused_call.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { explainCode } from "../../discord/rest/permissions/denial.ts";

/** An error of Discord in words for the model; another error unchanged. */
export function inWords(error: unknown): unknown {
  if (!(error instanceof RestError) || error.code === undefined) return error;
  const words = WORDS.get(error.code) ?? explainCode(error.code) ?? error.message;
  return new RefusedCall("discord", words);
}

/** Discord's error codes for the model, in other words than those of a delivery. */
const WORDS: ReadonlyMap<number, string> = new Map([
  [10007, "that user is not a member of the server"],
  [10008, "there is no such message in that channel; it may be deleted already"],
  [10009, "there is no overwrite for that role or member"],
  [10011, "there is no such role in that server"],
  [10013, "there is no such user"],
  [10014, "there is no such emoji, or the bot may not use it"],
  [10026, "that user is not banned"],
  [10060, "there is no such sticker"],
  [10065, "that member is in no voice channel"],
  [10070, "there is no such event"],
  [30003, "the channel has as many pinned messages as Discord allows; unpin one first"],
  [30005, "the server has 250 roles, and takes no more"],
  [30008, "the server has no room for more emojis"],
  [30010, "the message has 20 different reactions, and takes no more"],
  [30013, "the server has 500 channels, and takes no more"],
  [30038, "the server has 100 open events, and takes no more"],
  [30039, "the server has no room for more stickers"],
  [30046, "messages older than an hour were edited too often; try again later"],
  [30048, "the forum has as many tags as Discord allows"],
  [50005, "the bot can edit only its own messages"],
  [50021, "that is an announcement of Discord, and not a message that takes this action"],
  [50024, "that kind of channel does not take this action"],
  [50034, "that message is older than two weeks, and Discord does not do this to it any more"],
  [50045, "the file is too large for Discord"],
  [50074, "Discord does not let this channel be deleted, because the server's community needs it"],
  [50081, "the bot may not use that sticker there"],
  [60003, "the server asks moderators for two-factor authentication, and the bot's owner has none"],
  [90001, "the author of the message has blocked the bot"],
  [110000, "Discord is still building its search index; try again in a minute"],
  [160014, "the bot may not read what that message says, so it cannot forward it"],
  [160006, "the server has its most active threads, and takes no more"],
  [180000, "that event is over, or has begun, and cannot be changed so"],
  [520001, "that poll is over already"],
  [520002, "polls are not possible in that kind of channel"],
  [520006, "that message is no poll"],
]);
