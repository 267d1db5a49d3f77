/**
 * Reads the rate limits of a response: Discord's headers in, milliseconds out.
 *
 * Barnacle never shortens Discord's times. They count from the moment the response arrived, which
 * is later than Discord's own start, so no request is early by Discord's clock.
 *
 * @module
 */

import { MAX_TIMER_MS } from "../../../lib/clock.ts";
import { isRecord } from "../../../lib/text/json.ts";

/** The limits of one response; times in whole milliseconds from its arrival. */
export interface Limits {
  /** Discord's name of the bucket; routes with the same name share the bucket. */
  readonly bucket?: string;
  /** Requests in one window of the bucket. */
  readonly limit?: number;
  /** How many of them are left, and when the window ends. */
  readonly left?: { readonly requests: number; readonly resetMs: number };
  /** Set on a 429. */
  readonly refused?: {
    /** Whether it refuses all requests of the bot, not only those of the bucket. */
    readonly isGlobal: boolean;
    /** Absent if the response has no duration. */
    readonly retryMs?: number;
  };
}

/**
 * Reads the rate limits of a response.
 *
 * @param body The parsed body; `undefined` if it is not JSON.
 * @see {@link https://docs.discord.com/developers/topics/rate-limits}
 */
export function limitsOf(status: number, headers: Headers, body: unknown): Limits {
  const bucket = headers.get("x-ratelimit-bucket");
  const limit = countOf(headers.get("x-ratelimit-limit"));
  const requests = countOf(headers.get("x-ratelimit-remaining"));
  const resetMs = toMs(headers.get("x-ratelimit-reset-after"));
  return {
    bucket: bucket || undefined,
    limit: limit || undefined,
    left: requests !== undefined && resetMs > 0 ? { requests, resetMs } : undefined,
    refused: status === 429 ? refusalOf(headers, isRecord(body) ? body : {}) : undefined,
  };
}

function refusalOf(
  headers: Headers,
  body: Readonly<Record<string, unknown>>,
): NonNullable<Limits["refused"]> {
  const retryMs = Math.max(toMs(headers.get("retry-after")), toMs(body["retry_after"]));
  return { isGlobal: isGlobal(headers, body), retryMs: retryMs > 0 ? retryMs : undefined };
}

/**
 * Whether a 429 is for the whole bot. A 429 without any field of Discord's comes from Cloudflare in
 * front of it, and Cloudflare limits the whole address.
 */
function isGlobal(headers: Headers, body: Readonly<Record<string, unknown>>): boolean {
  const scope = headers.get("x-ratelimit-scope");
  if (scope === "user" || scope === "shared") return false;
  if (scope === "global" || headers.has("x-ratelimit-global") || body["global"] === true) {
    return true;
  }
  return !headers.has("x-ratelimit-bucket") && body["retry_after"] === undefined;
}

/** Converts Discord's seconds to milliseconds; anything but a positive number is 0. */
function toMs(seconds: unknown): number {
  const value = typeof seconds === "string" && seconds.trim() !== "" ? Number(seconds) : seconds;
  return typeof value === "number" && Number.isFinite(value) && value > 0
    ? Math.min(MAX_TIMER_MS, Math.ceil(value * 1_000))
    : 0;
}

function countOf(text: string | null): number | undefined {
  return text !== null && /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : undefined;
}
