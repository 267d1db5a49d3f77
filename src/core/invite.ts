/**
 * Makes the link by which the owner of a guild invites the bot, with the fewest permissions that
 * suffice (SEC-R34).
 *
 * @see {@link https://docs.discord.com/developers/topics/oauth2#bot-authorization-flow}
 * @see {@link https://docs.discord.com/developers/topics/permissions}
 */

import type { ToolGate } from "./tool_names.ts";
import { type ApplicationId, parseSnowflake } from "./discord/ids.ts";
import { type Permission, PERMISSIONS } from "./rights/rights.ts";

export interface InvitePermission {
  /** Name in Discord's settings: `"Send Messages"`. */
  readonly permission: Permission;
  /** The bot's reason to need it, as the end of a sentence: `"to answer …"`. */
  readonly why: string;
  /**
   * When the link asks for it: always, for emojis of other guilds, for voice channels, or if one of
   * these tool gates is open.
   */
  readonly asked: "always" | "externalEmoji" | "voice" | readonly ToolGate[];
}

/** The optional permissions of a link; the basic link has none of them. */
export interface InviteOptions {
  /** Tool gates whose permissions the link asks for. */
  readonly gates?: readonly ToolGate[];
  /** Whether the link asks for emojis and stickers of other guilds. */
  readonly externalEmoji?: boolean;
  /** Whether the config has `voice`. */
  readonly voice?: boolean;
}

/**
 * All permissions that a link can ask for, in the order in which to show them. Gates without a line
 * need none of their own. Manage Roles also lets a bot change overwrites of channels, but only its
 * own gate asks for it, because it is closed by default.
 */
export const INVITE_PERMISSIONS: readonly InvitePermission[] = [
  { permission: "View Channel", why: "to receive messages", asked: "always" },
  { permission: "Send Messages", why: "to answer, and to show that it is typing", asked: "always" },
  { permission: "Send Messages in Threads", why: "to answer in threads", asked: "always" },
  { permission: "Create Public Threads", why: "to open a thread for an answer", asked: "always" },
  {
    permission: "Read Message History",
    why: "to send replies, to use recent messages as context, and to catch up",
    asked: "always",
  },
  { permission: "Embed Links", why: "to show previews of links in answers", asked: "always" },
  { permission: "Attach Files", why: "to send long answers as a file", asked: "always" },
  {
    permission: "Add Reactions",
    why: "to show by a reaction that it works on an answer",
    asked: "always",
  },
  {
    permission: "Use External Emojis",
    why: "to use emojis of other servers",
    asked: "externalEmoji",
  },
  {
    permission: "Use External Stickers",
    why: "to send stickers of other servers",
    asked: "externalEmoji",
  },
  { permission: "Connect", why: "to join voice channels", asked: "voice" },
  { permission: "Speak", why: "to speak there", asked: "voice" },
  { permission: "Manage Messages", why: "to delete others' messages", asked: ["messages"] },
  { permission: "Pin Messages", why: "to pin and unpin messages", asked: ["pins"] },
  { permission: "Create Polls", why: "to send polls", asked: ["polls"] },
  {
    permission: "Create Expressions",
    why: "to upload emojis and stickers",
    asked: ["emojiUploads", "stickerUploads"],
  },
  { permission: "Create Events", why: "to create events", asked: ["events"] },
  { permission: "Manage Channels", why: "to create and change channels", asked: ["channels"] },
  {
    permission: "Manage Threads",
    why: "to change, close and delete threads, and to give moderated tags",
    asked: ["threads", "channels"],
  },
  { permission: "Manage Roles", why: "to give and take roles", asked: ["roles"] },
  { permission: "Timeout Members", why: "to time members out", asked: ["moderation"] },
  { permission: "Kick Members", why: "to remove members", asked: ["moderation"] },
  { permission: "Ban Members", why: "to ban members", asked: ["moderation"] },
];

/** `applications.commands` is for slash commands; it grants nothing in a guild. */
const SCOPES = "bot applications.commands";

export function permissionsToAsk(
  { gates = [], externalEmoji = false, voice = false }: InviteOptions = {},
): readonly InvitePermission[] {
  return INVITE_PERMISSIONS.filter(({ asked }) => {
    if (asked === "always") return true;
    if (asked === "externalEmoji") return externalEmoji;
    if (asked === "voice") return voice;
    return asked.some((gate) => gates.includes(gate));
  });
}

/** The name of a permission in Discord's dialogue, which has one of its own for View Channel. */
export function dialogueName(permission: Permission): string {
  return permission === "View Channel" ? "View Channels" : permission;
}

/** The bit set of a link's permissions as a decimal number, as Discord's URLs take it. */
export function invitePermissions(options?: InviteOptions): string {
  return permissionsToAsk(options)
    .reduce((bits, { permission }) => bits | PERMISSIONS[permission], 0n).toString();
}

export function inviteUrl(applicationId: ApplicationId, options?: InviteOptions): string {
  const url = new URL("https://discord.com/oauth2/authorize");
  url.searchParams.set("client_id", applicationId);
  url.searchParams.set("scope", SCOPES);
  url.searchParams.set("permissions", invitePermissions(options));
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
