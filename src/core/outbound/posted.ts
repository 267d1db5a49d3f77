/**
 * Compares the messages in a channel with a message that we wanted to post.
 *
 * Discord knows a nonce only for some minutes, and no request returns it. After an hour, only its
 * content identifies a message. Times here are Discord's, read from ids, wherever possible, because
 * the clock of a small box may be wrong.
 */

import type { OutboundMessage, OutboxRow, Refusal } from "./outbound.ts";
import { createdAtMs, type MessageId, type UserId } from "../discord/ids.ts";
import { isProgressLine, PROGRESS_MARK } from "./draft.ts";

export interface Posted {
  readonly id: MessageId;
  readonly authorId: UserId;
  /** Text of the message, as Discord stored it. */
  readonly content: string;
  /** Id of the quoted message; absent if there is none, or if it is deleted. */
  readonly quote?: MessageId;
  /** Bytes of each file, in their order. Discord changes file names, but not contents. */
  readonly fileSizes: readonly number[];
}

/** A part of a channel's history, newest first. */
export interface PostedPage {
  readonly kind: "page";
  /** Messages, newest first; may be empty. */
  readonly messages: readonly Posted[];
  /** Id of the oldest message of the page, to continue from; absent for an empty page. */
  readonly oldest?: MessageId;
  /** Whether the channel begins here, or Discord shows no older history. The two look the same. */
  readonly isLast: boolean;
}

/** A failure to read the channel's history. */
export interface Unread {
  readonly kind: "unread";
  /** `unreachable`: no response, or a server error. */
  readonly why: Refusal | "unreachable";
  /** The failure in words, for log and operator. */
  readonly reason: string;
  /** Discord's error code; absent if it sent none. */
  readonly code?: number;
  /** Milliseconds that Discord asks to wait, for `rate_limited`; absent if it does not ask. */
  readonly retryAfterMs?: number;
}

/** Milliseconds that a clock may be set back without losing trust. */
export const CLOCK_SLACK_MS = 5_000;

/** Largest difference between our clock and Discord's, in milliseconds. */
const SKEW_MS = 10 * 60_000;

/** How far back to read a channel before a message counts as absent. */
export interface EarliestTime {
  /** Unix time in milliseconds by Discord's clock: the message is not older. */
  readonly from: number;
  /** The same by our own clock; counts only if `from` is out of reach. */
  readonly orFrom: number;
}

/**
 * Finds the earliest time of a message.
 *
 * An answer is younger than the message that it answers, by Discord's own clock. Our time of the
 * first attempt is the second choice, unless the clock has been set back since.
 */
export function earliestTimeOf({ message, firstAttemptAt }: OutboxRow, now: number): EarliestTime {
  const isBelievable = firstAttemptAt !== undefined && now >= firstAttemptAt - CLOCK_SLACK_MS;
  const orFrom = isBelievable ? firstAttemptAt - SKEW_MS : -Infinity;
  return { from: message.of ? createdAtMs(message.of.cause) : orFrom, orFrom };
}

/**
 * Whether a posted message is this one, as far as Discord shows.
 *
 * Discord trims texts, changes line ends, and drops the quote of a deleted message. A draft may
 * have grown since it was posted, so only its beginning must match. Of a progress line, only the mark
 * stays.
 *
 * @param fileSizes Bytes of each file that goes with `message`.
 */
export function isSame(
  message: OutboundMessage,
  fileSizes: readonly number[],
  posted: Posted,
): boolean {
  const [sent, there] = [sameText(message.content), sameText(posted.content)];
  const isDraft = message.of?.kind === "draft";
  const stem = !isDraft ? "" : isProgressLine(message) ? PROGRESS_MARK : stemOf(sent);
  const isText = stem === "" ? there === sent : there.startsWith(stem);
  return isText &&
    (posted.quote === undefined || posted.quote === message.quote) &&
    fileSizes.length === posted.fileSizes.length &&
    fileSizes.every((size, at) => size === posted.fileSizes[at]);
}

/** A draft without its mark, and without characters that may close a code block in it. */
function stemOf(draft: string): string {
  return draft.replace(/[\s`~…]+$/, "");
}

function sameText(text: string): string {
  return text.replaceAll("\r\n", "\n").trim();
}
