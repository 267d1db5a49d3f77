/**
 * What an answer says of the limits: Discord's headers in, milliseconds out.
 *
 * Discord's word is taken as it is and never cut short. It counts from the
 * moment the answer arrived, which is later than Discord's own, so that no
 * request is ever early by Discord's clock.
 *
 * @module
 */

import { MAX_TIMER_MS } from "../../../lib/schedule.ts";
import { isRecord } from "../../../lib/record.ts";

/** What one answer says; times in whole milliseconds from its arrival. */
export interface Limits {
  /** Discord's name of the bucket: routes that share it have the same. */
  readonly bucket?: string;
  /** Requests in one window of the bucket. */
  readonly limit?: number;
  /** How many of them are left, and when the window ends. */
  readonly left?: { readonly requests: number; readonly resetMs: number };
  /** Set on a 429. */
  readonly refused?: {
    readonly isForAll: boolean;
    /** Absent where nobody says how long. */
    readonly retryMs?: number;
  };
}

/**
 * Reads what an answer says of the limits.
 *
 * @param body The parsed body; `undefined` where it is no JSON.
 * @see {@link https://docs.discord.com/developers/topics/rate-limits}
 */
export function limitsOf(status: number, headers: Headers, body: unknown): Limits {
  const bucket = headers.get("x-ratelimit-bucket");
  const limit = countOf(headers.get("x-ratelimit-limit"));
  const requests = countOf(headers.get("x-ratelimit-remaining"));
  const resetMs = toMs(headers.get("x-ratelimit-reset-after"));
  return {
    ...(bucket && { bucket }),
    ...(limit && { limit }),
    ...(requests !== undefined && resetMs > 0 && { left: { requests, resetMs } }),
    ...(status === 429 && { refused: refusalOf(headers, isRecord(body) ? body : {}) }),
  };
}

function refusalOf(
  headers: Headers,
  said: Readonly<Record<string, unknown>>,
): NonNullable<Limits["refused"]> {
  const retryMs = Math.max(toMs(headers.get("retry-after")), toMs(said["retry_after"]));
  return { isForAll: isForAll(headers, said), ...(retryMs > 0 && { retryMs }) };
}

/**
 * Whether a 429 is for the whole bot. One without any word of Discord's comes
 * from Cloudflare in front of it, and Cloudflare means the address.
 */
function isForAll(headers: Headers, said: Readonly<Record<string, unknown>>): boolean {
  const scope = headers.get("x-ratelimit-scope");
  if (scope === "user" || scope === "shared") return false;
  if (scope === "global" || headers.has("x-ratelimit-global") || said["global"] === true) {
    return true;
  }
  return !headers.has("x-ratelimit-bucket") && said["retry_after"] === undefined;
}

/** Seconds, as Discord writes them; anything that is no positive number is no wait. */
function toMs(seconds: unknown): number {
  const value = typeof seconds === "string" && seconds.trim() !== "" ? Number(seconds) : seconds;
  return typeof value === "number" && Number.isFinite(value) && value > 0
    ? Math.min(MAX_TIMER_MS, Math.ceil(value * 1_000))
    : 0;
}

function countOf(text: string | null): number | undefined {
  return text !== null && /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : undefined;
}
