/**
 * Reports the bot's state to the service manager, and pings its watchdog while both threads and the
 * store respond.
 *
 * A ping is worth as much as its conditions: a timer alone would report "alive" for a bot whose
 * gateway thread hangs. A fault that no restart cures does not stop the pings. Without Discord or a
 * network the bot is busy reconnecting, and a restart would cost an IDENTIFY. With a full disk the
 * bot would not start again, and could not say why. So the store only has to answer, with success
 * or with an error.
 *
 * Free hosts suspend a program that had no visitor for some minutes, and a suspended bot misses
 * messages. So the bot visits its own public address (O9). An unhealthy bot stops the visits, so that
 * the host may suspend it.
 */

import { type Finding, type Status, worstStatus } from "../../core/finding.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { fetchPlain } from "../../lib/network/fetch_plain.ts";
import { judgeHealth } from "../checks.ts";
import type { Snapshot } from "../snapshot.ts";

/** Milliseconds between two visits; the strictest of these hosts waits five minutes. */
const VISIT_EVERY_MS = 4 * 60_000;

const TIMEOUT_MS = 10_000;

export function startKeepAlive(
  ports: {
    readonly schedule: StartTimer;
    readonly log: Log;
    /** The bot's own public address, `http.keepAliveUrl`. */
    readonly url: string;
    /** Requests an address and resolves with the status of the answer. */
    readonly visit: (url: URL, signal: AbortSignal) => Promise<number>;
    /** The state that `/livez` reports. */
    readonly isAlive: () => boolean;
  },
): { readonly stop: () => void } {
  const { isAlive, visit, schedule, log } = ports;
  const url = livezOf(ports.url);
  let ended = new AbortController();
  let isFailing = false;
  let isStopped = false;
  let cancel = schedule(tick, VISIT_EVERY_MS);

  function tick(): void {
    cancel = schedule(tick, VISIT_EVERY_MS);
    if (isAlive()) void visitOnce();
  }

  async function visitOnce(): Promise<void> {
    ended = new AbortController();
    const late = schedule(
      () => ended.abort(new Error(`No answer in ${TIMEOUT_MS / 1_000} s`)),
      TIMEOUT_MS,
    );
    try {
      const status = await visit(url, ended.signal);
      if (status >= 200 && status <= 299) works();
      else {fails({
          status,
          ...(status === 403 && { hint: `Set http.publicUrl to ${url.origin}` }),
        });}
    } catch (error) {
      fails({ error });
    } finally {
      late();
    }
  }

  function works(): void {
    if (isFailing) log.info("http.keepAliveUrl answers again");
    isFailing = false;
  }

  function fails(fields: Readonly<Record<string, unknown>>): void {
    if (isFailing || isStopped) return;
    isFailing = true;
    log.warn("http.keepAliveUrl does not answer as this bot; its host may suspend it", {
      url: url.href,
      ...fields,
    });
  }

  return {
    stop() {
      isStopped = true;
      cancel();
      ended.abort();
    },
  };
}

