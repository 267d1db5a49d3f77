/**
 * Recognises plain messages: text without attachments, embeds or other parts.
 *
 * Most messages are plain. A plain message is used as it is, without a schema and without a copy.
 * Any other message, or one with an unexpected shape, goes to `messagePayload`, which accepts every
 * plain message, too.
 *
 * @module
 */

import { parseSnowflake } from "../../../core/discord/ids.ts";
import type { MessagePayload } from "./payloads.ts";

/** An object whose fields may have any value. */
type Unread<Payload> = { readonly [Name in keyof Payload]?: unknown };

/** Whether a payload is a plain message. */
export function isPlainMessage(d: unknown): d is MessagePayload {
  if (!isObject<MessagePayload>(d)) return false;
  return isId(d.id) && isId(d.channel_id) && isNumber(d.type) && isText(d.content) &&
    (isNone(d.guild_id) || isId(d.guild_id)) && isPlainUser(d.author) && isPlainMember(d.member) &&
    isListOf(d.mentions, isMentioned) && isListOf(d.mention_roles, isId) &&
    (isNone(d.edited_timestamp) || isText(d.edited_timestamp)) &&
    (isNone(d.nonce) || isText(d.nonce) || isNumber(d.nonce)) &&
    (d.channel_type === undefined || isNumber(d.channel_type)) && carriesNothing(d);
}

function carriesNothing(d: Unread<MessagePayload>): boolean {
  return isNone(d.webhook_id) && d.application_id === undefined &&
    d.interaction_metadata === undefined && d.poll === undefined &&
    isNone(d.message_reference) && isNone(d.referenced_message) && isEmpty(d.attachments) &&
    isEmpty(d.embeds) && isEmpty(d.sticker_items) && isEmpty(d.components) &&
    isEmpty(d.message_snapshots);
}

function isPlainUser(user: unknown): boolean {
  return isObject<MessagePayload["author"]>(user) && isId(user.id) && isText(user.username) &&
    (isNone(user.discriminator) || isText(user.discriminator)) &&
    (isNone(user.global_name) || isText(user.global_name)) && isFlag(user.bot) &&
    isFlag(user.system);
}

function isPlainMember(member: unknown): boolean {
  return isNone(member) ||
    (isObject<NonNullable<MessagePayload["member"]>>(member) && isListOf(member.roles, isId) &&
      (isNone(member.nick) || isText(member.nick)));
}

function isMentioned(user: unknown): boolean {
  return isObject<MessagePayload["mentions"][number]>(user) && isId(user.id);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  if (!Array.isArray(value)) return false;
  for (const item of value) if (!isItem(item)) return false;
  return true;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}

function isObject<Payload>(value: unknown): value is Unread<Payload> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isId(value: unknown): boolean {
  return typeof value === "string" && parseSnowflake(value) !== undefined;
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

/** Finite, as all numbers in JSON are. */
function isNumber(value: unknown): boolean {
  return Number.isFinite(value);
}

function isFlag(value: unknown): boolean {
  return isNone(value) || typeof value === "boolean";
}

function isNone(value: unknown): boolean {
  return value === undefined || value === null;
}
