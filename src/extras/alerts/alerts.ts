/**
 * Watches for trouble, and tells the owners of it: looks at the facts, decides, stores, sends (O12).
 *
 * An alert is stored before its message is sent, and again after it. So a crash loses none, and
 * repeats one only if it falls between the message and its record.
 */

import type { Account } from "../../core/account/account.ts";
import type { AlertRecord, AlertWay } from "../../core/alerts.ts";
import type { Finding } from "../../core/finding.ts";
import {
  afterFailure,
  afterSent,
  alertKey,
  type AlertState,
  dueMessages,
  isOpen,
  judgeAlerts,
  nextLookMs,
  type NextMessage,
  NO_ALERTS,
  withRecord,
} from "./decide.ts";
import { type AlertTimes, kindOf } from "./kinds.ts";
import { type AlertMessage, alertMessage } from "./words.ts";

export interface AlertsPorts extends Pick<Account, "log" | "now" | "schedule"> {
  readonly times: () => AlertTimes;
  /** Runs the checks of the running bot. */
  readonly check: () => Promise<readonly Finding[]>;
  /** The ways that can work now, in the order of the config. */
  readonly ways: () => readonly AlertWay[];
  /** Sends a message; rejects with words for the operator. */
  readonly send: (way: AlertWay, message: AlertMessage) => Promise<void>;
  readonly store: {
    alerts(): Promise<readonly AlertRecord[]>;
    keepAlerts(records: readonly AlertRecord[], now: number): Promise<void>;
  };
  /** A message was sent, or an attempt has failed. */
  readonly onSent: (kind: string, way: AlertWay, isSent: boolean) => void;
}

/** Milliseconds between two looks, without a reason for an earlier one. */
const LOOK_MS = 10_000;
/** The longest time between two looks that counts as watched. */
const MAX_STEP_MS = 30_000;

/** Creates the watch; it looks at nothing before `start`. */
export function createAlerts(ports: AlertsPorts) {
  const { times, check, ways, send, onSent, schedule, now, log } = ports;
  const records = createRecords(ports);
  let state: AlertState = NO_ALERTS;
  let isLoaded = false;
  /** Whether the last look has failed, as the log says. */
  let isBlind = false;
  let isStopped = false;
  let isEnding = false;
  let lookedAt: number | undefined;
  let cancel: (() => void) | undefined;
  let running: Promise<void> | undefined;

  async function look(seen: readonly Finding[]): Promise<void> {
    if (!isLoaded) state = { records: await records.load(), held: new Map() };
    isLoaded = true;
    const at = now();
    const stepMs = Math.min(MAX_STEP_MS, Math.max(0, at - (lookedAt ?? at)));
    lookedAt = at;
    const before = state;
    state = judgeAlerts(state, seen, times(), stepMs, at);
    report(before, state, log);
    await records.keep(state);
    for (;;) {
      const [due] = dueMessages(state, ways(), now());
      if (!due || isStopped) return;
      state = withRecord(state, await sent(due));
      await records.keep(state);
    }
  }

  async function sent(due: NextMessage): Promise<AlertRecord> {
    const { record, event, way } = due;
    if (way === undefined) return afterSent(record, "dm", now());
    const fields = { alert: record.kind, about: record.about || undefined, event, way };
    try {
      await send(way, alertMessage(record, event, now()));
      log.info("The owners were told of an alert", fields);
      onSent(record.kind, way, true);
      return afterSent(record, way, now());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const after = afterFailure(due, `${way}: ${reason}`, now(), isEnding);
      const nextAt = after.owed && new Date(after.owed.nextAt).toISOString();
      log.warn("Cannot tell the owners of an alert", { ...fields, reason, nextAt });
      onSent(record.kind, way, false);
      return after;
    }
  }

  async function lookOnce(): Promise<void> {
    try {
      await look(await check());
      isBlind = false;
    } catch (error) {
      if (!isBlind) log.warn("Cannot look for alerts; will try again", { error });
      isBlind = true;
    }
  }

  function next(): void {
    cancel?.();
    cancel = undefined;
    if (isStopped) return;
    cancel = schedule(run, nextLookMs(state, times(), now(), LOOK_MS));
  }

  function run(): void {
    running ??= lookOnce().finally(() => {
      running = undefined;
      next();
    });
  }

  return {
    start: run,
    /** Alerts that have not ended, oldest first. */
    open: (): readonly AlertRecord[] => state.records.filter(isOpen),
    /** Looks at once, because this process ends by itself. Each way is tried once. */
    async lastLook(): Promise<void> {
      isEnding = true;
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

/** Loads and keeps the records. Alerts about the store itself may stay in memory. */
function createRecords({ store, now, log }: Pick<AlertsPorts, "store" | "now" | "log">) {
  let kept = "[]";
  let isUnkept = false;
  return {
    async load(): Promise<readonly AlertRecord[]> {
      const records = await store.alerts();
      kept = JSON.stringify(records);
      return records;
    },
    /** Stores them, if they have changed; never rejects. */
    async keep({ records }: AlertState): Promise<void> {
      const text = JSON.stringify(records);
      if (text === kept) return;
      try {
        await store.keepAlerts(records, now());
        kept = text;
        isUnkept = false;
      } catch (error) {
        if (!isUnkept) log.warn("Cannot store which alerts are open", { error });
        isUnkept = true;
      }
    },
  };
}

/** Logs the alerts that have begun and ended. */
function report(before: AlertState, after: AlertState, log: AlertsPorts["log"]): void {
  const known = new Map(before.records.map((record) => [alertKey(record), record]));
  for (const record of after.records) {
    const { kind, about, cause, fix, since, endedAt } = record;
    const row = kindOf(kind);
    const old = known.get(alertKey(record));
    const wasOpen = old !== undefined && isOpen(old);
    const fields = { alert: kind, about: about || undefined };
    if (endedAt === undefined && !wasOpen) log.warn(row?.begins ?? kind, { ...fields, cause, fix });
    if (endedAt !== undefined && wasOpen && row?.ends) {
      log.info(row.ends, { ...fields, sec: Math.round((endedAt - since) / 1_000) });
    }
  }
}

export type Alerts = ReturnType<typeof createAlerts>;
