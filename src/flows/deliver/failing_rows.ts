/**
 * Keeps the failed attempts of each channel's first row, and reports why it waits and until when
 * (D5).
 *
 * A message that waits must have a visible reason. So the store gets the reason and the time of the
 * next attempt after each failure. The log gets one line when the fast retries are over, and not
 * one for each attempt.
 *
 * @module
 */

import { failedAgain, type Failures } from "../../core/outbound/refusals.ts";
import type { ChannelId } from "../../core/discord/ids.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";
import type { Log } from "../../lib/log.ts";
import type { Outbox } from "../../core/store/outbox.ts";

/** Everything that failing rows need from outside. */
export interface FailingRowsPorts {
  /** The store's outbox. */
  readonly outbox: Pick<Outbox, "markWaiting">;
  /** Attempts at full pace, from `channels.discord.retry` (D5). */
  readonly retry: { readonly attempts: number };
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Gets each row that begins to wait because of failures. */
  readonly log: Log;
}

/** Why a row waits, and for how many milliseconds. */
export interface Wait {
  /** Discord's last refusal, or the reason why it could not be reached. */
  readonly reason: string;
  /** Milliseconds until the next attempt. */
  readonly waitMs: number;
}

/** A row that could not be delivered for longer than the fast retries take. */
export interface DelayedRow {
  /** Number of the row. */
  readonly row: number;
  /** Its channel. */
  readonly channelId: ChannelId;
  /** Why the last attempt failed. */
  readonly reason: string;
  /** Unix time in milliseconds of the next attempt. */
  readonly nextAttemptAt: number;
}

/** The failing rows of one account. */
export interface FailingRows {
  /** Counts one more failure of a channel, without keeping it. */
  next(channelId: ChannelId): Failures;
  /**
   * Notes that a row waits for its next attempt.
   *
   * @param failures Absent if the wait follows no failure, but a rate limit of Discord's.
   * @throws {unknown} The store's error, as a rejection.
   */
  wait(row: OutboxRow, wait: Wait, failures?: Failures): Promise<void>;
  /** Notes that Discord served a request to a channel. */
  served(channelId: ChannelId): void;
  /** Forgets the failures of a channel, whose row is delivered or ended. */
  end(channelId: ChannelId): void;
  /** Forgets the channels that have nothing left to send; `channels` were read; absent: all. */
  keep(heads: readonly OutboxRow[], channels: readonly ChannelId[] | undefined): void;
  /** The rows that wait because of failures. */
  delayed(): readonly DelayedRow[];
}

interface Failing extends Failures {
  /** Whether Discord has served another request to the channel since the last failure. */
  wasServed: boolean;
  /** Set once the fast retries are over. */
  readonly delayed?: DelayedRow;
}

/** Creates an empty list. */
export function createFailingRows(
  { outbox, retry, now, log }: FailingRowsPorts,
): FailingRows {
  const failing = new Map<ChannelId, Failing>();
  return {
    next(channelId) {
      const before = failing.get(channelId);
      return failedAgain(before, before?.wasServed ?? false);
    },
    async wait(row, { reason, waitMs }, failures) {
      const { id, message: { channelId } } = row;
      const nextAttemptAt = now() + waitMs;
      if (failures) {
        const { failed, served } = failures;
        const isDelayed = failed >= retry.attempts;
        const delayed = { row: id, channelId, reason, nextAttemptAt };
        failing.set(channelId, {
          failed,
          served,
          wasServed: false,
          delayed: isDelayed ? delayed : undefined,
        });
        if (failed === retry.attempts) {
          log.warn("A message waits, because it could not be delivered", {
            channelId,
            row: id,
            reason,
            waitSec: Math.ceil(waitMs / 1_000),
          });
        }
      }
      await outbox.markWaiting(row, reason, nextAttemptAt);
    },
    served(channelId) {
      const before = failing.get(channelId);
      if (before) before.wasServed = true;
    },
    end: (channelId) => void failing.delete(channelId),
    keep(heads, channels = [...failing.keys()]) {
      if (failing.size === 0) return;
      const unsent = new Set(heads.map(({ message }) => message.channelId));
      for (const channelId of channels) if (!unsent.has(channelId)) failing.delete(channelId);
    },
    delayed: () => [...failing.values()].flatMap(({ delayed }) => delayed ?? []),
  };
}
