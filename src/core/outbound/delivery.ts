/**
 * What is to be done with the head of a channel's outbox, and what comes after it.
 *
 * Two decisions without a clock or a wire of their own, so that every row of the
 * crash table can be tried: whether to ask Discord or to look first, and, of each
 * way in which that can end, whether the lane goes on, waits, parks or gives up.
 *
 * @module
 */

import { retryDelayMs, type RetryRules } from "../../lib/network/backoff.ts";
import { DAY_MS } from "../discord/day.ts";
import type { Refusal } from "../errors.ts";
import type { MessageId } from "../discord/ids.ts";
import type { OutboxRow, PostOutcome } from "./outbound.ts";
import { CLOCK_SLACK_MS, type Unread } from "./posted.ts";

/** What became of a row when it was its turn. */
export type Delivery =
  /** `wasEchoed` where the gateway's echo has settled the row before Discord's answer came. */
  | (PostOutcome & { readonly wasEchoed?: true })
  /** The echo was first: nothing was asked. */
  | { readonly kind: "settled" }
  /** It takes away a draft that never came to be. */
  | { readonly kind: "nothing" }
  /** The channel's history has it. */
  | { readonly kind: "found"; readonly messageId: MessageId; readonly wasEchoed?: true }
  /** Discord does not have it, as its history shows: it is sent again. */
  | { readonly kind: "absent" }
  /** Nobody can tell whether Discord has it. */
  | { readonly kind: "uncertain"; readonly reason: string }
  /** The history was asked for, and did not come. */
  | Unread;

export type Step =
  /** @param notAfter Unix time in milliseconds from which on Discord may not know the nonce. */
  | { readonly kind: "post"; readonly notAfter: number }
  | { readonly kind: "edit" | "delete"; readonly messageId: MessageId }
  /** Into the channel, whether it is there. */
  | { readonly kind: "look" }
  | { readonly kind: "nothing" };

/** How far a nonce is to be relied on. */
export interface NonceRules {
  /** How long after the first attempt, in milliseconds. */
  readonly nonceWindowMs: number;
  /**
   * Unix time in milliseconds at which the machine was switched on. A Pi has no clock that goes on
   * while it is off: it goes on from where it stopped, and so what was tried before may be old.
   */
  readonly bootedAt: number;
}

/**
 * Decides what to do with a row. An edit and a deletion may be repeated at any
 * time; a message may be, for as long as its nonce is sure to be remembered.
 *
 * @param now Unix time in milliseconds.
 */
export function stepFor(
  { action, firstAttemptAt }: OutboxRow,
  now: number,
  { nonceWindowMs, bootedAt }: NonceRules,
): Step {
  if (action.kind !== "post") return action;
  const since = firstAttemptAt ?? now;
  const notAfter = since + nonceWindowMs;
  // A clock that was set back cannot tell how long ago an attempt was.
  const isBeforeItself = now < since - CLOCK_SLACK_MS;
  const isUntold = isBeforeItself || since < bootedAt;
  return now >= notAfter || isUntold ? { kind: "look" } : { kind: "post", notAfter };
}

/** What the decision after an attempt needs beside the row and its end. */
export interface AttemptFacts {
  /** Attempts of this channel in a row that failed, this one included. */
  readonly failed: number;
  /** Unix time in milliseconds. */
  readonly now: number;
  /** From 0 up to, but not including, 1. */
  readonly random: number;
  /** `channels.discord.retry` (D5): the quick pace. */
  readonly retry: RetryRules;
  readonly nonceWindowMs: number;
}

export type Next =
  | { readonly kind: "on" }
  /** @param isAttempt Whether what comes after it is slower for this one. */
  | { readonly kind: "again"; readonly waitMs: number; readonly isAttempt: boolean }
  /** The channel takes nothing from us until somebody changes that. */
  | { readonly kind: "park"; readonly reason: string; readonly code?: number }
  | { readonly kind: "dead" | "uncertain"; readonly reason: string };

/** The longest wait between two attempts, in milliseconds (D5). */
const MAX_WAIT_MS = 300_000;

