/**
 * Why the bot may not post somewhere, in words for whoever can change it.
 *
 * Discord's refusal says "Missing Permissions" and no more. What is missing,
 * and who takes it away, is in the guild's settings: of roles, of the channel's
 * overwrites, of the bot itself. So one look at them names both.
 *
 * @module
 */

import type { GuildLook, LookedChannel } from "./guild_look.ts";
import { deniedBy, mayEverything, type Permission } from "./permissions.ts";

/** What a request needed; in a thread, to send is a permission of its own. */
export type NeededPermission =
  | "View Channel"
  | "Send Messages"
  | "Attach Files"
  | "Read Message History";

/** What is in the way. */
export interface Denial {
  /** As Discord's settings call it: `"Send Messages"`. */
  readonly permission: Permission;
  /** `"the role Krill"`, `"@everyone"`, `"the bot itself"`, `"no role grants it"`, `"a timeout"`. */
  readonly by: string;
  /** Without `#`. */
  readonly channelName?: string;
  /** `"cannot post in #ops: Send Messages is denied for the role Krill"` */
  readonly words: string;
}

/** Where the bot was about to post. */
export type LookedPlace =
  | { readonly kind: "channel"; readonly channel: LookedChannel }
  | {
    readonly kind: "thread";
    readonly name?: string;
    /** Absent where the guild does not list it. */
    readonly parent?: LookedChannel;
    readonly isLocked: boolean;
  }
  /** A thread in a channel that the bot does not see, or a private one that it is not in. */
  | { readonly kind: "hidden_thread" }
  | { readonly kind: "gone" };

/** What a message takes, in the order in which Discord asks for it. */
export function neededToPost(
  { hasFiles, isQuote }: { readonly hasFiles: boolean; readonly isQuote: boolean },
): readonly NeededPermission[] {
  return [
    "View Channel",
    "Send Messages",
    ...(hasFiles ? ["Attach Files" as const] : []),
    ...(isQuote ? ["Read Message History" as const] : []),
  ];
}

/**
 * Explains what keeps the bot from posting.
 *
 * @param needed In the order in which they are named: the first that is missing is told.
 * @param now Unix time in milliseconds, for a timeout.
 * @returns `undefined` where nothing does.
 */
export function denialIn(
  look: GuildLook,
  place: LookedPlace,
  needed: readonly NeededPermission[],
  now: number,
): Denial | undefined {
  if (!look.member) {
    return said(
      "View Channel",
      "the bot is not in that server",
      undefined,
      (where) => `cannot post in ${where}: the bot is not in that server; invite it again`,
    );
  }
  switch (place.kind) {
    case "gone":
      return said(
        "View Channel",
        "the channel is gone",
        undefined,
        (where) => `cannot post in ${where}: it was deleted`,
      );
    case "hidden_thread":
      return said(
        "View Channel",
        "a channel or a private thread",
        undefined,
        () =>
          "cannot post in a thread: the bot may not see its channel, or the thread is private and " +
          "the bot is not in it",
      );
    case "channel":
      return missingIn(look, place.channel, place.channel.name, needed, now);
    case "thread":
      return missingIn(look, place.parent, place.name, needed.map(inThread), now) ??
        lockOf(look, place, needed);
  }
}

function inThread(permission: NeededPermission): Permission {
  return permission === "Send Messages" ? "Send Messages in Threads" : permission;
}

/** A locked thread can be read; to write in it takes a permission of its own. */
function lockOf(
  { standing }: GuildLook,
  { isLocked, name, parent }: Extract<LookedPlace, { readonly kind: "thread" }>,
  needed: readonly NeededPermission[],
): Denial | undefined {
  if (!isLocked || !needed.includes("Send Messages")) return undefined;
  if (!deniedBy(standing, parent?.overwrites ?? [], "Manage Threads")) return undefined;
  return said(
    "Send Messages in Threads",
    "the thread is locked",
    name,
    (where) => `cannot post in ${where}: the thread is locked; unlock it`,
  );
}

