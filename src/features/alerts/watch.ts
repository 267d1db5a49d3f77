/**
 * Watches the checks of the running bot, and tells the owners of trouble by direct message and by the
 * webhook of the config (O12).
 *
 * An alert is stored before its message is sent, and again after it. So a crash loses none, and
 * repeats one only if it falls between the message and its record. The decisions are pure: alerts and
 * checks give alerts.
 */

import type { Bot } from "../../account/account.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import {
  type AlertKind,
  type AlertRecord,
  type Finding,
  isTrouble,
  type Trouble,
} from "../../core/finding.ts";
import { judgeHealth } from "../../http/checks.ts";
import type { AccountSnapshot } from "../../http/snapshot.ts";
import { DAY_MS, inTime, type StartTimer } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { durationText, timeText } from "../../lib/text/units.ts";
import { messageText, postAlert } from "./webhook.ts";
import type { Watch } from "../../account/features.ts";

interface AlertRow {
  readonly kind: AlertKind;
  /** Ids of its checks. */
  readonly check: RegExp;
  /** The least status that is trouble; so is what lasts until the operator acts. */
  readonly from: "warn" | "fail";
  /** What the alert is about. */
  readonly about: (finding: Finding) => string;
  /** The sentence about its beginning, without a period. */
  readonly begins: string;
  readonly ends: string;
  /** Milliseconds for which trouble must hold until it is an alert. */
  readonly beginMs: number;
  /** Milliseconds for which trouble must be gone until the alert ends. */
  readonly endMs: number;
}

const MINUTE_MS = 60_000;

const whole = () => "";
const account = ({ where = "" }: Finding) => where.replace(/\/.*/, "");

const ROWS: readonly AlertRow[] = [
  {
    kind: "account",
    check: /^account:state$/,
    from: "warn",
    about: account,
    begins: "An account of Barnacle has ended",
    ends: "The account of Barnacle runs again",
    beginMs: 0,
    endMs: 5 * MINUTE_MS, // a start may end in the same way
  },
  {
    kind: "gateway",
    check: /^gateway:connection$/,
    from: "warn",
    about: account,
    begins: "Barnacle is not connected to Discord, so it answers no one",
    ends: "Barnacle is connected to Discord again",
    beginMs: 5 * MINUTE_MS,
    endMs: MINUTE_MS,
  },
  {
    kind: "store",
    check: /^storage:write$/,
    from: "fail",
    about: whole,
    begins: "Barnacle cannot store messages, so it answers no one",
    ends: "Barnacle can store messages again",
    beginMs: MINUTE_MS / 2,
    endMs: MINUTE_MS,
  },
  {
    kind: "model",
    check: /^llm:/,
    from: "fail",
    about: ({ id }) => id.slice("llm:".length),
    begins: "A model of Barnacle fails",
    ends: "The model of Barnacle works again",
    beginMs: 0,
    endMs: 0,
  },
  {
    kind: "backup",
    check: /^host\.backups$/,
    from: "fail",
    about: whole,
    begins: "A backup of Barnacle's data has failed",
    ends: "Backups of Barnacle's data work again",
    beginMs: 0,
    endMs: 0,
  },
];

export function rowOf(kind: AlertKind): AlertRow {
  const row = ROWS.find((one) => one.kind === kind);
  if (!row) throw new Error(`No row for alerts of the kind ${kind}`);
  return row;
}

/** Trouble, none, or a check that cannot tell. */
type Seen = Trouble & { readonly state: "unknown" | "well" | "trouble" };

const ORDER = ["unknown", "well", "trouble"] as const;

/** What the checks say about each alert; of several, the one with trouble counts. */
function seenIn(findings: readonly Finding[]): ReadonlyMap<string, Seen> {
  const all = ROWS.flatMap(({ kind, check, from, about }) =>
    findings.filter(({ id }) => check.test(id)).map((finding): Seen => {
      const { status, why: cause, fix, needsOperator } = finding;
      const isFound = from === "warn" || needsOperator ? isTrouble(finding) : status === from;
      const state = isFound ? "trouble" : status === "skipped" ? "unknown" : "well";
      return { kind, about: about(finding), cause, fix, state };
    })
  );
  return new Map(
    all.toSorted((one, other) => ORDER.indexOf(one.state) - ORDER.indexOf(other.state))
      .map((one) => [alertKey(one), one]),
  );
}

