/**
 * Decides the next step for the first message of a channel's queue, and the effect of its result.
 *
 * Both decisions get the time as an argument and send nothing, so that tests can try every row of
 * the crash table. The first: whether to send, or to read the channel's history before. The second:
 * whether the channel goes on, waits, parks or gives up.
 *
 * A place that refuses everything parks its channel, and a person must change something there. A
 * message that Discord refuses for itself must not hold up the messages behind it. The same holds
 * for a message that Discord answers with a server error each time. During an outage of Discord, on
 * the other hand, Barnacle sets no message aside: all of them would fail.
 *
 * Discord knows a nonce only for some minutes, and no request returns it. After an hour, only its
 * content identifies a message. Times here are Discord's, read from ids, wherever possible, because
 * the clock of a small box may be wrong.
 */

import { DAY_MS } from "../../lib/clock.ts";
import { retryDelayMs, type RetryRules } from "../../lib/network/backoff.ts";
import { createdAtMs, type MessageId, type UserId } from "../discord/ids.ts";
import { isProgressLine, PROGRESS_MARK } from "./outbound.ts";
import type { OutboundMessage, OutboxRow, PostOutcome, Refusal } from "./outbound.ts";

/**
 * The bot's missing permission in the place of a refusal.
 *
 * - `files`: only Attach Files
 * - `other`: one without which the place takes no message
 * - `none`: the bot has all that the message needs
 * - `unknown`: Discord does not tell, or the place has no permissions, as direct messages
 */
export type MissingHere = "files" | "other" | "none" | "unknown";

export type RefusalSubject = "place" | "message" | "files";
/**
 * Codes of a 400 for a refusal by the place and not by the message: an archived thread, a locked one.
 */
const PLACES_IN_400: ReadonlySet<number> = new Set([50083, 160005]);

/**
 * Codes that name the place, so that no permission needs to be missing: an unknown guild, a bot that Discord has flagged, direct messages opened too fast, a verification level, and a
 * person without a common server.
 */
const PLACES: ReadonlySet<number> = new Set([...PLACES_IN_400, 10004, 20026, 40003, 50009, 50278]);

/** The code of a person who accepts no direct messages of the bot. */
export const CLOSED_DIRECT = 50007;

/** The code of a channel that is gone. */
const GONE = 10003;

/** Codes that name the words: blocked by AutoMod, by a filter of links or of explicit content. */
const WORDS: ReadonlySet<number> = new Set([20009, 200000, 200001, 240000]);

/** Whether a code ends the message: it would be refused again, or it is too late once it is not. */
export function namesMessage(code: number | undefined): boolean {
  return code === CLOSED_DIRECT || code === GONE || code !== undefined && WORDS.has(code);
}

/** Whether the place takes other words, as far as a code tells; absent: Discord sent none. */
export function takesOthers(code: number | undefined): boolean {
  return code !== CLOSED_DIRECT && code !== GONE;
}

/**
 * Whether the place may be what refuses, rather than the message alone.
 *
 * @param refusal `code` is Discord's error code; absent if it sent none.
 */
function mayBeOfPlace(
  { why, code }: { readonly why: Refusal; readonly code?: number | undefined },
): boolean {
  if (why === "rejected") return code !== undefined && PLACES_IN_400.has(code);
  return why === "forbidden" || why === "not_found";
}

/**
 * Decides what a refusal is about, once the bot's permissions in the place were looked up.
 *
 * @param refusal `code`: Discord's error code; absent if it sent none. `fileCount`: files of the message.
 */
export function subjectOf(
  { code, fileCount }: { readonly code?: number | undefined; readonly fileCount: number },
  missing: MissingHere,
): RefusalSubject {
  if (code !== undefined && PLACES.has(code)) return "place";
  if (namesMessage(code)) return "message";
  switch (missing) {
    case "files":
    case "none": // without its files, the message may be accepted
      return fileCount > 0 ? "files" : "message";
    case "other":
    case "unknown":
      return "place";
  }
}

/** Failed attempts in a row at one message. */
export interface Failures {
  /** Number of failed attempts. */
  readonly failed: number;
  /**
   * Number of the last failed attempts before each of which Discord served another request to the
   * channel.
   */
  readonly served: number;
}

/** Failures after which a message is set aside. */
const FAILED = 10;
/** Time over which a message must have failed, in milliseconds. */
const FAILING_MS = 10 * 60_000;
/**
 * Number of the last failures that other requests must surround. At the end of an outage, one
 * request may succeed just before another one fails.
 */
const SERVED = 3;

/**
 * Counts one more failure.
 *
 * @param wasServed Whether Discord has served another request to the channel since the last one.
 */
