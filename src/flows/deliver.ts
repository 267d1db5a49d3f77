/**
 * The head of a channel's outbox: to Discord, once.
 *
 * A process can die between any two lines of this file. The intent is stored
 * before the request leaves, so whoever comes after knows that Discord may hold
 * the message, and the nonce in the row makes asking again harmless for as long
 * as Discord remembers it.
 *
 * @module
 */

import type { MessageId } from "../core/ids.ts";
import { NONCE_SAFE_MS } from "../core/nonce.ts";
import type { OutboundMessage, OutboxRow, PostOutcome } from "../core/outbound.ts";

/** What this flow needs of the outside world; each method of a store is one transaction. */
export interface DeliverPorts {
  readonly outbox: {
    /** T4. Resolves to `false` if the row is settled: the gateway's echo can be first. */
    markSending(row: OutboxRow, now: number): Promise<boolean>;
    /** T5, with the message's id unless it is gone. Resolves to `false` if the echo was first. */
    markSent(row: OutboxRow, messageId?: MessageId): Promise<boolean>;
    /** Takes T4 back: the row is as it was when it was read. */
    markRefused(row: OutboxRow, reason: string): Promise<void>;
  };
  /**
   * @param notAfter Unix time in milliseconds after which the request must not leave any more:
   * Discord may have forgotten the nonce of an earlier attempt.
   */
  readonly post: (message: OutboundMessage, notAfter: number) => Promise<PostOutcome>;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** By how much a clock may be set back and still be believed, in milliseconds. */
const CLOCK_SLACK_MS = 5_000;

/**
 * What became of a row. An `unanswered` one may be delivered again until it is
 * `stale`; then only the channel's history can tell.
 */
export type Delivery =
  /** `wasEchoed` where the gateway's echo has settled the row before Discord's answer came. */
  | (PostOutcome & { readonly wasEchoed?: true })
  | { readonly kind: "settled" | "stale" };

/** Sends one frozen message. The caller keeps the order, one row of a channel at a time. */
export async function deliver(row: OutboxRow, ports: DeliverPorts): Promise<Delivery> {
  const now = ports.now();
  const firstAttemptAt = row.firstAttemptAt ?? now;
  const notAfter = firstAttemptAt + NONCE_SAFE_MS;
  // A clock that was set back, as a Pi's is at boot, cannot tell how long ago an attempt was.
  const isBeforeItself = now < firstAttemptAt - CLOCK_SLACK_MS;
  if (now >= notAfter || isBeforeItself) return { kind: "stale" };
  if (!await ports.outbox.markSending(row, now)) return { kind: "settled" };

  const outcome = await ports.post(row.message, notAfter);
  switch (outcome.kind) {
    case "created":
      if (await ports.outbox.markSent(row, outcome.messageId)) break;
      return { ...outcome, wasEchoed: true };
    case "already_gone": // delivered, then deleted: to send it again would undo a moderator
      if (await ports.outbox.markSent(row)) break;
      return { ...outcome, wasEchoed: true };
    case "refused":
    case "unsent":
      await ports.outbox.markRefused(row, outcome.reason);
      break;
    case "unanswered": // the row stays as T4 left it
      break;
  }
  return outcome;
}
