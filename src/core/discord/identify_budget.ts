/**
 * How many more times the bot may identify.
 *
 * Discord allows 1,000 in 24 hours over all shards and processes of a token, and
 * resets the token of whoever sends more. What is counted is in the store, so
 * that no crash loop can spend it; what follows from the count is decided here.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#session-start-limit-object}
 * @module
 */

import { DAY_MS } from "./day.ts";

/** What Discord said of the limit, in `/gateway/bot`. */
export interface SessionStartLimit {
  readonly total: number;
  readonly remaining: number;
  /** Milliseconds until `remaining` is `total` again, from {@link readAt} on. */
  readonly resetAfterMs: number;
  /** IDENTIFYs in five seconds, one for each `shardId % maxConcurrency`. */
  readonly maxConcurrency: number;
  /** Unix time in milliseconds. */
  readonly readAt: number;
}

/** One IDENTIFY that was allowed. */
export interface Identify {
  readonly shardId: number;
  /** Unix time in milliseconds. */
  readonly at: number;
}

export interface IdentifyRecord {
  /** Of the last 24 hours at least, oldest first. */
  readonly identifies: readonly Identify[];
  /** As Discord said last; absent before it did. */
  readonly limit?: SessionStartLimit;
}

export interface IdentifyBudget {
  /** IDENTIFYs left, by our count or by Discord's, whichever is less. */
  readonly left: number;
  /** Unix time in milliseconds until which the bot holds back; absent while it need not. */
  readonly heldUntil?: number;
}

export type IdentifyAnswer =
  | { readonly kind: "granted" }
  /** Not before `untilMs`, Unix time in milliseconds. */
  | { readonly kind: "wait"; readonly untilMs: number; readonly why: "budget" | "spacing" };

/** What is left for a person to put things right with. */
export const RESERVE = 50;

/** Few enough to be worth a warning. */
export const LOW = 500;

const DEFAULT_TOTAL = 1_000;

/**
 * Milliseconds between two IDENTIFYs of one rate limit key. Discord takes one in five seconds, by
 * when they arrive; what is counted here has still to be written to the disk, and then sent.
 */
export const SPACING_MS = 6_000;

/** @param now Unix time in milliseconds. */
export function identifyBudget(record: IdentifyRecord, now: number): IdentifyBudget {
  const bounds = [ownBound(record, now), discordBound(record, now)];
  const left = Math.max(0, Math.min(...bounds.map((bound) => bound.left)));
  const heldUntil = Math.max(...bounds.map((bound) => bound.heldUntil ?? -Infinity));
  return { left, ...(heldUntil > now && { heldUntil }) };
}

/**
 * Whether a shard may identify now. Whoever is told so has it recorded first.
 *
 * @param now Unix time in milliseconds.
 */
export function askIdentify(record: IdentifyRecord, shardId: number, now: number): IdentifyAnswer {
  const { heldUntil } = identifyBudget(record, now);
  if (heldUntil !== undefined) return { kind: "wait", untilMs: heldUntil, why: "budget" };
  const key = keyOf(shardId, record.limit);
  // A clock that was set back leaves records in the future; they space nothing.
  const last = record.identifies.findLast((one) =>
    one.at <= now && keyOf(one.shardId, record.limit) === key
  );
  const untilMs = last ? last.at + SPACING_MS : now;
  return untilMs > now ? { kind: "wait", untilMs, why: "spacing" } : { kind: "granted" };
}

/** Our own count of the last 24 hours; it holds even where Discord was never asked. */
function ownBound({ identifies, limit }: IdentifyRecord, now: number): IdentifyBudget {
  const total = limit?.total ?? DEFAULT_TOTAL;
  const since = identifies.filter(({ at }) => at > now - DAY_MS);
  const left = total - since.length;
  const allowed = Math.max(1, total - RESERVE);
  // The reserve is free again once so many of the oldest are a day old. What a clock that was set
  // back has left in the future happened by now.
  const oldest = since[since.length - allowed];
  return oldest ? { left, heldUntil: Math.min(oldest.at, now) + DAY_MS } : { left };
}

/** Discord's count, which knows of other processes too, less what we sent since it was read. */
function discordBound({ identifies, limit }: IdentifyRecord, now: number): IdentifyBudget {
  if (!limit) return { left: Infinity };
  const readAt = Math.min(limit.readAt, now);
  const resetAt = readAt + limit.resetAfterMs;
  if (now >= resetAt) return { left: Infinity };
  const left = limit.remaining - identifies.filter(({ at }) => at >= readAt).length;
  return left > RESERVE ? { left } : { left, heldUntil: resetAt };
}

function keyOf(shardId: number, limit: SessionStartLimit | undefined): number {
  return shardId % Math.max(1, limit?.maxConcurrency ?? 1);
}
