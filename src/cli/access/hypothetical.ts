/**
 * What somebody asks policy about on the command line, as the event that it would be.
 *
 * @module
 */

import {
  type AccountId,
  parseSnowflake,
  type RoleId,
  type UserId,
} from "../../core/discord/ids.ts";
import type { InboundMessage, Mention, Role, Self, Sender } from "../../core/inbound/inbound.ts";
import { parseTarget } from "../../core/outbound/target.ts";
import type { Guild } from "../../discord/gateway/decode/guild_index.ts";
import { namedRoles } from "../../discord/gateway/decode/senders.ts";
import { quoted } from "../../lib/text/quoted.ts";
import type { CommandNeeds } from "../../policy/rules.ts";
import type { AccessEvent, AccessEventKind } from "../../policy/authorize.ts";
import { type FoundPlace, unknownId } from "./place.ts";

/** Who is asked about, as far as the command line tells. */
export interface NamedUser {
  readonly id?: UserId;
  /** A username or a tag. */
  readonly username?: string;
}

/** An id in any of its forms, or else a name. */
export function parseUser(text: string): NamedUser {
  const written = text.trim();
  const target = parseTarget(written);
  const id = target.kind === "user" ? target.userId : parseSnowflake<"user">(written);
  return id && /^\D|^\d{15,20}$/.test(written) ? { id } : { username: written.replace(/^@/, "") };
}

export interface Hypothetical {
  readonly event: AccessEventKind;
  readonly accountId: AccountId;
  readonly place: FoundPlace;
  readonly user: NamedUser;
  readonly roles: readonly Role[];
  readonly text: string;
  /** It answers a message of the bot's. */
  readonly isReply: boolean;
  /** It mentions the bot, whatever its text. */
  readonly isMention: boolean;
  readonly isBot: boolean;
  /** Of a reaction. */
  readonly on: "own" | "other";
  /** Of a button, a select, a modal or a slash command. */
  readonly needs: CommandNeeds;
}

/** Where the bot's own mention and role come from. */
export interface Known {
  readonly self?: Self;
  readonly guild?: Guild | undefined;
  /** Unix time in milliseconds. */
  readonly now: number;
}

export function toEvent(meant: Hypothetical, known: Known): AccessEvent {
  const { event, place: { place, channelId }, on, needs } = meant;
  const at = { place, channelId, sender: senderOf(meant) };
  switch (event) {
    case "message":
    case "edit":
      return { kind: event, message: messageOf(meant, known) };
    case "reaction":
      return { kind: event, ...at, on };
    case "button":
    case "select":
    case "modal":
    case "slash":
      return { kind: event, ...at, needs };
    case "thread_create":
      return { kind: event, ...at };
  }
}

/** Who has no name here is called by the id, which no entry that is a name can be. */
function senderOf({ user: { id, username = id ?? "" }, roles, isBot }: Hypothetical): Sender {
  const isTag = /#\d{4}$/.test(username);
  return {
    id: id ?? unknownId<"user">(),
    username: isTag ? username.replace(/#\d{4}$/, "") : username,
    ...(isTag && { tag: username }),
    roles,
    ...(isBot && { automaton: "bot" }),
  };
}

function messageOf(meant: Hypothetical, known: Known): InboundMessage {
  const { accountId, place: { place, channelId, guildId }, text } = meant;
  const id = unknownId<"message">();
  const mention = mentionOf(meant, known);
  return {
    kind: "message",
    accountId,
    id,
    revision: meant.event === "edit" ? 1 : 0,
    channelId,
    ...(guildId && { guildId }),
    place,
    sender: senderOf(meant),
    text,
    sentAt: known.now,
    ...(mention && { mention }),
    mentionsOthers: mentionsOthers(text, known),
    extras: [],
  };
}

/** As the gateway's reader finds it in a real one (M2). */
function mentionOf(
  { text, isReply, isMention, isBot }: Hypothetical,
  { self, guild }: Known,
): Mention | undefined {
  const isWritten = self !== undefined &&
    (text.includes(`<@${self.userId}>`) || text.includes(`<@!${self.userId}>`));
  if (isMention || isWritten) return "user";
  if (guild?.ownRole !== undefined && text.includes(`<@&${guild.ownRole}>`)) return "role";
  return isReply && !isBot ? "reply" : undefined;
}

function mentionsOthers(text: string, { self, guild }: Known): boolean {
  const users = Array.from(text.matchAll(/<@!?(\d+)>/g), ([, id]) => id);
  const roles = Array.from(text.matchAll(/<@&(\d+)>/g), ([, id]) => id);
  return users.some((id) => id !== self?.userId) || roles.some((id) => id !== guild?.ownRole);
}

/** Roles by id or by name; a name must be one role's alone (P14). */
export function findRoles(
  written: readonly string[],
  guild: Guild | undefined,
): readonly Role[] | { readonly problem: string } {
  const ids: RoleId[] = [];
  for (const text of written) {
    const digits = /^(?:<@&(\d+)>|(?:role:)?(\d{15,20}))$/.exec(text.trim());
    const id = parseSnowflake<"role">(digits?.[1] ?? digits?.[2] ?? "");
    if (id) {
      ids.push(id);
      continue;
    }
    const name = text.replace(/^role:/, "");
    const named = Array.from(guild?.roles ?? []).filter(([, one]) => one === name);
    const [only, ...others] = named;
    if (!only || others.length > 0) {
      const why = only ? "several roles there have that name" : "no role there has that name";
      return { problem: `${quoted(text)}: ${why}; give its id` };
    }
    ids.push(only[0]);
  }
  return namedRoles(ids, guild);
}
