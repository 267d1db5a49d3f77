/**
 * Explains to the operator why the bot may not post in a place.
 *
 * Discord's refusal says "Missing Permissions" and no more. The guild's settings tell which
 * permission is missing and which rule denies it: its roles, the channel's overwrites, and the
 * bot's member.
 *
 * It is for rare use: three requests for a channel, one more for a thread. So Barnacle asks once
 * when it parks a channel, never for each message. Trying does not tell: without the permission to
 * read the history, Discord answers with an empty page.
 */

import type { ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import {
  deniedBy,
  inputsOf,
  isPermission,
  isVoice,
  missingRight,
  type Overwrite,
  type Permission,
} from "../../../core/rights/rights.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";
import { RestError } from "../exchange/rest_error.ts";
import {
  createGuildReads,
  createReadGuildPermissions,
  type GuildPermissions,
  isPrivateThread,
  readChannel,
  type ReadGuildPermissions,
} from "../requests/guild_reads.ts";

export interface Denial {
  /** Its name in Discord's settings: `"Send Messages"`. */
  readonly permission: Permission;
  /**
   * `"the role Krill"`, `"@everyone"`, `"the bot itself"`, `"no role grants it"`, `"a timeout"`.
   */
  readonly deniedBy: string;
  /** Without `#`. */
  readonly channelName?: string;
  /** `"cannot post in #ops: Send Messages is denied for the role Krill"` */
  readonly text: string;
}

export interface PostingChannel {
  readonly name: string;
  /** Discord's `ChannelTypes`. */
  readonly type: number;
  readonly overwrites: readonly Overwrite[];
}

export type PostingPlace =
  | { readonly kind: "channel"; readonly channel: PostingChannel }
  | {
    readonly kind: "thread";
    /** Empty if it is unknown. */
    readonly name: string;
    /** Absent if the guild does not list it. */
    readonly parent?: PostingChannel;
    readonly isLocked: boolean;
    /** Whether it is private, and the user is not in it. */
    readonly isOutside?: boolean;
  }
  /** A channel that the bot does not see, a thread in it, or a private thread without the bot. */
  | { readonly kind: "hidden" }
  | { readonly kind: "gone" };

/** Returns the permissions for a message, in the order in which Discord checks them. */
export function neededToPost(
  { hasFiles, isQuote }: { readonly hasFiles: boolean; readonly isQuote: boolean },
): readonly Permission[] {
  return [
    "View Channel",
    "Send Messages",
    ...(hasFiles ? ["Attach Files" as const] : []),
    ...(isQuote ? ["Read Message History" as const] : []),
  ];
}

/**
 * Finds the reason why the bot may not post. The decision is that of `missingRight()`; this function
 * finds the rule behind it.
 *
 * @param needed In order: the result names the first missing permission.
 * @param now Unix time in milliseconds, for a timeout of the bot's member.
 * @returns `undefined` if no permission is missing.
 */
export function findDenial(
  { guild, member }: GuildPermissions,
  place: PostingPlace,
  needed: readonly Permission[],
  now: number,
): Denial | undefined {
  if (!member) {
    return toDenial(
      "View Channel",
      "the bot is not in that server",
      "",
      (where) => `cannot post in ${where}: the bot is not in that server; invite it again`,
    );
  }
  if (place.kind === "gone") {
    return toDenial(
      "View Channel",
      "the channel is gone",
      "",
      (where) => `cannot post in ${where}: it was deleted`,
    );
  }
  if (place.kind === "hidden") {
    return toDenial(
      "View Channel",
      "a channel or a private thread",
      "",
      () =>
        "cannot post there: the bot may not see the channel, or it is a private thread without the bot",
    );
  }
  const { name, overwrites } = place.kind === "channel"
    ? place.channel
    : { name: place.name, overwrites: place.parent?.overwrites ?? [] };
  const thread = place.kind === "thread" &&
    { isLocked: place.isLocked, isPrivate: place.isOutside === true, hasMember: false };
  const needsConnect = place.kind === "channel" && isVoice(place.channel);
  const facts = { overwrites, thread: thread || undefined, isVoice: needsConnect };
  const missing = missingRight(guild, member, facts, needed, now);
  const [permission] = missing && "permissions" in missing ? missing.permissions : [];
  if (permission === undefined) return undefined;

  if (permission === "Manage Threads" && !needed.includes(permission)) {
    if (place.kind === "thread" && place.isOutside) {
      return toDenial(
        "View Channel",
        "the thread is private",
        name,
        (where) => `cannot post in ${where}: the thread is private, and the user is not in it`,
      );
    }
    return toDenial(
      needed.includes("Send Messages") ? "Send Messages in Threads" : permission,
      "the thread is locked",
      name,
      (where) => `cannot post in ${where}: the thread is locked; unlock it`,
    );
  }
  const rule = deniedBy(inputsOf(guild, member), overwrites, permission);
  if (!rule) {
    const until = new Date(member.timedOutUntil ?? now).toISOString();
    return toDenial(
      permission,
      "a timeout",
      name,
      (where) => `cannot post in ${where}: the bot is timed out until ${until}`,
    );
  }
  const act = failedAct(permission);
  if (rule.kind === "no_role") {
    return toDenial(
      permission,
      "no role grants it",
      name,
      (where) => `${act} in ${where}: ${permission} is missing; no role of the bot's grants it`,
    );
  }
  const whose = rule.kind === "everyone"
    ? "@everyone"
    : rule.kind === "member"
    ? "the bot itself"
    : roleNames(guild.roles, rule.ids);
  return toDenial(
    permission,
    whose,
    name,
    (where) => `${act} in ${where}: ${permission} is denied for ${whose}`,
  );
}

function failedAct(permission: Permission): string {
  return permission === "Attach Files" ? "cannot attach files" : "cannot post";
}

function roleNames(roles: GuildPermissions["guild"]["roles"], ids: readonly string[]): string {
  const names = roles.filter(({ id }) => ids.includes(id)).map(({ name }) => cleanName(name));
  return `the role${names.length === 1 ? "" : "s"} ${names.join(" and ")}`;
}

function toDenial(
  permission: Permission,
  rule: string,
  name: string,
  textFor: (where: string) => string,
): Denial {
  const channelName = name === "" ? undefined : cleanName(name);
  return {
    permission,
    deniedBy: rule,
    channelName,
    text: textFor(channelName === undefined ? "that channel" : `#${channelName}`),
  };
}

/** Removes control characters: users choose the names, and the texts go into logs as one line. */
function cleanName(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "").slice(0, MAX_NAME);
}