export function failedAgain(before: Failures | undefined, wasServed: boolean): Failures {
  return { failed: (before?.failed ?? 0) + 1, served: wasServed ? (before?.served ?? 0) + 1 : 0 };
}

/** Whether a message alone fails, so that the rest of its channel should go on without it. */
function isStuckAlone(
  { failingSince }: OutboxRow,
  { failed, served }: Failures,
  now: number,
): boolean {
  return failed >= FAILED && served >= SERVED && failingSince !== undefined &&
    now - failingSince >= FAILING_MS;
}

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
const CLOCK_SLACK_MS = 5_000;

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

export type Delivery =
  /** `wasEchoed`: the gateway's echo settled the row before Discord's answer arrived. */
  | (PostOutcome & { readonly wasEchoed?: true })
  /** The echo arrived first: Barnacle sent no request. */
  | { readonly kind: "settled" }
  /** The row removes a draft that was never posted: no request is needed. */
  | { readonly kind: "nothing" }
  | { readonly kind: "found"; readonly messageId: MessageId; readonly wasEchoed?: true }
  /** The channel's history shows that Discord does not have it: Barnacle sends it again. */
  | { readonly kind: "absent" }
  /** Barnacle cannot find out whether Discord has it. */
  | { readonly kind: "uncertain"; readonly reason: string }
  /** Barnacle could not read the channel's history. */
  | Unread;

/** The next request for a row. */
export type DeliveryStep =
  /**
   * Send the message, unless it is `notAfter` or later: Unix time in milliseconds from which on
   * Discord may not know the nonce.
   */
  | { readonly kind: "post"; readonly notAfter: number }
  | { readonly kind: "edit" | "delete"; readonly messageId: MessageId }
  /** Read the channel's history, to find out whether the message is there. */
  | { readonly kind: "look" }
  | { readonly kind: "nothing" };

/** How long Barnacle may rely on a nonce. */
interface NonceRules {
  /** Milliseconds after the first attempt for which Discord surely knows the nonce. */
  readonly nonceWindowMs: number;
  /**
   * Unix time in milliseconds at which the machine started. A Pi's clock stands still while it is
   * off, and goes on from there. So an attempt before the start may be older than it seems.
   */
  readonly bootedAt: () => number;
}

/**
 * Decides the next request for a row. Edits and deletions may be repeated at any time. A message
 * may be, as long as Discord surely remembers its nonce.
 */
export function stepFor(
  { action, firstAttemptAt }: OutboxRow,
  now: number,
  { nonceWindowMs, bootedAt }: NonceRules,
): DeliveryStep {
  if (action.kind !== "post") return action;
  const since = firstAttemptAt ?? now;
  const notAfter = since + nonceWindowMs;
  // A clock that was set back cannot tell how long ago an attempt was.
  const isBeforeItself = now < since - CLOCK_SLACK_MS;
  const isUntold = isBeforeItself || (firstAttemptAt !== undefined && since < bootedAt());
  return now >= notAfter || isUntold ? { kind: "look" } : { kind: "post", notAfter };
}

/** Facts for the decision after an attempt, beside the row and the result. */
export interface AttemptFacts extends Failures {
  readonly now: number;
  /** A random number from 0 up to, but not including, 1. */
  readonly random: number;
  readonly retry: RetryRules;
  /** As in {@link NonceRules}, in milliseconds. */
  readonly nonceWindowMs: number;
}

/** The effect on the channel. `dead` and `uncertain` end the row; `on` goes to the next one. */
export type Next =
  | { readonly kind: "on" }
  /**
   * Try the row again after `waitMs` milliseconds. `reason`: why this attempt failed. `isAttempt`:
   * this failure slows down further retries.
   */
  | {
    readonly kind: "again";
    readonly waitMs: number;
    readonly reason: string;
    readonly isAttempt: boolean;
  }
  /**
   * Find out whether the place refuses all messages, and then send nothing there until a person
   * changes that. `code` is Discord's error code. `end`: the row's end if the row alone is refused.
   */
  | {
    readonly kind: "park";
    readonly reason: string;
    readonly code?: number;
    readonly end: "dead" | "uncertain";
  }
  /** Send the row without its files, because Discord refuses these. */
  | { readonly kind: "without_files"; readonly reason: string }
  | { readonly kind: "dead" | "uncertain"; readonly reason: string };

/** Longest delay between two attempts, in milliseconds (D5). */
const MAX_WAIT_MS = 300_000;

/** Shortest first delay of the slow retries, in milliseconds, even if the config asks for less. */
const MIN_SLOW_WAIT_MS = 1_000;

