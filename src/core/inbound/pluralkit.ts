/**
 * Decides when to believe PluralKit about a message that it posted for a person (P13).
 *
 * A webhook may use any name and picture, so the look of a message proves nothing. Only PluralKit's
 * own answer about this message, in this channel, turns a webhook into a person (SEC-R33).
 */

import type { ChannelId, GuildId, MessageId, UserId } from "../discord/ids.ts";
import type { InboundMessage, PluralkitMember } from "./inbound.ts";

/** A message that PluralKit posted in place of another. */
export interface ProxiedMessage {
  readonly id: MessageId;
  /** Id of the replaced message, which PluralKit deletes. */
  readonly original: MessageId;
  readonly sender: UserId;
  readonly channelId: ChannelId;
  /** Guild of both messages; absent if PluralKit does not name it. */
  readonly guildId?: GuildId;
  /** The member who speaks; absent if it was deleted since. */
  readonly member?: PluralkitMember;
}

/**
 * The result of a request to PluralKit.
 *
 * - `none`: PluralKit posted no such message.
 * - `failed`: PluralKit did not answer in time.
 */
export type PluralkitAnswer =
  | { readonly kind: "found"; readonly proxied: ProxiedMessage }
  | { readonly kind: "none" }
  | { readonly kind: "failed"; readonly reason: string };

/**
 * Returns the message with PluralKit's member as its sender.
 *
 * @returns `undefined` if the answer is about another message, or names no member.
 */
export function asMembers(
  message: InboundMessage,
  { id, channelId, guildId, sender, member }: ProxiedMessage,
): InboundMessage | undefined {
  if (id !== message.id || channelId !== message.channelId || !member) return undefined;
  if (guildId !== undefined && guildId !== message.guildId) return undefined;
  return {
    ...message,
    sender: {
      id: sender,
      username: `pk:${member.memberId}`, // no account's name: no allow list matches it
      roles: [],
      pluralkit: member,
    },
  };
}