/** Maximum length in characters; Discord's own limit. */
const MAX_NAME = 100;

/**
 * Explains a refusal without a missing permission by Discord's error code, with a next step.
 *
 * @returns `undefined` for a code that says no more than Discord's own message.
 * @see {@link https://docs.discord.com/developers/topics/opcodes-and-status-codes#json}
 */
export function explainCode(code: number): string | undefined {
  return EXPLANATIONS.get(code);
}

/** Whether a code says that the bot lacks a permission, which the permissions may contradict. */
export function namesPermission(code: number): boolean {
  return code === 50001 || code === 50013;
}

const EXPLANATIONS: ReadonlyMap<number, string> = new Map([
  [10003, "the channel is gone"],
  [10004, "the bot is no longer in that server"],
  [
    20016,
    "the channel has slow mode, and the bot may not bypass it; grant it Manage Messages or Bypass Slowmode",
  ],
  [20026, "Discord has flagged the bot for spam; ask Discord's support"],
  [40003, "the bot opens direct messages too fast; Discord allows it again after a while"],
  [40058, "the author of the post must write its first message before anyone else can"],
  [50001, "the bot may not see the channel"],
  [
    50007,
    "the person accepts no messages from the bot: they have closed their direct messages, blocked " +
    "the bot, or share no server with it",
  ],
  [
    50008,
    "the channel accepts no messages; it is a category, a forum or a voice channel without text",
  ],
  [50009, "the server's verification level prevents the bot from writing there"],
  [50013, "a permission is missing"],
  [50083, "the thread is archived or locked; unlock it"],
  [50278, "the person shares no server with the bot; invite the bot to a server of theirs"],
  [160005, "the thread is locked; unlock it"],
  [160009, "a reply needs Read Message History there"],
  [160010, "a reply or forward cannot show a message of an age-restricted channel there"],
  [200000, "the server's AutoMod has blocked the text"],
  [200001, "the server's AutoMod has blocked a title in it"],
]);

/** A channel, and a user: the bot's own, or a person. */
export interface PermissionQuery {
  readonly channelId: ChannelId;
  /**
   * Absent in direct messages, which have no permissions; there, only Discord's error code tells.
   */
  readonly guildId?: GuildId;
  readonly userId: UserId;
}

/**
 * Creates the search for the missing permission, and the rule that denies it. It finds `undefined` if
 * no permission is missing, or only Discord's error code can tell, and rejects with a `RestError`.
 *
 * @param now Unix time in milliseconds, for timeouts of members.
 */
