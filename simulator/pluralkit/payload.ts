/**
 * PluralKit's record of a proxied message, in PluralKit's JSON.
 *
 * Every field is there, `null` if it is not set, as its documentation says.
 *
 * @see {@link https://pluralkit.me/api/models/#message-model}
 */

import { createdAtMs, type MessageId } from "../../src/core/discord/ids.ts";
import { guildIdOf, type Payload } from "../payloads/payloads.ts";
import type { Message, World } from "../world/world.ts";

/** One of the people who share an account. */
export interface SystemMember {
  /** `"abcde"`: the id in `pk:abcde` of a config. */
  readonly id: string;
  readonly name: string;
  readonly displayName?: string;
}

export interface System {
  readonly id: string;
  readonly name?: string;
  readonly token?: string;
}

export interface ProxiedMessage {
  readonly proxied: Message;
  readonly original: Message;
  readonly system: System;
  readonly member: SystemMember;
}

export function toProxied(
  world: World,
  { proxied, original, system, member }: ProxiedMessage,
): Payload {
  const { author } = original;
  return {
    timestamp: timestampOf(proxied.id),
    id: proxied.id,
    original: original.id,
    sender: author.kind === "user" ? author.userId : author.webhook.id,
    channel: proxied.channelId,
    guild: guildIdOf(world, proxied.channelId)["guild_id"],
    system: {
      id: system.id,
      uuid: uuidOf(system.id),
      name: system.name ?? null,
      description: null,
      tag: null,
      pronouns: null,
      avatar_url: null,
      banner: null,
      color: null,
      created: timestampOf(original.id),
      privacy: null,
    },
    member: {
      id: member.id,
      uuid: uuidOf(member.id),
      name: member.name,
      display_name: member.displayName ?? null,
      color: null,
      birthday: null,
      pronouns: null,
      avatar_url: null,
      webhook_avatar_url: null,
      banner: null,
      description: null,
      created: null,
      proxy_tags: [],
      keep_proxy: false,
      tts: false,
      autoproxy_enabled: null,
      message_count: null,
      last_message_timestamp: null,
      privacy: null,
    },
  };
}

function timestampOf(id: MessageId): string {
  return new Date(createdAtMs(id)).toISOString();
}

/** Derived from the short id, so that it is the same in every run. */
function uuidOf(id: string): string {
  const digits = Array.from(id, (letter) => letter.charCodeAt(0).toString(16)).join("");
  return `00000000-0000-4000-8000-${digits.slice(0, 12).padStart(12, "0")}`;
}