/** A member that is timed out may look and read back, and nothing else. */
const LEFT_BY_TIMEOUT: ReadonlySet<Permission> = new Set([
  "View Channel",
  "Read Message History",
]);

function missingIn(
  { member, standing }: GuildLook,
  channel: LookedChannel | undefined,
  name: string | undefined,
  needed: readonly Permission[],
  now: number,
): Denial | undefined {
  if (mayEverything(standing)) return undefined;
  const isTimedOut = (member?.timedOutUntil ?? 0) > now;
  for (const permission of needed) {
    const denied = deniedBy(standing, channel?.overwrites ?? [], permission);
    if (denied?.kind === "no_role") {
      return said(
        permission,
        "no role grants it",
        name,
        (where) =>
          `cannot post in ${where}: ${permission} is missing; no role of the bot's grants it`,
      );
    }
    if (denied) {
      const by = denied.kind === "everyone"
        ? "@everyone"
        : denied.kind === "member"
        ? "the bot itself"
        : rolesInWords(standing.roles, denied.ids);
      return said(
        permission,
        by,
        name,
        (where) => `cannot post in ${where}: ${permission} is denied for ${by}`,
      );
    }
    if (isTimedOut && !LEFT_BY_TIMEOUT.has(permission)) {
      const until = new Date(member?.timedOutUntil ?? now).toISOString();
      return said(
        permission,
        "a timeout",
        name,
        (where) => `cannot post in ${where}: the bot is timed out until ${until}`,
      );
    }
  }
  return undefined;
}

function rolesInWords(
  roles: GuildLook["standing"]["roles"],
  ids: readonly string[],
): string {
  const names = roles.filter(({ id }) => ids.includes(id)).map(({ name }) => named(name));
  return `the role${names.length === 1 ? "" : "s"} ${names.join(" and ")}`;
}

function said(
  permission: Permission,
  by: string,
  name: string | undefined,
  words: (where: string) => string,
): Denial {
  const channelName = name === undefined ? undefined : named(name);
  return {
    permission,
    by,
    ...(channelName !== undefined && { channelName }),
    words: words(channelName === undefined ? "that channel" : `#${channelName}`),
  };
}

/** Names are other people's text, and these words go into logs: on one line they stay. */
function named(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "").slice(0, MAX_NAME);
}

/** Characters; Discord's own limit. */
const MAX_NAME = 100;

/**
 * What Discord's code says of a refusal that no permission explains, in words with a next step.
 *
 * @returns `undefined` of a code that says no more than Discord's own sentence.
 * @see {@link https://docs.discord.com/developers/topics/opcodes-and-status-codes#json}
 */
export function wordsOfCode(code: number): string | undefined {
  return WORDS.get(code);
}

const WORDS: ReadonlyMap<number, string> = new Map([
  [10003, "the channel is gone"],
  [10004, "the bot is no longer in that server"],
  [
    20016,
    "the channel has slow mode, and the bot may not pass it; grant it Manage Messages or Bypass Slowmode",
  ],
  [20026, "Discord has flagged the bot for spam; ask Discord's support"],
  [40003, "the bot opens direct messages too fast; Discord lets it again after a while"],
  [40058, "the author of the post must write its first message before anybody else can"],
  [50001, "the bot may not see the channel"],
  [
    50007,
    "the person takes no messages from the bot: they have closed their direct messages, blocked " +
    "the bot, or share no server with it",
  ],
  [
    50008,
    "the channel takes no messages; it is a category, a forum or a voice channel without text",
  ],
  [50009, "the server's verification level keeps the bot from writing there"],
  [50013, "a permission is missing"],
  [50083, "the thread is archived or locked; unlock it"],
  [50278, "the person shares no server with the bot; invite the bot where both are"],
  [160005, "the thread is locked; unlock it"],
  [200000, "the server's AutoMod has blocked the text"],
  [200001, "the server's AutoMod has blocked a title in it"],
]);
