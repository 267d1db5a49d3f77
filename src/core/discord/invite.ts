/**
 * The link by which the owner of a guild invites the bot, with the least that
 * this version needs (SEC-R34).
 *
 * @see {@link https://docs.discord.com/developers/topics/oauth2#bot-authorization-flow}
 * @module
 */

import { type ApplicationId, parseSnowflake } from "./ids.ts";

/** A permission that the bot asks for, and what becomes of it without. */
export interface InvitePermission {
  /** As Discord's dialogue names it. */
  readonly name: string;
  /** Its place in Discord's bit set. */
  readonly bit: number;
  readonly why: string;
}

/** Each of them is used by code of this version; whoever adds a use adds it here. */
export const INVITE_PERMISSIONS: readonly InvitePermission[] = [
  { name: "View Channels", bit: 10, why: "to hear what is said at all" },
  { name: "Send Messages", bit: 11, why: "to answer, and to show that it is typing" },
  {
    name: "Read Message History",
    bit: 16,
    why: "to answer as a reply, to know what was said before, and to read what it missed",
  },
  { name: "Send Messages in Threads", bit: 38, why: "to answer where the question is in a thread" },
];

/** `applications.commands` is for what is typed after a slash; it grants nothing in a guild. */
const SCOPES = "bot applications.commands";

/** The permissions as the decimal number that Discord counts in. */
export function invitePermissions(): string {
  return INVITE_PERMISSIONS.reduce((bits, { bit }) => bits | 1n << BigInt(bit), 0n).toString();
}

export function inviteUrl(applicationId: ApplicationId): string {
  const url = new URL("https://discord.com/oauth2/authorize");
  url.searchParams.set("client_id", applicationId);
  url.searchParams.set("scope", SCOPES);
  url.searchParams.set("permissions", invitePermissions());
  return url.href;
}

/**
 * Reads the bot's id out of its token, which begins with it in base64. It is the
 * application's as well, but for bots made before 2016.
 *
 * @returns `undefined` where the text is no bot token.
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
