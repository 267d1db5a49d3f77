/**
 * What PluralKit says of a message that it posted for somebody, and when that is believed (P13).
 *
 * A webhook may carry any name and picture, so what a message looks like proves
 * nothing. Only an answer of PluralKit's to this very message, in this very
 * channel, makes a person of a webhook (SEC-R33).
 *
 * @module
 */

import type { ChannelId, GuildId, MessageId, UserId } from "../discord/ids.ts";
import type { InboundMessage, PluralkitMember } from "./inbound.ts";

/** A message that PluralKit posted in the place of another. */
export interface ProxiedMessage {
  /** Of the webhook's message. */
  readonly id: MessageId;
  /** The message that it stands for; PluralKit deletes it. */
  readonly original: MessageId;
  /** The account that wrote the original. */
  readonly sender: UserId;
  readonly channelId: ChannelId;
  readonly guildId?: GuildId;
  /** Absent where the member was deleted since. */
  readonly member?: PluralkitMember;
}

/**
 * What came of asking PluralKit.
 *
 * - `none`: it has posted no such message.
 * - `failed`: it did not tell within its time.
 */
export type LookUp =
  | { readonly kind: "found"; readonly proxied: ProxiedMessage }
  | { readonly kind: "none" }
  | { readonly kind: "failed"; readonly reason: string };

/**
 * The message as its member's, where the answer is about it.
 *
 * @returns `undefined` where the answer is about something else, or names nobody.
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
      username: `pk:${member.memberId}`, // no account's: nobody is let in by it
      roles: [],
      pluralkit: member,
    },
  };
}
