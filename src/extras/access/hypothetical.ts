/** Builds the event that the options of `barnacle access test` describe. */

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
import type { CommandNeeds } from "../../policy/rules/rules.ts";
import type { AccessEvent, AccessEventKind } from "../../policy/authorize.ts";
import { type FoundPlace, unknownId } from "../../cli/verdict/place.ts";

/** The sender, as far as the command line names it. */
export interface NamedUser {
  /** Absent if the command line names the user by name. */
  readonly id?: UserId;
  /** A username or a tag. */
  readonly username?: string;
}

/** Reads an id in any of its forms, or else a name. */
export function parseUser(text: string): NamedUser {
  const trimmed = text.trim();
  const target = parseTarget(trimmed);
  const id = target.kind === "user" ? target.userId : parseSnowflake<"user">(trimmed);
  return id && /^\D|^\d{15,20}$/.test(trimmed) ? { id } : { username: trimmed.replace(/^@/, "") };
}

export interface Hypothetical {
  readonly event: AccessEventKind;
  readonly accountId: AccountId;
  readonly place: FoundPlace;
  readonly user: NamedUser;
  readonly roles: readonly Role[];
  readonly text: string;
  readonly isReply: boolean;
  /** Whether it mentions the bot, apart from its text. */
  readonly isMention: boolean;
  readonly isBot: boolean;
  /** For a reaction: the author of the message. */
  readonly on: "own" | "other";
  /** For a button, select, modal or slash command: the right that it needs. */
  readonly needs: CommandNeeds;
}

/** Facts about the bot and the guild, by which mentions are recognized. */
interface HypotheticalFacts {
  /** The bot's own user; absent before its first connection. */
  readonly self?: Self;
  /** The guild of the place. */
  readonly guild?: Guild;
  readonly now: number;
}

export function toEvent(meant: Hypothetical, known: HypotheticalFacts): AccessEvent {
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
    case "speech":
      return { kind: event, ...at };
  }
}

/** A sender without a name gets the id as a name, which matches no entry that is a name. */
function senderOf({ user: { id, username = id ?? "" }, roles, isBot }: Hypothetical): Sender {
  const isTag = /#\d{4}$/.test(username);
  return {
    id: id ?? unknownId<"user">(),
    username: isTag ? username.replace(/#\d{4}$/, "") : username,
    tag: isTag ? username : undefined,
    roles,
    automaton: isBot ? "bot" : undefined,
  };
}

function messageOf(meant: Hypothetical, known: HypotheticalFacts): InboundMessage {
  const { accountId, place: { place, channelId, guildId }, text } = meant;
  const id = unknownId<"message">();
  const mention = mentionOf(meant, known);
  return {
    kind: "message",
    accountId,
    id,
    revision: meant.event === "edit" ? 1 : 0,
    channelId,
    guildId: guildId || undefined,
    place,
    sender: senderOf(meant),
    text,
    sentAt: known.now,
    mention,
    mentionsOthers: mentionsOthers(text, known),
    extras: [],
  };
}

/** The mention that the gateway's reader would find in a real message (M2). */
function mentionOf(
  { text, isReply, isMention, isBot }: Hypothetical,
  { self, guild }: HypotheticalFacts,
): Mention | undefined {
  const isWritten = self !== undefined &&
    (text.includes(`<@${self.userId}>`) || text.includes(`<@!${self.userId}>`));
  if (isMention || isWritten) return "user";
  if (guild?.ownRole !== undefined && text.includes(`<@&${guild.ownRole}>`)) return "role";
  return isReply && !isBot ? "reply" : undefined;
}

function mentionsOthers(text: string, { self, guild }: HypotheticalFacts): boolean {
  const users = Array.from(text.matchAll(/<@!?(\d+)>/g), ([, id]) => id);
  const roles = Array.from(text.matchAll(/<@&(\d+)>/g), ([, id]) => id);
  return users.some((id) => id !== self?.userId) || roles.some((id) => id !== guild?.ownRole);
}

/** Finds roles by id or by name; a name must belong to one role only (P14). */
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
    const named = Array.from(guild?.roles ?? []).filter(([, roleName]) => roleName === name);
    const [only, ...others] = named;
    if (!only || others.length > 0) {
      const why = only ? "several roles have this name" : "no role has this name";
      return { problem: `${quoted(text)}: ${why}; use an id` };
    }
    ids.push(only[0]);
  }
  return namedRoles(ids, guild);
}
