/**
 * Reads the targets of messages: channels and people, as operators and models name them.
 *
 * Targets are ids, and Barnacle never looks up a name: the wrong person with the right name would
 * get the message. It refuses a number alone as well, since the digits do not tell a user from a
 * channel (S4).
 */

import { quoted } from "../../lib/text/quoted.ts";
import {
  type ChannelId,
  type GuildId,
  type MessageId,
  parseSnowflake,
  type UserId,
} from "../discord/ids.ts";

/** A user or a channel to write to. */
export type Target =
  | { readonly kind: "user"; readonly userId: UserId }
  | {
    readonly kind: "channel";
    readonly channelId: ChannelId;
    /** Set only for a link into a guild. */
    readonly guildId?: GuildId;
    /** Set only for a link to a message. */
    readonly messageId?: MessageId;
  };

/** Why a text is no target, and how to write one. */
export interface TargetProblem {
  readonly kind: "problem";
  /** The fault, as a sentence without its end: `'"123" may be a user or a channel'`. */
  readonly problem: string;
  /** The accepted spellings: `'for a direct message "user:123", for a channel "channel:123"'`. */
  readonly hint: string;
}

/** `<@5>`, `<@!5>` and `@5`; `user:5` and `discord:user:5`. */
const USER = /^(?:<@!?(\d+)>|@(\d+)|(?:discord:)?user:\s*(\d+))$/i;
/** `<#5>`; `channel:5` and `discord:channel:5`. */
const CHANNEL = /^(?:<#(\d+)>|(?:discord:)?channel:\s*(\d+))$/i;
/**
 * Links to a channel or a message, in a guild or (as `@me`) in direct messages; with or without the
 * scheme.
 */
const LINK =
  /^<?(?:https?:\/\/)?(?:(?:www|ptb|canary)\.)?discord(?:app)?\.com\/channels\/(@me|\d+)\/(\d+)(?:\/(\d+))?\/?(?:[?#][^\s>]*)?>?$/i;
/** A number without any word that counts. */
const BARE = /^(?:discord:)?\s*(\d+)$/i;

/**
 * Reads a target. The case of its words does not matter.
 *
 * @param text `"user:123"`, `"<@123>"`, `"<@!123>"`, `"@123"`, `"channel:123"`, `"<#123>"`; the
 * first and the fifth also after `"discord:"`; or a link to a channel or a message.
 */
export function parseTarget(text: string): Target | TargetProblem {
  const written = text.trim();
  const user = digitsOf(USER.exec(written));
  if (user !== undefined) {
    const userId = parseSnowflake<"user">(user);
    return userId ? { kind: "user", userId } : noId(user);
  }
  const channel = digitsOf(CHANNEL.exec(written));
  if (channel !== undefined) {
    const channelId = parseSnowflake<"channel">(channel);
    return channelId ? { kind: "channel", channelId } : noId(channel);
  }
  return linkedTarget(written) ?? unknownTarget(written);
}

/**
 * Reads the id of a user.
 *
 * @param text An id, or a target such as `user:123456789012345678`.
 * @returns `undefined` if it is neither.
 */
export function parseUser(text: string): UserId | undefined {
  const target = parseTarget(text);
  return target.kind === "user" ? target.userId : parseSnowflake<"user">(text.trim());
}

function digitsOf(match: RegExpExecArray | null): string | undefined {
  return match?.slice(1).find((group) => group !== undefined);
}

function linkedTarget(written: string): Target | TargetProblem | undefined {
  const [, guild, channel, message] = LINK.exec(written) ?? [];
  if (guild === undefined || channel === undefined) return undefined;
  const channelId = parseSnowflake<"channel">(channel);
  if (!channelId) return noId(channel);
  const guildId = guild === "@me" ? undefined : parseSnowflake<"guild">(guild);
  if (guild !== "@me" && !guildId) return noId(guild);
  const messageId = message === undefined ? undefined : parseSnowflake<"message">(message);
  if (message !== undefined && !messageId) return noId(message);
  return {
    kind: "channel",
    channelId,
    guildId: guildId || undefined,
    messageId: messageId || undefined,
  };
}

function unknownTarget(written: string): TargetProblem {
  const bare = BARE.exec(written)?.[1];
  if (bare !== undefined) {
    return problem(
      `${quoted(written)} may be a user or a channel`,
      `for a direct message "user:${bare}", for a channel "channel:${bare}"`,
    );
  }
  if (written === "") return problem("There is no target", SPELLINGS);
  if (/^<@&/.test(written)) {
    return problem(`${quoted(written)} is a role, and roles get no messages`, SPELLINGS);
  }
  return problem(`${quoted(written)} is not an id, and names are not accepted here`, SPELLINGS);
}

const SPELLINGS =
  'for a direct message "user:<id>", for a channel "channel:<id>"; Discord copies ids in developer mode';

function noId(digits: string): TargetProblem {
  return problem(`${quoted(digits)} is not a Discord id`, SPELLINGS);
}

function problem(text: string, hint: string): TargetProblem {
  return { kind: "problem", problem: text, hint };
}
