/**
 * What stands in a channel, and whether it is a message that we wanted there.
 *
 * A nonce is good for some minutes and comes back by no request: what was sent
 * an hour ago can only be known by what it says. Times here are Discord's, out of
 * the ids, wherever they can be, since the clock of a small box may be wrong.
 *
 * @module
 */

import type { Refusal } from "../errors.ts";
import { createdAtMs, type MessageId, type UserId } from "../discord/ids.ts";
import type { OutboundMessage, OutboxRow } from "./outbound.ts";

/** A message as Discord has it. */
export interface Posted {
  readonly id: MessageId;
  readonly authorId: UserId;
  readonly content: string;
  /** The message that it quotes; absent where that is gone, too. */
  readonly quote?: MessageId;
  /** Bytes of each file, in their order: Discord writes their names anew, but not what is in them. */
  readonly fileSizes: readonly number[];
}

/** Part of a channel's history, newest first. */
export interface PostedPage {
  readonly kind: "page";
  readonly messages: readonly Posted[];
  /** Absent of an empty page. */
  readonly oldest?: MessageId;
  /** Whether the channel begins here; nobody can tell it from a history that is not shown. */
  readonly isLast: boolean;
}

/** The channel cannot be read, now or ever. */
export interface Unread {
  readonly kind: "unread";
  /** `unreachable`: no answer, or one that blames Discord. */
  readonly why: Refusal | "unreachable";
  readonly reason: string;
  /** Discord's own code. */
  readonly code?: number;
  /** Milliseconds that Discord asks to wait, of `rate_limited`, where it says so. */
  readonly retryAfterMs?: number;
}

/** By how much a clock may be set back and still be believed, in milliseconds. */
export const CLOCK_SLACK_MS = 5_000;

/** By how much our clock may differ from Discord's, at most, in milliseconds. */
const SKEW_MS = 10 * 60_000;

/** How far back a channel must be read until a message can be called absent. */
export interface Reach {
  /** Unix time in milliseconds by Discord's clock: the message is not older. */
  readonly from: number;
  /** The same by our own clock, which is to be believed only where `from` is out of reach. */
  readonly orFrom: number;
}

/**
 * An answer is younger than what it answers, by Discord's own clock. Our time of
 * the first attempt is the second choice, and none where the clock has been set
 * back since.
 *
 * @param now Unix time in milliseconds.
 */
export function reachOf({ message, firstAttemptAt }: OutboxRow, now: number): Reach {
  const isBelievable = firstAttemptAt !== undefined && now >= firstAttemptAt - CLOCK_SLACK_MS;
  const orFrom = isBelievable ? firstAttemptAt - SKEW_MS : -Infinity;
  return { from: message.of ? createdAtMs(message.of.cause) : orFrom, orFrom };
}

/**
 * Whether a message is this one, for all that Discord shows of it.
 *
 * Discord trims what it stores, ends lines in its own way, and drops the quote
 * of a message that is gone. A draft may have grown since it was posted, and
 * then only its beginning is what was sent.
 *
 * @param fileSizes Of the files that go with `message`.
 */
export function isSame(
  message: OutboundMessage,
  fileSizes: readonly number[],
  posted: Posted,
): boolean {
  const [sent, there] = [sameText(message.content), sameText(posted.content)];
  const stem = message.of?.kind === "draft" ? stemOf(sent) : "";
  const isText = stem === "" ? there === sent : there.startsWith(stem);
  return isText &&
    (posted.quote === undefined || posted.quote === message.quote) &&
    fileSizes.length === posted.fileSizes.length &&
    fileSizes.every((size, at) => size === posted.fileSizes[at]);
}

/** A draft without the mark that more is to come, and without what may close a code block in it. */
function stemOf(draft: string): string {
  return draft.replace(/[\s`~…]+$/, "");
}

function sameText(text: string): string {
  return text.replaceAll("\r\n", "\n").trim();
}
