/**
 * Makes the link by which the owner of a guild invites the bot, with the fewest permissions that
 * this version needs (SEC-R34).
 *
 * @see {@link https://docs.discord.com/developers/topics/oauth2#bot-authorization-flow}
 * @module
 */

import { type ApplicationId, parseSnowflake } from "./ids.ts";

/** A permission that the bot asks for. */
export interface InvitePermission {
  /** Name in Discord's dialogue: `"Send Messages"`. */
  readonly name: string;
  /** Index of its bit in Discord's bit set, from 0. */
  readonly bit: number;
  /** What the bot needs it for, as the end of a sentence: `"to answer …"`. */
  readonly why: string;
}

/** This version uses each of them. A change that uses another one adds it here. */
export const INVITE_PERMISSIONS: readonly InvitePermission[] = [
  { name: "View Channels", bit: 10, why: "to receive messages" },
  { name: "Send Messages", bit: 11, why: "to answer, and to show that it is typing" },
  {
    name: "Read Message History",
    bit: 16,
    why: "to send replies, to use recent messages as context, and to catch up",
  },
  { name: "Send Messages in Threads", bit: 38, why: "to answer in threads" },
];

/** `applications.commands` is for slash commands; it grants nothing in a guild. */
const SCOPES = "bot applications.commands";

/** The bit set of all permissions as a decimal number, as Discord's URLs take it. */
export function invitePermissions(): string {
  return INVITE_PERMISSIONS.reduce((bits, { bit }) => bits | 1n << BigInt(bit), 0n).toString();
}

/**
 * The link's URL.
 *
 * @param applicationId Application of the bot to invite.
 */
export function inviteUrl(applicationId: ApplicationId): string {
  const url = new URL("https://discord.com/oauth2/authorize");
  url.searchParams.set("client_id", applicationId);
  url.searchParams.set("scope", SCOPES);
  url.searchParams.set("permissions", invitePermissions());
  return url.href;
}

/**
 * Reads the bot's id out of its token, which begins with it in base64. For bots made since 2016,
 * the application has the same id.
 *
 * @returns `undefined` if the text is no bot token.
 */
export function applicationIdIn(token: string): ApplicationId | undefined {
  const [first = "", ...rest] = token.split(".");
  if (rest.length !== 2 || !/^[\w-]+$/.test(first)) return undefined;
  try {
    return parseSnowflake<"application">(atob(first.replace(/-/g, "+").replace(/_/g, "/")));
  } catch {
    return undefined; // no base64
  }
}
