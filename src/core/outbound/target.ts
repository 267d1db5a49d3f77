/**
 * Where messages go: targets, as a person or a model writes them (S4), and threads that answers
 * open (S7).
 *
 * Barnacle accepts only ids and never looks up a name: the wrong person with the right name would
 * get the message. It refuses a number alone as well, since the digits do not tell a user from a
 * channel.
 */

import { quoted } from "../../lib/text/quoted.ts";
import {
  type ChannelId,
  type GuildId,
  type MessageId,
  parseSnowflake,
  type UserId,
} from "../discord/ids.ts";
import type { InboundMessage } from "../inbound/inbound.ts";
import { isAtDiscord } from "../inbound/origin.ts";

/** `threads` of a guild or channel. */
export interface ThreadRules {
  /** Answers that open a thread: none, those to mentions, or all. */
  readonly auto: "off" | "mention" | "all";
  /** The source of the title: the words of the message, or a request to the model. */
  readonly title: "words" | "model";
  /** Minutes without a message until Discord archives the thread. */
  readonly archiveAfterMin: number;
}

/** The rules of a place without `threads`. */
export const NO_THREADS: ThreadRules = { auto: "off", title: "words", archiveAfterMin: 1_440 };

export interface AnswerThread {
  /** Discord gives it the id of the message on which it is opened. */
  readonly threadId: ChannelId;
  readonly channelId: ChannelId;
  readonly askerId: UserId;
  /** The agent that answers the message, as its inbox row says; absent if there is none. */
  readonly agentId?: string;
  /** Title as first asked for, so that a crash asks no model again. */
  readonly title: string;
  /**
   * - `opening`: Discord may have it.
   * - `open`: Discord has it.
   * - `refused`: Discord did not permit it; the answer is in the channel.
   */
  readonly state: "opening" | "open" | "refused";
}

/**
 * The id of the thread that starts from a message.
 *
 * @throws {RangeError} If the message's id is none of Discord's.
 */
export function threadIdOf(messageId: MessageId): ChannelId {
  const id = parseSnowflake<"channel">(messageId);
  if (!id) throw new RangeError(`Cannot name the thread of message ${messageId}: it has no id`);
  return id;
}

/** Whether Discord permits a thread on a message: in a channel of a guild, outside of threads. */
export function canStartThread(message: Pick<InboundMessage, "place" | "origin">): boolean {
  const { place } = message;
  if (!isAtDiscord(message)) return false;
  return place.kind === "guild" && !place.thread && !place.isUnknown;
}

/** The message as if it stood in its thread: its answer goes there. */
export function inThread(
  message: InboundMessage,
  { threadId, title }: AnswerThread,
): InboundMessage {
  const { place } = message;
  if (place.kind !== "guild") return message;
  return {
    ...message,
    channelId: threadId,
    place: { ...place, thread: { id: threadId, name: title } },
  };
}

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
