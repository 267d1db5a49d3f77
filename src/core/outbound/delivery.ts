/**
 * Decides the next step for the first message of a channel's queue, and the effect of its result.
 *
 * Both decisions get the time as an argument and send nothing, so that tests can try every row of
 * the crash table. The first: whether to send, or to read the channel's history before. The second:
 * whether the channel goes on, waits, parks or gives up.
 */

import { retryDelayMs, type RetryRules } from "../../lib/network/backoff.ts";
import { DAY_MS } from "../../lib/clock.ts";
import type { MessageId } from "../discord/ids.ts";
import type { OutboxRow, PostOutcome } from "./outbound.ts";
import { type Failures, isStuckAlone, mayBeOfPlace } from "./refusals.ts";
import { CLOCK_SLACK_MS, type Unread } from "./posted.ts";

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
  | {
    readonly kind: "dead" | "uncertain";
    readonly reason: string;
  };

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

export function isOverdue({ failingSince }: OutboxRow, now: number): boolean {
  return failingSince !== undefined && now - failingSince >= DAY_MS;
}

/**
 * The delay after a number of failures: first the fast retries of the config, then twice as long
 * each time, up to five minutes.
 *
 * @returns Milliseconds.
 */
export function retryWaitMs(
  { failed, random, retry }: Pick<AttemptFacts, "failed" | "random" | "retry">,
): number {
  const { attempts, minDelayMs, maxDelayMs, jitter } = retry;
  if (failed < attempts) return retryDelayMs(failed, random, retry);
  const lastMs = Math.min(maxDelayMs, minDelayMs * 2 ** (attempts - 1));
  return retryDelayMs(failed - attempts + 1, random, {
    minDelayMs: Math.max(MIN_SLOW_WAIT_MS, lastMs),
    maxDelayMs: MAX_WAIT_MS,
    jitter,
  });
}

/** The reason for a retry after this result. Returns `undefined` if no retry is needed. */
export function retryReasonOf(
  delivery: Delivery,
): ("429" | "5xx" | "timeout" | "network") | undefined {
  switch (delivery.kind) {
    case "unsent":
      return "network";
    case "unanswered":
      if (/\bfailed with 5\d\d\b/.test(delivery.reason)) return "5xx";
      return /\bnothing within\b/.test(delivery.reason) ? "timeout" : "network";
    case "refused":
      return delivery.why === "rate_limited" ? "429" : undefined;
    default:
      return undefined;
  }
}