export function createExplainDenial(api: RestApi, now: Clock["now"]) {
  const readGuildPermissions = createReadGuildPermissions(api);
  const readThread = createReadThread(api);
  return async (
    { channelId, guildId, userId }: PermissionQuery,
    needed: readonly Permission[],
  ): Promise<Denial | undefined> => {
    if (guildId === undefined) return undefined;
    const guild = await readOwnGuild(readGuildPermissions, guildId, userId);
    if (!guild.member) return findDenial(guild, { kind: "gone" }, needed, now());
    const channel = guild.channels.get(channelId);
    const place: PostingPlace = channel
      ? { kind: "channel", channel }
      : await readThread(channelId, guild, userId);
    return findDenial(guild, place, needed, now());
  };
}

/** Reads the guild. If the bot is not in it, that is a result here, not a failure. */
async function readOwnGuild(
  readGuildPermissions: ReadGuildPermissions,
  guildId: GuildId,
  userId: UserId,
): Promise<GuildPermissions> {
  try {
    return await readGuildPermissions(guildId, userId);
  } catch (error) {
    if (!isRefused(error)) throw error;
    return { guild: { guildId, ownerId: userId, roles: [] }, channels: new Map() };
  }
}

function createReadThread(api: RestApi) {
  return async (
    channelId: ChannelId,
    guild: GuildPermissions,
    userId: UserId,
  ): Promise<PostingPlace> => {
    try {
      const found = await readChannel(api, channelId);
      const { name, parentId, thread } = found;
      const parent = parentId && guild.channels.get(parentId);
      const isLocked = thread?.isLocked ?? false;
      const { isInThread } = createGuildReads(api, guild.guild.guildId);
      const isOutside = isPrivateThread(found) && !await isInThread(channelId, userId);
      return { kind: "thread", name, parent, isLocked, isOutside };
    } catch (error) {
      if (!isRefused(error)) throw error;
      return { kind: error.kind === "not_found" ? "gone" : "hidden" };
    }
  };
}

/** Whether the refusal comes from Discord, and not from a proxy. */
function isRefused(error: unknown): error is RestError {
  return error instanceof RestError && error.code !== undefined &&
    (error.kind === "forbidden" || error.kind === "not_found");
}

/** The permissions for reading a channel's history, most basic first. */
const NEEDED_TO_READ = [
  "View Channel",
  "Read Message History",
] as const satisfies readonly Permission[];

/**
 * Creates the check whether a user may read the history of a place. Only then does an empty page mean
 * that the channel has no messages. It rejects with a `RestError`.
 */
export function createCanReadHistory(api: RestApi) {
  const explain = createExplainDenial(api, () => 0); // a member in timeout can still read
  return async (place: PermissionQuery) => await explain(place, NEEDED_TO_READ) === undefined;
}

/**
 * Finds the first permission that a user lacks in a place; `undefined` if none, and in direct
 * messages, which have no permissions.
 *
 * @param needed By Discord's names. One that Barnacle does not know counts as missing.
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export type FindMissingPermission = (
  place: PermissionQuery,
  needed: readonly string[],
) => Promise<string | undefined>;

export function createMissingPermission(api: RestApi, now: Clock["now"]): FindMissingPermission {
  const explain = createExplainDenial(api, now);
  return async (place, needed) => {
    if (place.guildId === undefined) return undefined;
    const unknown = needed.find((permission) => !isPermission(permission));
    if (unknown !== undefined) return unknown;
    return (await explain(place, needed.filter(isPermission)))?.permission;
  };
}

/**
 * Creates the reading of the permissions of all channels of a guild at once. It finds a function from a
 * channel to its missing permissions: none, or the most basic one. For a thread, the caller passes
 * its parent. It rejects with a `RestError`.
 */
export function createMissingReadPermissions(api: RestApi, options: RequestOptions = {}) {
  const readGuildPermissions = createReadGuildPermissions(api, options);
  return async (guildId: GuildId, userId: UserId) => {
    const { guild, member, channels } = await readGuildPermissions(guildId, userId);
    return (channelId: ChannelId): readonly Permission[] => {
      const channel = channels.get(channelId);
      if (!channel) return ["View Channel"]; // Discord does not list hidden channels
      const { overwrites } = channel; // a member in timeout can still read
      const missing = missingRight(guild, member, { overwrites }, NEEDED_TO_READ, 0);
      if (missing?.kind === "not_member") return ["View Channel"];
      return missing && "permissions" in missing ? missing.permissions : [];
    };
  };
}