/** The first of the slow waits is no shorter, whatever the config says, in milliseconds. */
const MIN_SLOW_WAIT_MS = 1_000;

/**
 * Refusals that are of the place and not of the message, though Discord's status does not say so:
 * a person who takes no messages, an archived thread, a locked one.
 */
const CODES_OF_PLACES: ReadonlySet<number> = new Set([50007, 50083, 160005]);

/**
 * Decides what comes after an attempt.
 *
 * The day of D5 is judged only once the quick attempts have failed, too: a clock
 * that jumps forward, as a Pi's does when its network is up, costs no message.
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
      return failing(row, delivery.reason, facts, true);
    case "unsent":
      return failing(row, delivery.reason, facts);
    case "unread":
      return delivery.why === "unreachable"
        ? failing(row, delivery.reason, facts)
        : refused(row, { ...delivery, why: delivery.why }, facts, "uncertain");
    case "refused":
      return refused(row, delivery, facts, "dead");
  }
}

interface Refused {
  readonly why: Refusal;
  readonly reason: string;
  readonly code?: number;
  readonly retryAfterMs?: number;
}

/** @param end What a request that is wrong in itself makes of the row. */
function refused(
  row: OutboxRow,
  { why, reason, code, retryAfterMs = 0 }: Refused,
  facts: AttemptFacts,
  end: "dead" | "uncertain",
): Next {
  switch (why) {
    case "rate_limited":
      return retryAfterMs > 0
        ? { kind: "again", waitMs: retryAfterMs, isAttempt: false }
        : failing(row, reason, facts);
    case "unauthorized": // of the bot and not of the row, which stays as it is
      return { kind: "again", waitMs: retryWaitMs(facts), isAttempt: true };
    case "forbidden":
    case "not_found":
    case "rejected":
      if (!isOfPlace({ why, code })) return { kind: end, reason };
      if (isOverdue(row, facts.now)) return givenUp(row, reason);
      return { kind: "park", reason, ...(code !== undefined && { code }) };
  }
}

/** Whether it is the place that takes nothing, and not the message that is wrong. */
export function isOfPlace(
  { why, code }: { readonly why: Refusal; readonly code?: number | undefined },
): boolean {
  if (why === "rejected") return code !== undefined && CODES_OF_PLACES.has(code);
  return why === "forbidden" || why === "not_found";
}

/** @param mayBeThere Whether Discord may have carried out this attempt. */
function failing(
  row: OutboxRow,
  reason: string,
  facts: AttemptFacts,
  mayBeThere = false,
): Next {
  const isTried = facts.failed >= facts.retry.attempts;
  if (isTried && isOverdue(row, facts.now)) return givenUp(row, reason, mayBeThere);
  const waitMs = retryWaitMs(facts);
  // While its nonce is good, a message is asked for again some times more: the window is short.
  const isShort = mayBeThere && row.action.kind === "post";
  return {
    kind: "again",
    waitMs: isShort ? Math.min(waitMs, facts.nonceWindowMs / 4) : waitMs,
    isAttempt: true,
  };
}

/** A message that Discord may have all the same is not told to be lost. */
function givenUp(
  { action, firstAttemptAt }: OutboxRow,
  reason: string,
  mayBeThere = false,
): Next {
  const isOpen = action.kind === "post" && (mayBeThere || firstAttemptAt !== undefined);
  return { kind: isOpen ? "uncertain" : "dead", reason };
}

/**
 * Whether a row has failed for a day.
 *
 * @param now Unix time in milliseconds.
 */
export function isOverdue({ failingSince }: OutboxRow, now: number): boolean {
  return failingSince !== undefined && now - failingSince >= DAY_MS;
}

/**
 * The wait after so many failures: at the pace of the config for its attempts,
 * then twice as long each time, up to five minutes.
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

/** Why Discord had to be asked again, in the words of `/metrics`. */
export type RetryReason = "429" | "5xx" | "timeout" | "network";

/** @returns `undefined` where it need not be. */
export function retryReasonOf(delivery: Delivery): RetryReason | undefined {
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
