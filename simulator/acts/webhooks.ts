/**
 * What webhooks can do that nobody else can: call themselves what they like.
 *
 * PluralKit lives on it. It says a message again under the name of a member of
 * somebody's system, and deletes the message that it heard.
 *
 * @module
 */

import { type ApplicationId, parseSnowflake } from "../../src/core/discord/ids.ts";
import { EMPTY_DRAFT } from "./draft.ts";
import { addWebhook } from "../world/founding.ts";
import { postMessage } from "./messages.ts";
import { type Outcome, refuse } from "../world/refusals.ts";
import { toSnowflake } from "../world/snowflake.ts";
import type { Message, Webhook, World } from "../world/world.ts";

/** PluralKit's application at Discord: what it posts is told by this, and by nothing else. */
export const PLURALKIT_APPLICATION_ID: ApplicationId = toSnowflake("466378653216014359");

/** A member's words in the place of somebody's message. */
export interface Proxied {
  /** The message that was heard, and is deleted. */
  readonly original: { readonly id: string; readonly channelId: string };
  readonly name: string;
  readonly avatar?: string;
  /** The words, where they are not the original's: without the tags around them. */
  readonly text?: string;
}

/** Posts a message again as a webhook of PluralKit's, and deletes the original. */
export function proxyMessage(
  world: World,
  { original: { id, channelId }, name, avatar, text }: Proxied,
  now: number,
): Outcome<Message> {
  const channel = world.channels.get(toSnowflake(channelId));
  const messageId = parseSnowflake<"message">(id);
  const original = messageId && channel?.messages.get(messageId);
  if (!channel || !original) return refuse("unknownMessage");
  const webhook = pluralkitWebhook(world, now);
  const author = { kind: "webhook" as const, webhook, name, ...(avatar && { avatar }) };
  const content = text ?? original.content;
  const posted = postMessage(world, channel.id, author, { ...EMPTY_DRAFT, content }, now);
  if (posted.kind === "refused") return posted;
  channel.messages.delete(original.id);
  return {
    kind: "done",
    value: posted.value.message,
    events: [...posted.events, { kind: "message_deleted", message: original }],
  };
}

/** At Discord each channel has one; here they are alike, and one is enough. */
function pluralkitWebhook(world: World, now: number): Webhook {
  const isPluralkits = ({ applicationId }: Webhook) => applicationId === PLURALKIT_APPLICATION_ID;
  return [...world.webhooks.values()].find(isPluralkits) ??
    addWebhook(world, "PluralKit Proxy Webhook", now, PLURALKIT_APPLICATION_ID);
}