/** The path of `/livez` below the path of the address. */
function livezOf(base: string): URL {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/livez`;
  return url;
}

/** Visits with the runtime's own HTTP client. */
export async function visitByFetch(url: URL, signal: AbortSignal): Promise<number> {
  const response = await fetchPlain(fetch, url, { signal });
  await response.body?.cancel();
  return response.status;
}

/** The parts that must respond; a slice of the snapshot. */
interface WatchdogFacts {
  /** Time of the main thread's last scheduler run. */
  readonly mainTickAt: number;
  /**
   * Time of the gateway thread's last run; absent if no thread runs yet, or no account is enabled.
   */
  readonly gatewayTickAt?: number;
  /** When the store last answered, even with "disk full". */
  readonly store: { readonly answeredAt: number };
}

/** When each part last responded, in milliseconds of a monotonic clock. */
interface LastProgress {
  readonly mainAt: number;
  /** When the slowest gateway thread last moved. */
  readonly gatewayAt: number;
  readonly storeAt: number;
}

/** Whether a ping is sent, or the part that stands still. */
type PingResult = "sent" | "skipped_gateway" | "skipped_store" | "skipped_agent";

/** How long each part may stand still, in milliseconds. */
export const STILL_MAX_MS = 30_000;

/** Milliseconds between two status reports if the unit expects no ping. */
const STATUS_MS = 30_000;

/** Minimum milliseconds between two reports, whatever the unit says. */
const PING_MIN_MS = 100;

/** Maximum length of a status in characters: one line of a terminal. */
const STATUS_MAX = 200;

function mayPing({ mainAt, gatewayAt, storeAt }: LastProgress, now: number): PingResult {
  if (now - gatewayAt > STILL_MAX_MS) return "skipped_gateway";
  if (now - storeAt > STILL_MAX_MS) return "skipped_store";
  if (now - mainAt > STILL_MAX_MS) return "skipped_agent";
  return "sent";
}

/**
 * Finds the parts that responded between two checks. Time stamps are compared for equality and not
 * subtracted, because they come from the wall clock, which can jump.
 */
function progressSince(
  before: WatchdogFacts,
  progress: LastProgress,
  facts: WatchdogFacts,
  now: number,
): LastProgress {
  const hasGatewayMoved = facts.gatewayTickAt === undefined ||
    facts.gatewayTickAt !== before.gatewayTickAt;
  return {
    mainAt: facts.mainTickAt === before.mainTickAt ? progress.mainAt : now,
    gatewayAt: hasGatewayMoved ? now : progress.gatewayAt,
    storeAt: facts.store.answeredAt === before.store.answeredAt ? progress.storeAt : now,
  };
}

export function startWatchdog(
  ports: {
    readonly schedule: StartTimer;
    readonly log: Log;
    /** From `host/process/sd_notify.ts`. */
    readonly notify: (state: string) => boolean;
    /** Whether a service manager listens; without one there is no timer. */
    readonly isListening: boolean;
    /** The watchdog's time-out in milliseconds; absent if the unit sets none. */
    readonly watchdogMs?: number;
    readonly facts: () => WatchdogFacts;
    /** Reads from the store; the next facts hold the time of its answer. Never rejects. */
    readonly refresh: () => Promise<void>;
    /** One line for people, which `systemctl status` shows. */
    readonly status: () => string;
    /** Milliseconds of a monotonic clock. */
    readonly steadyNow: () => number;
  },
) {
  const { notify, watchdogMs, steadyNow, schedule, log } = ports;
  const everyMs = watchdogMs === undefined ? STATUS_MS : Math.max(PING_MIN_MS, watchdogMs / 3);
  let facts = ports.facts();
  let progress: LastProgress = {
    mainAt: steadyNow(),
    gatewayAt: steadyNow(),
    storeAt: steadyNow(),
  };
  let lookedAt = steadyNow();
  let isServing = false;
  let isReadyTold = false;
  let toldStatus = "";
  let last: PingResult = "sent";
  let cancel = (): void => {};

  /** Reports nothing before the bot serves: a status resets no time-out. */
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
    progress = progressSince(facts, later(progress, now - lookedAt - everyMs), next, now);
    facts = next;
    lookedAt = now;
    if (watchdogMs === undefined) return;
    const result = mayPing(progress, now);
    if (result !== "sent" && last === "sent") {
      log.error(`${STOOD_STILL[result]}; the service manager will start Barnacle again`, {
        forSec: STILL_MAX_MS / 1_000,
      });
    }
    if (result === "sent") notify("WATCHDOG=1");
    last = result;
  }

  function tick(): void {
    cancel = schedule(tick, everyMs);
    tell();
    ping();
    void ports.refresh();
  }

  if (ports.isListening) cancel = schedule(tick, everyMs);
  return {
    ready(): void {
      isServing = true;
      tell();
    },
    reloading: (): void => void notify("RELOADING=1"),
    reloaded: (): void => void notify("READY=1"),
    /**
     * The bot stops.
     *
     * @param withinMs Maximum duration of the stop, in milliseconds.
     */
    stopping(withinMs: number): void {
      isServing = false;
      notify(`STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=${Math.ceil(withinMs * 1_000)}`);
    },
    stop: (): void => cancel(),
  };
}

/** Judges nothing after a pause of this thread itself, during which no part was checked. */
function later({ mainAt, gatewayAt, storeAt }: LastProgress, lateMs: number): LastProgress {
  const ms = Math.max(0, lateMs);
  return { mainAt: mainAt + ms, gatewayAt: gatewayAt + ms, storeAt: storeAt + ms };
}

const STOOD_STILL: Readonly<Record<Exclude<PingResult, "sent">, string>> = {
  skipped_gateway: "The gateway thread stands still",
  skipped_store: "The store does not answer",
  skipped_agent: "The main thread's scheduler stands still",
};

/** Sums up `barnacle status` in one line: the worst state, the phase, and each failing check. */
export function statusLine(snapshot: Snapshot, now: number): string {
  const checks = judgeHealth(snapshot, now);
  const wrong = (["fail", "warn"] satisfies readonly Status[]).flatMap((status) =>
    checks.filter((check) => check.status === status).map(wordsOf)
  );
  const head = `${worstStatus(checks)}  ${snapshot.phase}`;
  return [head, ...wrong].join(", ");
}

function wordsOf({ status, id, where, why }: Finding): string {
  return [status, id, where, why].filter((word) => word !== undefined).join(" ");
}

/** Replaces line breaks: a line break would begin another key. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").slice(0, STATUS_MAX);
}
