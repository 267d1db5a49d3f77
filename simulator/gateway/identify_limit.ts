/**
 * Limits how often a bot may begin a session: by day, and by five seconds.
 *
 * Discord counts in windows of 24 hours that begin with the first IDENTIFY, and reports these. The
 * simulator enforces a stricter rule: no 24 hours at all may hold more. So it detects a bot that
 * relies on the start of a window.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#session-start-limit-object}
 */

import type { Account } from "./accounts.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Discord's `session_start_limit`. */
export interface IdentifyLimit {
  /** IDENTIFYs in 24 hours; one more resets the token. */
  readonly total: number;
  /** Milliseconds between two IDENTIFYs; Discord's are 5,000. */
  readonly spacingMs: number;
}

/** The remaining IDENTIFYs in `GET /gateway/bot`; `reset_after` in milliseconds. */
export function sessionStartLimit(
  { identifies }: { readonly identifies: readonly number[] },
  { total }: IdentifyLimit,
  now: number,
): Readonly<Record<string, number>> {
  let beganAt = -Infinity;
  let spent = 0;
  for (const at of identifies) {
    if (at >= beganAt + DAY_MS) {
      beganAt = at;
      spent = 0;
    }
    spent += 1;
  }
  const isOpen = now < beganAt + DAY_MS;
  return {
    total,
    remaining: isOpen ? Math.max(0, total - spent) : total,
    reset_after: isOpen ? beganAt + DAY_MS - now : 0,
    max_concurrency: 1,
  };
}

/** Counts an IDENTIFY, and returns whether it exceeds the day's limit or comes too early. */
export function spendIdentify(
  account: Pick<Account, "identifies" | "earlyIdentifies">,
  { total, spacingMs }: IdentifyLimit,
  now: number,
): "spent" | "exhausted" | "too_soon" {
  const { identifies } = account;
  const today = identifies.filter((at) => now - at < DAY_MS).length;
  const isEarly = now - (identifies.at(-1) ?? -Infinity) < spacingMs;
  identifies.push(now);
  if (today >= total) return "exhausted";
  if (!isEarly) return "spent";
  account.earlyIdentifies += 1;
  return "too_soon";
}