export interface AlertState {
  readonly records: readonly AlertRecord[];
  /**
   * How long trouble without an alert has held, or that of an open alert is gone, by
   * {@link alertKey}. It is not stored: a start counts anew.
   */
  readonly held: ReadonlyMap<string, { readonly ms: number; readonly since: number }>;
}

/** No alert, as at the first start. */
export const NO_ALERTS: AlertState = { records: [], held: new Map() };

export function alertKey({ kind, about }: Trouble): string {
  return about === "" ? kind : `${kind} ${about}`;
}

export function isOpen({ endedAt }: AlertRecord): boolean {
  return endedAt === undefined;
}

/**
 * The alerts after a look at the checks of the running bot.
 *
 * @param stepMs Milliseconds since the last look that count: a computer that slept saw no trouble.
 */
export function judgeAlerts(
  { records, held }: AlertState,
  findings: readonly Finding[],
  stepMs: number,
  now: number,
): AlertState {
  const before = new Map(records.map((record) => [alertKey(record), record]));
  const seen = seenIn(findings);
  const next: AlertRecord[] = [];
  const heldNow = new Map<string, { readonly ms: number; readonly since: number }>();
  /** Whether it has held for a time; then, since when. */
  const hasHeld = (key: string, forMs: number): number | undefined => {
    const { ms, since } = held.get(key) ?? { ms: -stepMs, since: now };
    if (ms + stepMs >= forMs) return since;
    heldNow.set(key, { ms: ms + stepMs, since });
    return undefined;
  };

  for (const [key, { state, ...trouble }] of seen) {
    if (state !== "trouble") continue;
    const record = before.get(key);
    if (record && isOpen(record)) {
      next.push({ ...record, ...trouble });
      continue;
    }
    const since = hasHeld(key, rowOf(trouble.kind).beginMs);
    if (since !== undefined) {
      const returns = record ? record.returns + 1 : 0;
      next.push({ ...trouble, since, returns, owed: { event: "begins", nextAt: now, tries: 0 } });
    } else if (record) next.push(record);
  }
  for (const [key, record] of before) {
    const state = seen.get(key)?.state;
    if (state === "trouble") continue;
    if (!isOpen(record)) {
      if (now - (record.endedAt ?? 0) < DAY_MS) next.push(record);
    } else if (state === undefined) next.push({ ...record, owed: undefined, endedAt: now }); // gone
    else {
      const endedAt = state === "well" ? hasHeld(key, endMsOf(record)) : undefined;
      next.push(
        endedAt === undefined
          ? record
          : { ...record, endedAt, owed: { event: "ends", nextAt: now, tries: 0 } },
      );
    }
  }
  return { records: next, held: heldNow };
}

/** Trouble that keeps coming back must be gone for longer each time, so it floods no one. */
function endMsOf({ kind, returns }: AlertRecord): number {
  const { endMs } = rowOf(kind);
  return returns === 0 ? endMs : Math.min(HOUR_MS, Math.max(MINUTE_MS, endMs) * 2 ** returns);
}

const HOUR_MS = 60 * MINUTE_MS;

/** Alerts with a message to send now. */
export function dueAlerts({ records, held }: AlertState, now: number): readonly AlertRecord[] {
  return records.filter((record) => {
    // Trouble that is gone just now may be over before the message is read.
    const isGone = isOpen(record) && held.has(alertKey(record));
    if (!record.owed || isGone) return false;
    const waitMs = record.owed.nextAt - now;
    return waitMs <= 0 || waitMs > HOUR_MS; // the clock was set back
  });
}

/** The alert after its message was sent. */
export function afterSent(
  { owed: _, failure: __, ...rest }: AlertRecord,
  now: number,
): AlertRecord {
  return { ...rest, toldAt: now };
}

/** The alert after its message reached no one: another attempt follows after 10 s, 1 min, 6 min … 1 h. */
export function afterFailure(record: AlertRecord, failure: string, now: number): AlertRecord {
  const { owed } = record;
  if (!owed) return record;
  const nextAt = now + Math.min(HOUR_MS, 10_000 * 6 ** owed.tries);
  return { ...record, failure, owed: { ...owed, tries: owed.tries + 1, nextAt } };
}

/** A message to the owners. */
export interface AlertMessage {
  readonly title: string;
  /** The other sentences, with cause and next step. */
  readonly body: string;
}

