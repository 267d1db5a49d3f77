/**
 * Tells the service manager how the bot is, and pings its watchdog while both
 * threads and the store move.
 *
 * The ping is worth what it depends on: a timer alone would say "alive" of a bot
 * whose gateway thread hangs. What no restart mends does not stop it. Without
 * Discord or a network the bot is busy coming back, and a restart would cost an
 * IDENTIFY; with a full disk it would not even start again, and could not say
 * why. So of the store only this counts: that it answers, well or badly.
 *
 * @module
 */

import type { Check, Status } from "../../http/check.ts";
import { judge, worst } from "../../http/checks.ts";
import type { Snapshot } from "../../http/snapshot.ts";
import type { Log } from "../../lib/log.ts";
import type { Schedule } from "../../lib/schedule.ts";

/** What must move; a slice of the snapshot. */
export interface WatchdogFacts {
  /** Of the main thread's scheduler. */
  readonly mainTickAt: number;
  /** Of the gateway's thread; absent where none runs yet, or no account is enabled. */
  readonly gatewayTickAt?: number;
  /** When the store last answered, if only to say that the disk takes no write. */
  readonly store: { readonly answeredAt: number };
}

/** When each was last seen to have moved, in milliseconds of a clock that nobody sets. */
export interface Moves {
  readonly mainAt: number;
  readonly gatewayAt: number;
  readonly storeAt: number;
}

/** What `barnacle_watchdog_pings_total` counts. */
export type PingResult = "sent" | "skipped_gateway" | "skipped_store" | "skipped_agent";

export interface WatchdogPorts {
  /** From `host/process/sd_notify.ts`. */
  readonly notify: (state: string) => boolean;
  /** Whether a service manager listens; without one there is no timer. */
  readonly isListening: boolean;
  /** What the service manager waits between two pings, in milliseconds; absent where it does not. */
  readonly watchdogMs?: number;
  readonly facts: () => WatchdogFacts;
  /** Asks the store something; the next facts have when it answered. Never fails. */
  readonly refresh: () => Promise<void>;
  /** One line for people: `systemctl status` shows it. */
  readonly status: () => string;
  /** In milliseconds, on a clock that nobody sets. */
  readonly steadyNow: () => number;
  readonly schedule: Schedule;
  readonly onPing: (result: PingResult) => void;
  readonly log: Log;
}

export interface Watchdog {
  /** The bot serves, and is the service manager's to watch. Whether Discord is up is no part of it. */
  ready(): void;
  /** The config is read again. */
  reloading(): void;
  reloaded(): void;
  /** @param withinMs How long the end may take, in milliseconds. */
  stopping(withinMs: number): void;
  stop(): void;
}

/** How long each may stand still, in milliseconds. */
export const STILL_MAX_MS = 30_000;

/** How often the status is told where no ping is waited for, in milliseconds. */
const STATUS_MS = 30_000;

/** How often at most anything is told, in milliseconds, whatever the unit says. */
const PING_MIN_MS = 100;

/** Characters of a status, for one line of a terminal. */
const STATUS_MAX = 200;

/** @param now In milliseconds, on the clock of the moves. */
export function mayPing({ mainAt, gatewayAt, storeAt }: Moves, now: number): PingResult {
  if (now - gatewayAt > STILL_MAX_MS) return "skipped_gateway";
  if (now - storeAt > STILL_MAX_MS) return "skipped_store";
  if (now - mainAt > STILL_MAX_MS) return "skipped_agent";
  return "sent";
}

/**
 * What has moved between two looks: whatever is not as it was. Stamps are
 * compared and not subtracted, since they are of the wall clock, which jumps.
 */
