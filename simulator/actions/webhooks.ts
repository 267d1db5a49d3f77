/**
 * Posts as a webhook, which can take any name.
 *
 * PluralKit uses this. It posts a message again under the name of a system's member, and deletes
 * the original.
 */

import { type ApplicationId, parseSnowflake } from "../../src/core/discord/ids.ts";
import { EMPTY_DRAFT } from "./draft.ts";
import { addWebhook } from "../world/create_world.ts";
import { postMessage } from "./messages.ts";
import { type Outcome, refuse } from "../world/refusals.ts";
import { toSnowflake } from "../world/snowflake.ts";
import type { Message, Webhook, World } from "../world/world.ts";

/** PluralKit's application at Discord: the only proof that PluralKit posted a message. */
export const PLURALKIT_APPLICATION_ID: ApplicationId = toSnowflake("466378653216014359");

/** A message that PluralKit posts in place of another. */
export interface Proxied {
  /** The original message, which is deleted. */
  readonly original: { readonly id: string; readonly channelId: string };
  readonly name: string;
  readonly avatar?: string;
  /** The text, if it differs from the original's: without the tags around it. */
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

/** At Discord each channel has a webhook of its own; here one is enough. */
function pluralkitWebhook(world: World, now: number): Webhook {
  const isPluralkits = ({ applicationId }: Webhook) => applicationId === PLURALKIT_APPLICATION_ID;
  return [...world.webhooks.values()].find(isPluralkits) ??
    addWebhook(world, "PluralKit Proxy Webhook", now, PLURALKIT_APPLICATION_ID);
}
