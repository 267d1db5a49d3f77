/**
 * Keeps the failed attempts of each channel's first row, and reports why it waits and until when
 * (D5). Knows refused messages, and by how much the clock was set meanwhile.
 *
 * A message that waits must have a visible reason. So the store gets the reason and the time of the
 * next attempt after each failure. The log gets one line when the fast retries are over, and not
 * one for each attempt.
 */

import type { BotAccount } from "../../account/account.ts";
import { failedAgain, type Failures } from "../../core/outbound/delivery.ts";
import type { ChannelId } from "../../core/discord/ids.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";

/** Why a row waits, and for how many milliseconds. */
export interface Wait {
  /** Discord's last refusal, or the reason why it could not be reached. */
  readonly reason: string;
  /** Milliseconds until the next attempt. */
  readonly waitMs: number;
}

/** A row that could not be delivered for longer than the fast retries take. */
interface DelayedRow {
  /** Number of the row. */
  readonly row: number;
  readonly channelId: ChannelId;
  /** Why the last attempt failed. */
  readonly reason: string;
  readonly nextAttemptAt: number;
}

interface Failing extends Failures {
  /** Whether Discord has served another request to the channel since the last failure. */
  wasServed: boolean;
  /** Set once the fast retries are over. */
  readonly delayed?: DelayedRow;
}

export function createFailingRows(account: BotAccount) {
  const { store: { outbox }, now, log } = account;
  const failing = new Map<ChannelId, Failing>();
  return {
    /** Counts one more failure of a channel, without keeping it. */
    next(channelId: ChannelId): Failures {
      const before = failing.get(channelId);
      return failedAgain(before, before?.wasServed ?? false);
    },
    /**
     * Notes that a row waits for its next attempt.
     *
     * @param failures Absent if the wait follows no failure, but a rate limit of Discord's.
     * @throws {unknown} The store's error, as a rejection.
     */
    async wait(row: OutboxRow, { reason, waitMs }: Wait, failures?: Failures): Promise<void> {
      const { id, message: { channelId } } = row;
      const nextAttemptAt = now() + waitMs;
      if (failures) {
        const { failed, served } = failures;
        const { attempts } = account.config().discord.retry;
        const isDelayed = failed >= attempts;
        const delayed = { row: id, channelId, reason, nextAttemptAt };
        failing.set(channelId, {
          failed,
          served,
          wasServed: false,
          delayed: isDelayed ? delayed : undefined,
        });
        if (failed === attempts) {
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
    /** Notes that Discord served a request to a channel. */
    served(channelId: ChannelId): void {
      const before = failing.get(channelId);
      if (before) before.wasServed = true;
    },
    /** Forgets the failures of a channel, whose row is delivered or ended. */
    end: (channelId: ChannelId): void => void failing.delete(channelId),
    /** Forgets the channels that have nothing left to send; `channels` were read; absent: all. */
    keep(
      heads: readonly OutboxRow[],
      channels: readonly ChannelId[] | undefined = [...failing.keys()],
    ): void {
      if (failing.size === 0) return;
      const unsent = new Set(heads.map(({ message }) => message.channelId));
      for (const channelId of channels) if (!unsent.has(channelId)) failing.delete(channelId);
    },
    /** The rows that wait because of failures. */
    delayed: (): readonly DelayedRow[] =>
      [...failing.values()].flatMap(({ delayed }) => delayed ?? []),
  };
}

/**
 * Smallest change that counts, in milliseconds. A smaller one does not matter for waits of a day.
 */
const LEAST_MS = 5 * 60_000;

/** Starts watching the clock of this process. */
export function createClockChanges({ accountId, store: { outbox }, now, steadyNow }: BotAccount) {
  const ahead = () => now() - steadyNow();
  let seen = ahead();
  let setMs = 0;

  return {
    /**
     * Compares the clocks, and moves the stored times if the clock was set forward.
     *
     * @throws {unknown} The store's error, as a rejection; the next call tries again.
     */
    async check(): Promise<void> {
      const byMs = ahead() - seen;
      if (Math.abs(byMs) < LEAST_MS) return;
      seen += byMs;
      if (byMs < 0) return;
      try {
        await outbox.shiftFailing(accountId, byMs, now() - byMs);
      } catch (error) {
        seen -= byMs;
        throw error;
      }
      setMs += byMs; // only now, so that a row read before counts as older, never as newer
    },
    /** Total milliseconds by which the clock was set forward, as far as stored times moved. */
    setForwardMs: (): number => setMs,
    /**
     * Brings a row up to date.
     *
     * @param setForwardMs `setForwardMs` from before the row was read.
     */
    shifted(row: OutboxRow, setForwardMs: number): OutboxRow {
      const byMs = setMs - setForwardMs;
      const { failingSince } = row;
      if (byMs <= 0 || failingSince === undefined || failingSince > now() - byMs) return row;
      return { ...row, failingSince: failingSince + byMs };
    },
  };
}

export function createRefusedMessages() {
  /** The last row that was refused so, by its channel. */
  const refused = new Map<ChannelId, { readonly row: number; readonly hasEnded: boolean }>();
  return {
    /** Judges a row that Discord has refused, although the bot has all permissions there. */
    judge({ id, message: { channelId } }: OutboxRow): "again" | "end" | "park" {
      const before = refused.get(channelId);
      if (before?.hasEnded) return "park";
      const hasEnded = before?.row === id;
      refused.set(channelId, { row: id, hasEnded });
      return hasEnded ? "end" : "again";
    },
    /** Tells that Discord accepted a message there. */
    delivered: (channelId: ChannelId): void => void refused.delete(channelId),
  };
}

/** Milliseconds for which a refusal also counts for the messages behind it. */
const FRESH_MS = 60_000;

/**
 * Creates an empty memory.
 *
 * @param steadyNow Milliseconds of a clock that never goes back.
 */
export function createRecentRefusals(steadyNow: () => number) {
  /** Oldest first. */
  const refusals = new Map<ChannelId, { readonly at: number; readonly reason: string }>();
  const isFresh = (at: number) => steadyNow() - at < FRESH_MS;
  return {
    /** Number of remembered channels; some may have expired. */
    get size(): number {
      return refusals.size;
    },
    /**
     * Reads a channel's refusal.
     *
     * @returns Discord's reason, if it refused a message there within the last minute.
     */
    reasonOf(channelId: ChannelId): string | undefined {
      const found = refusals.get(channelId);
      return found && isFresh(found.at) ? found.reason : undefined;
    },
    /** Remembers a refusal, for a minute from now. */
    add(channelId: ChannelId, reason: string): void {
      refusals.delete(channelId);
      refusals.set(channelId, { at: steadyNow(), reason });
      for (const [oldest, { at }] of refusals) {
        if (isFresh(at)) break;
        refusals.delete(oldest);
      }
    },
    /** Forgets a channel, because Discord has accepted a message there. */
    delete: (channelId: ChannelId): void => void refusals.delete(channelId),
  };
}
