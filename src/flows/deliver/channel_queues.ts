/**
 * Delivers the outbox: one queue for each channel, one row of it at a time.
 *
 * Order matters only within a channel. So a channel that Discord slows down or has deleted
 * delays no other.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { ChannelId } from "../../core/discord/ids.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";
import { createWaker } from "../../lib/waker.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { createDeliveryAttempts } from "./attempts.ts";
import { createOwedWords } from "./owed.ts";
import { createParking } from "./park.ts";

/** Milliseconds before the next attempt after a failure of our own or of the disk. */
const FAULT_WAIT_MS = 5_000;

/** The queues of an account. They send nothing before the first `wake`. */
export const queuesOf: (account: BotAccount) => ChannelQueues = perAccount(
  "delivery",
  createChannelQueues,
);

function createChannelQueues(account: BotAccount) {
  const { accountId, store: { outbox }, schedule, log } = account;
  /** Channels with a running attempt, or that wait for the next one. */
  const busy = new Set<ChannelId>();
  const underWay = new Set<Promise<void>>();
  const waiting = new Map<ChannelId, {
    /** The row to try then. While it waits, it is the channel's first. */
    readonly row: number;
    /** Ends the wait early. */
    readonly end: () => void;
    /** Whether it waits because Barnacle could not reach Discord. */
    readonly isNetworkFailure: boolean;
  }>();
  const stale = createStaleChannels(account, {
    prepare: (): Promise<void> => parking.open(),
    read: readHeads,
  });
  const parking = createParking(account, stale.wake);
  const words = createOwedWords(account);
  const attempts = createDeliveryAttempts(account, parking);
  let isStopping = false;

  async function readHeads(channels: readonly ChannelId[] | undefined): Promise<void> {
    words.changed();
    const setMs = attempts.clockSetMs();
    const heads = await outbox.heads(accountId, channels);
    attempts.keepFailures(heads, channels);
    for (const row of heads) {
      const { channelId } = row.message;
      // An operator, or an echo, may have settled the row that it waits for.
      const inWaiting = waiting.get(channelId);
      if (inWaiting && inWaiting.row !== row.id) inWaiting.end();
      if (busy.has(channelId) || isStopping) continue;
      busy.add(channelId);
      const running: Promise<void> = run(row, setMs).finally(() => underWay.delete(running));
      underWay.add(running);
    }
  }

  /**
   * Makes one attempt for a row, and schedules the next one if needed.
   *
   * @param setMs Milliseconds by which the clock had been set when the row was read.
   */
  async function run(row: OutboxRow, setMs: number): Promise<void> {
    const { channelId } = row.message;
    const { waitMs, isNetworkFailure } = await attempts.attempt(row, setMs).catch(
      (error: unknown) => {
        log.error("Delivery failed unexpectedly; will try again", { channelId, error });
        return { waitMs: FAULT_WAIT_MS, isNetworkFailure: false };
      },
    );
    const free = () => {
      waiting.delete(channelId);
      busy.delete(channelId);
      stale.wake([channelId]);
    };
    if (waitMs === 0) return free();
    if (isStopping) return;
    const cancel = schedule(free, waitMs);
    const end = () => {
      cancel();
      free();
    };
    waiting.set(channelId, { row: row.id, end, isNetworkFailure });
  }

  async function drain(): Promise<void> {
    while (stale.reading() || underWay.size > 0) {
      await Promise.all([stale.reading(), ...underWay]);
    }
  }

  return {
    /** Tells that these channels may have new rows; absent: any channel may. */
    wake: stale.wake,
    /** Tells that the gateway's echo has settled rows in these channels, so they need not wait. */
    settled(channels: readonly ChannelId[]): void {
      for (const channel of channels) waiting.get(channel)?.end();
    },
    heardFrom: parking.heardFrom,
    permissionsChanged: parking.permissionsChanged,
    served: attempts.served,
    delayed: attempts.delayed,
    /** Tells that Discord is reachable again: rows that could not reach it are tried now. */
    reachable(): void {
      for (const { end, isNetworkFailure } of [...waiting.values()]) {
        if (isNetworkFailure) end();
      }
    },
    /** Resolves once no row can be sent now; rows that wait for their next attempt stay. */
    drain,
    /** Begins no further row, and resolves once running attempts have ended. */
    async stop(): Promise<void> {
      isStopping = true;
      stale.stop();
      await parking.stop();
      await words.stop();
      await drain();
      for (const { end } of [...waiting.values()]) end();
    },
  };
}

export type ChannelQueues = ReturnType<typeof createChannelQueues>;

/** Milliseconds before the next reading after a failed one. */
const READ_RETRY_MS = 5_000;

/** Creates the readings of one account; the first begins with the first call of `wake`. */
export function createStaleChannels(
  { schedule, log }: { readonly log: Log; readonly schedule: StartTimer },
  { prepare, read }: {
    /** Runs before the first reading, until it has succeeded once. */
    readonly prepare: () => Promise<void>;
    /** Reads these channels; `undefined`: all channels. */
    readonly read: (channels: readonly ChannelId[] | undefined) => Promise<void>;
  },
) {
  const stale = new Set<ChannelId>();
  let isAllStale = false;
  let isPrepared = false;
  let hasBegun = false;
  const waker = createWaker({
    schedule,
    async run() {
      if (!isPrepared) await prepare();
      isPrepared = true;
      while ((isAllStale || stale.size > 0) && !waker.isStopped()) {
        const channels = isAllStale ? undefined : [...stale];
        isAllStale = false;
        stale.clear();
        await read(channels);
      }
      return undefined;
    },
    failed(error) {
      log.error("Cannot read the outbox; will try again", { error });
      if (isPrepared) isAllStale = true; // the failed reading has taken its channels
      return READ_RETRY_MS;
    },
  });

  return {
    /** Reads these channels soon; absent: all channels. */
    wake(channels?: readonly ChannelId[]): void {
      if (!channels) isAllStale = true;
      for (const channel of channels ?? []) stale.add(channel);
      if (!isAllStale && stale.size === 0) return;
      if (hasBegun) return waker.wake();
      hasBegun = true;
      waker.start();
    },
    /** Resolves once the running reading has ended; `undefined` if none runs. */
    reading: waker.running,
    /** Begins no further reading. */
    stop: waker.stop,
  };
}