/** The message that an alert owes. */
export function messageOf(record: AlertRecord, now: number): AlertMessage {
  const { kind, about, cause, fix, since, endedAt = now, toldAt, owed } = record;
  const { begins, ends } = rowOf(kind);
  const place = about === "" ? "" : ` (${about})`;
  if (owed?.event === "ends") {
    const lasted = `It lasted ${durationText(endedAt - since)}, from ${timeText(since)} to ` +
      `${timeText(endedAt)}.`;
    const late = toldAt === undefined
      ? ` The cause was: ${cause}. Barnacle could not tell you earlier.`
      : "";
    return { title: `${ends}${place}`, body: lasted + late };
  }
  const begun = now - since < MINUTE_MS ? "" : ` Since ${timeText(since)}.`;
  const step = fix === undefined ? "" : ` Next step: ${fix}.`;
  return { title: `${begins}${place}`, body: `Cause: ${cause}.${begun}${step}` };
}

/** Milliseconds between two looks. */
const LOOK_MS = 10_000;
/** The longest time between two looks that counts as watched. */
const MAX_STEP_MS = 30_000;

/** Milliseconds until an owner must be found. */
const OWNER_MS = 30_000;
/** Milliseconds for a message that is under way when the process stops. */
const LAST_MS = 1_000;

/** Begins the watch, with a look at once. */
export function startAlerts(bot: Bot, schedule: StartTimer): Watch {
  const { store, health: { snapshot, measure, refresh }, now } = bot;
  const log = bot.logging.forPart("health");
  const config = () => bot.setup.config;
  const stopping = new AbortController();

  let state: AlertState = NO_ALERTS;
  /** The stored records as JSON; absent before they are read. */
  let kept: string | undefined;
  /** Failures that the log has already told. */
  const isTold = { look: false, keep: false };
  let isStopped = false;
  let lookedAt: number | undefined;
  let cancel: (() => void) | undefined;
  let running: Promise<void> | undefined;

  async function check() {
    // A failed probe counts until the next one, which comes late if no one asks.
    if (snapshot().store.isFailing) await measure();
    else await refresh();
    const seen = snapshot();
    if (!seen.slow) throw new Error("the store has not been read yet");
    return judgeHealth(seen, now());
  }

  function reachable(): AccountId | undefined {
    const { accounts: shown, store: { isFailing } } = snapshot();
    const id = isFailing ? undefined : shown.find(isOnline)?.id;
    return config().accounts.find(({ accountId }) => accountId === id)?.accountId;
  }

  async function tellOwners(text: string): Promise<void> {
    const accountId = reachable();
    const reaching = accountId && bot.accounts.get(accountId)?.reachOwners(text);
    if (!reaching) throw new Error("no account is connected");
    const reached = await inTime(reaching, OWNER_MS, schedule, () => {
      throw new Error("the owners are not known yet");
    });
    if (reached === 0) throw new Error("no owner accepts direct messages; see `barnacle doctor`");
  }

  async function look(): Promise<void> {
    const seen = await check();
    if (kept === undefined) {
      const records = await store.settings.alerts();
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
      await store.settings.keepAlerts(state.records, now());
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
    for (
      const way of [
        ...config().alerts.dm && reachable() !== undefined ? ["direct message" as const] : [],
        ...config().alerts.webhook ? ["webhook" as const] : [],
      ]
    ) {
      const fields = { alert: kind, about: about || undefined, event: owed?.event, way };
      try {
        const { webhook } = config().alerts;
        if (way === "webhook" && webhook) {
          await postAlert(webhook.reveal(), message, record, stopping.signal);
        } else await tellOwners(messageText(message));
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

  run();
  return {
    open: () =>
      state.records.filter(isOpen).map((record) => ({
        ...record,
        goneSince: state.held.get(alertKey(record))?.since,
      })),
    async lastLook() {
      await running;
      if (!isStopped) await lookOnce();
    },
    async stop() {
      isStopped = true;
      cancel?.();
      // Cut off, a message that has arrived would be sent again after the next start.
      const cancelLast = schedule(() => stopping.abort(), LAST_MS);
      await running;
      cancelLast();
    },
  };
}

/** Logs the alerts that have begun and ended. */
function report(before: AlertState, after: AlertState, log: Log): void {
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

function isOnline({ state, connection, rest }: AccountSnapshot): boolean {
  return state === "running" && rest.isUp && connection?.state === "ready";
}