export function movesSince(
  before: WatchdogFacts,
  moves: Moves,
  facts: WatchdogFacts,
  now: number,
): Moves {
  const hasGatewayMoved = facts.gatewayTickAt === undefined ||
    facts.gatewayTickAt !== before.gatewayTickAt;
  return {
    mainAt: facts.mainTickAt === before.mainTickAt ? moves.mainAt : now,
    gatewayAt: hasGatewayMoved ? now : moves.gatewayAt,
    storeAt: facts.store.answeredAt === before.store.answeredAt ? moves.storeAt : now,
  };
}

export function startWatchdog(ports: WatchdogPorts): Watchdog {
  const { notify, watchdogMs, steadyNow, schedule, onPing, log } = ports;
  const everyMs = watchdogMs === undefined ? STATUS_MS : Math.max(PING_MIN_MS, watchdogMs / 3);
  let facts = ports.facts();
  let moves: Moves = { mainAt: steadyNow(), gatewayAt: steadyNow(), storeAt: steadyNow() };
  let lookedAt = steadyNow();
  let isServing = false;
  let isReadyTold = false;
  let toldStatus = "";
  let last: PingResult = "sent";
  let cancel = (): void => {};

  /** Nothing is told before the bot serves: a status would reset no time-out. */
  function tell(): void {
    if (!isServing) return;
    isReadyTold ||= notify("READY=1"); // lost where the manager's queue is full
    if (!isReadyTold) return;
    const status = oneLine(ports.status());
    if (status !== toldStatus && notify(`STATUS=${status}`)) toldStatus = status;
  }

  function ping(): void {
    const now = steadyNow();
    const next = ports.facts();
    moves = movesSince(facts, later(moves, now - lookedAt - everyMs), next, now);
    facts = next;
    lookedAt = now;
    if (watchdogMs === undefined) return;
    const result = mayPing(moves, now);
    if (result !== "sent" && last === "sent") {
      log.error(`${STOOD_STILL[result]}; the service manager will start Barnacle again`, {
        forSec: STILL_MAX_MS / 1_000,
      });
    }
    if (result === "sent") notify("WATCHDOG=1");
    last = result;
    onPing(result);
  }

  function tick(): void {
    cancel = schedule(tick, everyMs);
    tell();
    ping();
    void ports.refresh();
  }

  if (ports.isListening) cancel = schedule(tick, everyMs);
  return {
    ready() {
      isServing = true;
      tell();
    },
    reloading: () => void notify("RELOADING=1"),
    reloaded: () => void notify("READY=1"),
    stopping(withinMs) {
      isServing = false;
      notify(
        `STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=${Math.ceil(withinMs * 1_000)}`,
      );
    },
    stop: () => cancel(),
  };
}

/** Nothing can be said of a time in which this thread itself stood still, and nobody looked. */
function later({ mainAt, gatewayAt, storeAt }: Moves, lateMs: number): Moves {
  const ms = Math.max(0, lateMs);
  return { mainAt: mainAt + ms, gatewayAt: gatewayAt + ms, storeAt: storeAt + ms };
}

const STOOD_STILL: Readonly<Record<Exclude<PingResult, "sent">, string>> = {
  skipped_gateway: "The gateway's thread stands still",
  skipped_store: "The store does not answer",
  skipped_agent: "The main thread's scheduler stands still",
};

/**
 * What `barnacle status` would say, in one line: the worst, the phase, and each
 * check that is not as it should be.
 *
 * @param now Unix time in milliseconds.
 */
export function statusLine(snapshot: Snapshot, now: number): string {
  const checks = judge(snapshot, now);
  const wrong = (["fail", "warn"] satisfies readonly Status[]).flatMap((status) =>
    checks.filter((check) => check.status === status).map(wordsOf)
  );
  const head = `${worst(checks)}  ${snapshot.phase}`;
  return [head, ...wrong].join(", ");
}

function wordsOf({ status, name, componentId, observedValue, observedUnit }: Check): string {
  return [status, name, componentId, observedValue, observedUnit]
    .filter((word) => word !== undefined).join(" ");
}

/** A line break would begin a key of its own. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").slice(0, STATUS_MAX);
}