/**
 * Decides the effect of an attempt.
 *
 * The day of D5 counts only once the fast retries have failed, too. So a clock that jumps forward,
 * as a Pi's does once its network is up, costs no message.
 */
export function afterDelivery(row: OutboxRow, delivery: Delivery, facts: AttemptFacts): Next {
  switch (delivery.kind) {
    case "created":
    case "already_gone":
    case "settled":
    case "nothing":
    case "found":
    case "absent":
      return { kind: "on" };
    case "uncertain":
      return delivery;
    case "unanswered":
      return keepFailing(row, delivery.reason, facts, true);
    case "unsent":
      return keepFailing(row, delivery.reason, facts);
    case "unread":
      return delivery.why === "unreachable"
        ? keepFailing(row, delivery.reason, facts)
        : refused(row, { ...delivery, why: delivery.why }, facts, "uncertain");
    case "refused":
      return refused(row, delivery, facts, "dead");
  }
}

type Refused = Omit<Extract<PostOutcome, { readonly kind: "refused" }>, "kind">;

/** @param end End of the row if the request itself is wrong. */
function refused(
  row: OutboxRow,
  { why, reason, code, retryAfterMs = 0, isTooLarge }: Refused,
  facts: AttemptFacts,
  end: "dead" | "uncertain",
): Next {
  if (isTooLarge && row.fileCount > 0) return { kind: "without_files", reason };
  switch (why) {
    case "rate_limited":
      return retryAfterMs > 0
        ? { kind: "again", waitMs: retryAfterMs, reason, isAttempt: false }
        : keepFailing(row, reason, facts);
    case "unauthorized": // concerns the bot and not the row, which stays as it is
      return { kind: "again", waitMs: retryWaitMs(facts), reason, isAttempt: true };
    case "forbidden":
    case "not_found":
    case "rejected":
      if (code === 40058) return keepFailing(row, reason, facts); // a post gets its first message soon
      if (!mayBeOfPlace({ why, code })) return { kind: end, reason };
      if (isOverdue(row, facts.now)) return givenUp(row, reason);
      return { kind: "park", reason, end, code };
  }
}

/** @param mayBeThere Whether Discord may have carried out this attempt. */
function keepFailing(
  row: OutboxRow,
  reason: string,
  facts: AttemptFacts,
  mayBeThere = false,
): Next {
  const isTried = facts.failed >= facts.retry.attempts;
  if (isTried && isOverdue(row, facts.now)) return givenUp(row, reason, mayBeThere);
  if (isStuckAlone(row, facts, facts.now)) {
    return givenUp(row, setAsideText(facts, reason), mayBeThere);
  }
  const waitMs = retryWaitMs(facts);
  // While Discord knows the nonce of the first attempt, Barnacle retries a few more times: the
  // window is short. After a look into the history, each attempt would begin a new one.
  const { failingSince = facts.now } = row;
  const isShort = mayBeThere && row.action.kind === "post" &&
    facts.now - failingSince < facts.nonceWindowMs;
  return {
    kind: "again",
    waitMs: isShort ? Math.min(waitMs, facts.nonceWindowMs / 4) : waitMs,
    reason,
    isAttempt: true,
  };
}

function setAsideText({ failed }: AttemptFacts, reason: string): string {
  return `set aside after ${failed} failed attempts, because other requests to the channel ` +
    `succeeded: ${reason}`;
}

/**
 * The end of a row without success. If Discord may have the message, Barnacle does not report it as
 * lost.
 */
function givenUp(
  { action, firstAttemptAt }: OutboxRow,
  reason: string,
  mayBeThere = false,
): Extract<Next, { readonly kind: "dead" | "uncertain" }> {
  const isOpen = action.kind === "post" && (mayBeThere || firstAttemptAt !== undefined);
  return { kind: isOpen ? "uncertain" : "dead", reason };
}

function isOverdue({ failingSince }: OutboxRow, now: number): boolean {
  return failingSince !== undefined && now - failingSince >= DAY_MS;
}

/**
 * The delay after a number of failures: first the fast retries of the config, then twice as long
 * each time, up to five minutes.
 *
 * @returns Milliseconds.
 */
export function retryWaitMs({ failed, random, retry }: AttemptFacts): number {
  const { attempts, minDelayMs, maxDelayMs, jitter } = retry;
  if (failed < attempts) return retryDelayMs(failed, random, retry);
  const lastMs = Math.min(maxDelayMs, minDelayMs * 2 ** (attempts - 1));
  return retryDelayMs(failed - attempts + 1, random, {
    minDelayMs: Math.max(MIN_SLOW_WAIT_MS, lastMs),
    maxDelayMs: MAX_WAIT_MS,
    jitter,
  });
}
