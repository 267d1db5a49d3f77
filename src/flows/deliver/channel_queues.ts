/**
 * Delivers the outbox: one lane for each channel, one row of it at a time.
 *
 * Order matters within a channel and nowhere else, so a channel that Discord
 * holds up, or that is gone, holds up no other.
 *
 * @module
 */

import {
  afterDelivery,
  type AttemptFacts,
  type Delivery,
  isOfPlace,
  isOverdue,
} from "../../core/outbound/delivery.ts";
import type { AccountId, ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";
import type { RetryRules } from "../../lib/network/backoff.ts";
import { type ClockSetPorts, createClockSet } from "./clock_set.ts";
import { deliver, type DeliverPorts } from "./deliver.ts";
import { createParking, type ParkPorts } from "./park.ts";
import { createRecentRefusals } from "../recent_refusals.ts";

export interface ChannelQueuesPorts extends DeliverPorts, ParkPorts, ClockSetPorts {
  readonly outbox: DeliverPorts["outbox"] & ParkPorts["outbox"] & ClockSetPorts["outbox"] & {
    /**
     * The first unsent row of each channel that is not parked.
     *
     * @param channels Those that are looked at; all of them where absent.
     */
    heads(
      accountId: AccountId,
      channels?: readonly ChannelId[],
    ): Promise<readonly OutboxRow[]>;
    /** Discord will not take it, ever: the lane goes on without it. */
    markDead(row: OutboxRow, reason: string): Promise<void>;
    /** Nobody can tell whether Discord has it: held, and shown (D2). */
    markUncertain(row: OutboxRow): Promise<void>;
  };
  readonly retry: RetryRules;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
  /** Told of each end of an attempt, for the metrics. */
  readonly onDelivery: (row: OutboxRow, delivery: Delivery) => void;
  /** A message is given up; for its owner. */
  readonly onDead: (row: OutboxRow, reason: string) => void;
}

export interface ChannelQueues {
  /** There may be new rows in these channels, or in any. */
  wake(channels?: readonly ChannelId[]): void;
  /** The gateway's echo has settled rows of these channels: nothing there waits any more. */
  settled(channels: readonly ChannelId[]): void;
  /** Somebody in this channel is answered, so it may take messages again. */
  heardFrom(channelId: ChannelId): void;
  /** Roles, overwrites, channels or our own member changed in these guilds. */
  permissionsChanged(guildId: GuildId): void;
  /** Discord is there again: what could not reach it is tried now. */
  reachable(): void;
  /** Resolves once nothing is left to send now; what must wait for its next attempt is left. */
  drain(): Promise<void>;
  /** Begins no further row, and resolves once what is under way has ended. */
  stop(): Promise<void>;
}

/** The wait after a failure of our own or of the disk, in milliseconds. */
const FAULT_WAIT_MS = 5_000;

/** A rate limit that lasts longer than this, in milliseconds, is one that people notice. */
const LONG_WAIT_MS = 60_000;

interface Waiting {
  /** The row that is to be tried then; while it waits, it is the first. */
  readonly row: number;
  /** Ends it before its time. */
  readonly end: () => void;
  /** Whether it is for Discord to be reached. */
  readonly isForNetwork: boolean;
}

export function createChannelQueues(ports: ChannelQueuesPorts): ChannelQueues {
  const { accountId, outbox, log, now, steadyNow } = ports;
  /** Lanes with an attempt under way, or that wait for the next one. */
  const busy = new Set<ChannelId>();
  const underWay = new Set<Promise<void>>();
  const waiting = new Map<ChannelId, Waiting>();
  /** Failed attempts in a row, by channel with an unsent message. */
  const failures = new Map<ChannelId, number>();
  /** By which messages are given up that are as old, and wait behind. */
  const refusals = createRecentRefusals(steadyNow);
  const parking = createParking(ports, wake);
  const clock = createClockSet(ports);
  let isOpen = false;
  let isStopping = false;
  let reading: Promise<void> | undefined;
  /** Of a look that waits, since the last one failed. */
  let callOffReading: (() => void) | undefined;
  /** Channels to look at. */
  const stale = new Set<ChannelId>();
  let isAllStale = false;

  function wake(channels?: readonly ChannelId[]): void {
    if (!channels) isAllStale = true;
    for (const channel of channels ?? []) stale.add(channel);
    if (isStopping || (!isAllStale && stale.size === 0)) return;
    reading ??= readHeads().catch((error: unknown) => {
      log.error("Cannot read the outbox; will try again", { error });
      later(FAULT_WAIT_MS);
    }).finally(() => {
      reading = undefined;
      if (!callOffReading) wake([]); // asked for between the last look and here
    });
  }

  function later(waitMs: number): void {
    callOffReading ??= ports.schedule(() => {
      callOffReading = undefined;
      wake();
    }, waitMs);
  }

  async function readHeads(): Promise<void> {
    if (!isOpen) {
      await parking.open();
      isOpen = true;
    }
    while ((isAllStale || stale.size > 0) && !isStopping) {
      const channels = isAllStale ? undefined : [...stale];
      isAllStale = false;
      stale.clear();
      const setMs = clock.inAll();
      const heads = await outbox.heads(accountId, channels);
      if (failures.size > 0) keepFailures(heads, channels ?? [...failures.keys()]);
      for (const row of heads) {
        const { channelId } = row.message;
        // By hand, or by an echo, the row that it waits for may be none any more.
        const inWaiting = waiting.get(channelId);
        if (inWaiting && inWaiting.row !== row.id) inWaiting.end();
        if (busy.has(channelId) || isStopping) continue;
        busy.add(channelId);
        const running: Promise<void> = run(row, setMs).finally(() => underWay.delete(running));
        underWay.add(running);
      }
    }
  }

  /** Forgets the failures of channels in which nothing is left to send. */
  function keepFailures(heads: readonly OutboxRow[], channels: readonly ChannelId[]): void {
    const unsent = new Set(heads.map(({ message }) => message.channelId));
    for (const channelId of channels) if (!unsent.has(channelId)) failures.delete(channelId);
  }

  /**
   * One row to its end, or to the wait before the next attempt.
   *
   * @param setMs By how much the clock had been set when it was read.
   */
  async function run(row: OutboxRow, setMs: number): Promise<void> {
    const { channelId } = row.message;
    const { waitMs, isForNetwork } = await attempt(row, setMs).catch((error: unknown) => {
      log.error("Delivery failed unexpectedly; will try again", { channelId, error });
      return { waitMs: FAULT_WAIT_MS, isForNetwork: false };
    });
    const free = () => {
      waiting.delete(channelId);
      busy.delete(channelId);
      wake([channelId]);
    };
    if (waitMs === 0) return free();
    if (isStopping) return;
    const cancel = ports.schedule(free, waitMs);
    const end = () => {
      cancel();
      free();
    };
    waiting.set(channelId, { row: row.id, end, isForNetwork });
  }

  /** @returns Milliseconds until the lane may go on. */
  async function attempt(
    stored: OutboxRow,
    setMs: number,
  ): Promise<{ waitMs: number; isForNetwork: boolean }> {
    await clock.look();
    const row = clock.sinceThen(stored, setMs);
    const { channelId } = row.message;
    const askedAt = now();
    const refusal = refusals.reasonOf(channelId);
    const isUntried = row.firstAttemptAt === undefined; // or Discord may have it all the same
    if (refusal !== undefined && isUntried && isOverdue(row, askedAt)) {
      await bury(row, refusal);
      return { waitMs: 0, isForNetwork: false };
    }
    const delivery = await deliver(row, ports);
    ports.onDelivery(row, delivery);
    const failed = (failures.get(channelId) ?? 0) + 1;
    await clock.look();
    const waitMs = await settle(clock.sinceThen(stored, setMs), delivery, askedAt, {
      now: now(),
      failed,
      random: ports.random(),
      retry: ports.retry,
      nonceWindowMs: ports.nonceWindowMs,
    });
    return { waitMs, isForNetwork: isOfNetwork(delivery) };
  }

  async function settle(
    row: OutboxRow,
    delivery: Delivery,
    askedAt: number,
    facts: AttemptFacts,
  ): Promise<number> {
    const { channelId } = row.message;
    const next = afterDelivery(row, delivery, facts);
    switch (next.kind) {
      case "on":
        if (delivery.kind !== "absent") failures.delete(channelId); // it is yet to be sent
        if (delivery.kind === "created" || delivery.kind === "found") {
          refusals.delete(channelId);
          parking.delivered(channelId);
        }
        return 0;
      case "again":
        if (next.isAttempt) failures.set(channelId, facts.failed);
        else if (next.waitMs >= LONG_WAIT_MS) {
          const waitSec = Math.ceil(next.waitMs / 1_000);
          log.warn("Discord takes nothing in a channel for a while", { channelId, waitSec });
        }
        return next.waitMs;
      case "park":
        failures.delete(channelId);
        await parking.close(row, next, askedAt);
        return 0;
      case "dead":
        failures.delete(channelId);
        if (delivery.kind === "refused" && isOfPlace(delivery)) { // for a day, or it were parked
          refusals.add(channelId, next.reason);
        }
        await bury(row, next.reason);
        return 0;
      case "uncertain":
        failures.delete(channelId);
        log.error(
          "Cannot tell whether Discord has a message; it is held until `barnacle outbox` is told " +
            "to send or drop it",
          { channelId, row: row.id, nonce: row.message.nonce, reason: next.reason },
        );
        await outbox.markUncertain(row);
        return 0;
    }
  }

  async function bury(row: OutboxRow, reason: string): Promise<void> {
    const { channelId } = row.message;
    log.error("A message is given up", { channelId, row: row.id, reason });
    await outbox.markDead(row, reason);
    ports.onDead(row, reason);
  }

  async function drain(): Promise<void> {
    while (reading || underWay.size > 0) await Promise.all([reading, ...underWay]);
  }

  return {
    wake,
    settled(channels) {
      for (const channel of channels) waiting.get(channel)?.end();
    },
    heardFrom: parking.heardFrom,
    permissionsChanged: parking.permissionsChanged,
    reachable() {
      for (const { end, isForNetwork } of [...waiting.values()]) {
        if (isForNetwork) end();
      }
    },
    drain,
    async stop() {
      isStopping = true;
      callOffReading?.();
      await parking.stop();
      await drain();
      for (const { end } of [...waiting.values()]) end();
    },
  };
}

function isOfNetwork(delivery: Delivery): boolean {
  switch (delivery.kind) {
    case "unsent":
    case "unanswered":
      return true;
    case "unread":
      return delivery.why === "unreachable";
    default:
      return false;
  }
}
