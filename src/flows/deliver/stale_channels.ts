/**
 * Reads channels that may have new rows: one reading at a time, and again after a failure.
 *
 * Many events can ask for the same channel. While a reading runs, requests collect, and the next
 * reading takes all of them at once.
 *
 * @module
 */

import type { ChannelId } from "../../core/discord/ids.ts";
import { createEmitter } from "../../lib/emitter.ts";
import type { Account } from "../../core/account/account.ts";

/** The work of the readings. */
export interface ChannelReads {
  /** Runs before the first reading, until it has succeeded once. */
  prepare(): Promise<void>;
  /** Reads these channels; `undefined`: all channels. */
  read(channels: readonly ChannelId[] | undefined): Promise<void>;
}

/** The readings of one account. */
export interface StaleChannels {
  /** Connects the work, before the first call of `wake`. */
  connect(reads: ChannelReads): void;
  /** Reads these channels soon; absent: all channels. */
  wake(channels?: readonly ChannelId[]): void;
  /** Resolves once the running reading has ended; `undefined` if none runs. */
  reading(): Promise<void> | undefined;
  /** Begins no further reading. */
  stop(): void;
}

/** Milliseconds before the next reading after a failed one. */
const FAULT_WAIT_MS = 5_000;

/** Creates the readings of one account; the first begins with the first call of `wake`. */
export function createStaleChannels(
  { schedule, log }: Pick<Account, "log" | "schedule">,
): StaleChannels {
  const reads = createEmitter<ChannelReads>();
  const stale = new Set<ChannelId>();
  let isAllStale = false;
  let isPrepared = false;
  let isStopping = false;
  let reading: Promise<void> | undefined;
  /** Cancels the timer of the next reading after a failed one. */
  let cancelReading: (() => void) | undefined;

  function wake(channels?: readonly ChannelId[]): void {
    if (!channels) isAllStale = true;
    for (const channel of channels ?? []) stale.add(channel);
    if (isStopping || (!isAllStale && stale.size === 0)) return;
    reading ??= readAll().catch((error: unknown) => {
      log.error("Cannot read the outbox; will try again", { error });
      later();
    }).finally(() => {
      reading = undefined;
      if (!cancelReading) wake([]); // requested after the last check
    });
  }

  function later(): void {
    cancelReading ??= schedule(() => {
      cancelReading = undefined;
      wake();
    }, FAULT_WAIT_MS);
  }

  async function readAll(): Promise<void> {
    if (!isPrepared) {
      await reads.emit.prepare();
      isPrepared = true;
    }
    while ((isAllStale || stale.size > 0) && !isStopping) {
      const channels = isAllStale ? undefined : [...stale];
      isAllStale = false;
      stale.clear();
      await reads.emit.read(channels);
    }
  }

  return {
    connect: reads.connect,
    wake,
    reading: () => reading,
    stop() {
      isStopping = true;
      cancelReading?.();
    },
  };
}
