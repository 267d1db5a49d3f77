/**
 * Watches the checks of the running bot, and tells the owners of trouble by direct message and by the
 * webhook of the config (O12).
 *
 * An alert is stored before its message is sent, and again after it. So a crash loses none, and
 * repeats one only if it falls between the message and its record.
 */

import type { Timers } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import type { AlertRecord, Finding } from "../../core/finding.ts";
import {
  afterFailure,
  afterSent,
  alertKey,
  type AlertMessage,
  type AlertState,
  dueAlerts,
  isOpen,
  judgeAlerts,
  messageOf,
  NO_ALERTS,
  rowOf,
} from "./decide.ts";

/** A way to the owners. */
export type AlertWay = "direct message" | "webhook";

export interface AlertsPorts extends Timers {
  readonly log: Log;
  /** Runs the checks of the running bot. */
  readonly check: () => Promise<readonly Finding[]>;
  /** The ways that can work now. */
  readonly ways: () => readonly AlertWay[];
  /** Sends a message; rejects with words for the operator. */
  readonly send: (way: AlertWay, message: AlertMessage, about: AlertRecord) => Promise<void>;
  readonly store: {
    alerts(): Promise<readonly AlertRecord[]>;
    keepAlerts(records: readonly AlertRecord[], now: number): Promise<void>;
  };
}

/** Milliseconds between two looks. */
const LOOK_MS = 10_000;
/** The longest time between two looks that counts as watched. */
const MAX_STEP_MS = 30_000;

/** Creates the watch; it looks at nothing before `start`. */
export function createAlerts(
  { check, ways, send, store, schedule, now, log }: AlertsPorts,
) {
  let state: AlertState = NO_ALERTS;
  /** The stored records as JSON; absent before they are read. */
  let kept: string | undefined;
  /** Failures that the log has already told. */
  const isTold = { look: false, keep: false };
  let isStopped = false;
  let lookedAt: number | undefined;
  let cancel: (() => void) | undefined;
  let running: Promise<void> | undefined;

  async function look(): Promise<void> {
    const seen = await check();
    if (kept === undefined) {
      const records = await store.alerts();
      state = { ...NO_ALERTS, records };
      kept = JSON.stringify(records);
    }
    const at = now();
    const stepMs = Math.min(MAX_STEP_MS, Math.max(0, at - (lookedAt ?? at)));
    lookedAt = at;
    const before = state;
    state = judgeAlerts(state, seen, stepMs, at);
    report(before, state, log);
    await keep();
    for (const due of dueAlerts(state, now())) {
      if (isStopped) return;
      const after = await told(due);
      const key = alertKey(due);
      const records = state.records.map((one) => alertKey(one) === key ? after : one);
      state = { ...state, records };
      await keep();
    }
  }

  /** Stores the records, if they have changed. Alerts about the store itself may stay in memory. */
  async function keep(): Promise<void> {
    const text = JSON.stringify(state.records);
    if (text === kept) return;
    try {
      await store.keepAlerts(state.records, now());
      kept = text;
      isTold.keep = false;
    } catch (error) {
      if (!isTold.keep) log.warn("Cannot store which alerts are open", { error });
      isTold.keep = true;
    }
  }

  /** Tells it by all ways; one that works is enough. */
  async function told(record: AlertRecord): Promise<AlertRecord> {
    const { kind, about, owed } = record;
    const message = messageOf(record, now());
    const failures: string[] = [];
    let isSent = false;
    for (const way of ways()) {
      const fields = { alert: kind, about: about || undefined, event: owed?.event, way };
      try {
        await send(way, message, record);
        isSent = true;
        log.info("The owners were told of an alert", fields);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        failures.push(`${way}: ${reason}`);
        log.warn("Cannot tell the owners of an alert", { ...fields, reason });
      }
    }
    const why = failures.join("; ") || "no way to them works now";
    return isSent ? afterSent(record, now()) : afterFailure(record, why, now());
  }

  async function lookOnce(): Promise<void> {
    try {
      await look();
      isTold.look = false;
    } catch (error) {
      if (!isTold.look) log.warn("Cannot look for alerts; will try again", { error });
      isTold.look = true;
    }
  }

  function run(): void {
    running ??= lookOnce().finally(() => {
      running = undefined;
      if (!isStopped) cancel = schedule(run, LOOK_MS);
    });
  }

  return {
    start: run,
    /** Alerts that have not ended, oldest first. */
    open: (): readonly AlertRecord[] => state.records.filter(isOpen),
    /** Looks at once, because this process ends by itself. */
    async lastLook(): Promise<void> {
      await running;
      if (!isStopped) await lookOnce();
    },
    /** Ends it; an attempt under way ends first. */
    async stop(): Promise<void> {
      isStopped = true;
      cancel?.();
      await running;
    },
  };
}

/** Logs the alerts that have begun and ended. */
function report(before: AlertState, after: AlertState, log: AlertsPorts["log"]): void {
  const known = new Map(before.records.map((record) => [alertKey(record), record]));
  for (const record of after.records) {
    const { kind, about, cause, fix, since, endedAt } = record;
    const old = known.get(alertKey(record));
    const wasOpen = old !== undefined && isOpen(old);
    const fields = { alert: kind, about: about || undefined };
    if (endedAt === undefined && !wasOpen) log.warn(rowOf(kind).begins, { ...fields, cause, fix });
    if (endedAt !== undefined && wasOpen) {
      log.info(rowOf(kind).ends, { ...fields, sec: Math.round((endedAt - since) / 1_000) });
    }
  }
}

export type Alerts = ReturnType<typeof createAlerts>;
