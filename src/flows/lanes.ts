/**
 * Delivers the outbox: one lane for each channel, one row of it at a time.
 *
 * Order matters within a channel and nowhere else, so a channel that Discord
 * holds up, or that is gone, holds up no other.
 *
 * @module
 */

import type { Refusal } from "../core/errors.ts";
import type { AccountId, ChannelId } from "../core/ids.ts";
import type { OutboxRow } from "../core/outbound.ts";
import { backoffMs } from "../lib/backoff.ts";
import type { Log } from "../lib/log.ts";
import type { Schedule } from "../lib/schedule.ts";
import { deliver, type DeliverPorts, type Delivery } from "./deliver.ts";

export interface LanesPorts extends DeliverPorts {
  readonly outbox: DeliverPorts["outbox"] & {
    /** The first unsent row of each channel. */
    heads(accountId: AccountId): Promise<readonly OutboxRow[]>;
    /** Discord will not take it, ever: the lane goes on without it. */
    markDead(row: OutboxRow, reason: string): Promise<void>;
    /** Nobody can tell whether Discord has it: held, and shown (D2). */
    markUncertain(row: OutboxRow): Promise<void>;
  };
  readonly accountId: AccountId;
  readonly schedule: Schedule;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
  readonly log: Log;
  /** Told of each end of an attempt, for the metrics. */
  readonly onDelivery: (row: OutboxRow, delivery: Delivery) => void;
}

export interface Lanes {
  /** There may be new rows. */
  wake(): void;
  /** The gateway's echo has settled rows of these channels: nothing there waits any more. */
  settled(channels: readonly ChannelId[]): void;
  /** Resolves once nothing is left to send now; what must wait for its next attempt is left. */
  drain(): Promise<void>;
  /** Begins no further row, and resolves once what is under way has ended. */
  stop(): Promise<void>;
}

/** Growing waits of a row that Discord may take later (D5). */
const RETRY = { minDelayMs: 500, maxDelayMs: 300_000, base: 2 };

/** While a nonce is good, it is asked again at this pace at least: the window is short. */
const MAX_UNANSWERED_WAIT_MS = 15_000;

export function createLanes(ports: LanesPorts): Lanes {
  /** Lanes with an attempt under way, or that wait for the next one. */
  const busy = new Set<ChannelId>();
  const underWay = new Set<Promise<void>>();
  /** Ends the wait of a lane before its time. */
  const waiting = new Map<ChannelId, () => void>();
  /** Failed attempts in a row, by channel. */
  const failures = new Map<ChannelId, number>();
  let isStopping = false;
  let reading: Promise<void> | undefined;
  let isStale = false;

  function wake(): void {
    isStale = true;
    reading ??= readHeads().catch((error: unknown) => {
      ports.log.error("Cannot read the outbox; will try again", { error });
      ports.schedule(wake, RETRY.minDelayMs * 10);
    }).finally(() => {
      reading = undefined;
      if (isStale && !isStopping) wake(); // asked for between the last look and here
    });
  }

  async function readHeads(): Promise<void> {
    while (isStale && !isStopping) {
      isStale = false;
      for (const row of await ports.outbox.heads(ports.accountId)) {
        const { channelId } = row.message;
        if (busy.has(channelId) || isStopping) continue;
        busy.add(channelId);
        const running: Promise<void> = run(row).finally(() => underWay.delete(running));
        underWay.add(running);
      }
    }
  }

  /** One row to its end, or to the wait before the next attempt. */
  async function run(row: OutboxRow): Promise<void> {
    const { channelId } = row.message;
    const waitMs = await attempt(row).catch((error: unknown) => {
      ports.log.error("Delivery failed unexpectedly; will try again", { channelId, error });
      return RETRY.minDelayMs * 10;
    });
    const free = () => {
      waiting.delete(channelId);
      busy.delete(channelId);
      wake();
    };
    if (waitMs === 0) return free();
    const callOff = ports.schedule(free, waitMs);
    waiting.set(channelId, () => {
      callOff();
      free();
    });
  }

  /** @returns Milliseconds until the lane may go on. */
  async function attempt(row: OutboxRow): Promise<number> {
    const { channelId } = row.message;
    const delivery = await deliver(row, ports);
    ports.onDelivery(row, delivery);
    const failed = (failures.get(channelId) ?? 0) + 1;
    const waitMs = await settle(row, delivery, failed);
    if (waitMs === 0) failures.delete(channelId);
    else failures.set(channelId, failed);
    return waitMs;
  }

  async function settle(row: OutboxRow, delivery: Delivery, failed: number): Promise<number> {
    const { channelId, nonce } = row.message;
    switch (delivery.kind) {
      case "created":
      case "already_gone":
      case "settled":
        return 0;
      case "stale":
        ports.log.error("Cannot tell whether Discord has a message; it is held", {
          channelId,
          nonce,
        });
        await ports.outbox.markUncertain(row);
        return 0;
      case "unanswered":
        return Math.min(MAX_UNANSWERED_WAIT_MS, backoffMs(failed, ports.random(), RETRY));
      case "unsent":
        return backoffMs(failed, ports.random(), RETRY);
      case "refused":
        if (isForLater(delivery.why)) {
          return Math.max(
            delivery.retryAfterMs ?? 0,
            backoffMs(failed, ports.random(), RETRY),
          );
        }
        ports.log.error("Discord refuses a message", { channelId, reason: delivery.reason });
        await ports.outbox.markDead(row, delivery.reason);
        return 0;
    }
  }

  async function drain(): Promise<void> {
    while (reading || underWay.size > 0) await Promise.all([reading, ...underWay]);
  }

  return {
    wake,
    settled(channels) {
      for (const channel of channels) waiting.get(channel)?.();
    },
    drain,
    stop() {
      isStopping = true;
      return drain();
    },
  };
}

/** Whether the same request may succeed later: limits end, and a token is replaced. */
function isForLater(why: Refusal): boolean {
  return why === "rate_limited" || why === "unauthorized";
}
