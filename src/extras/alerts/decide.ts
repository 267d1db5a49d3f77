/**
 * Decides which alerts begin and end, and which message the owners are to get next, and how (O12).
 *
 * All functions are pure: alerts and facts give alerts. So a table of facts and times tests them.
 */

import type {
  AlertEvent,
  AlertKindName,
  AlertRecord,
  AlertWay,
  OwedMessage,
  Trouble,
} from "../../core/alerts.ts";
import { DAY_MS } from "../../lib/clock.ts";
import type { Finding } from "../../core/finding.ts";
import { type AlertTimes, kindOf, seenIn } from "./kinds.ts";

export interface AlertState {
  readonly records: readonly AlertRecord[];
  /**
   * Milliseconds for which trouble without an alert has held, or for which that of an open alert is
   * gone, by {@link alertKey}. It is not stored: a start counts anew.
   */
  readonly held: ReadonlyMap<string, Held>;
}

/** See {@link AlertState.held}. */
export interface Held {
  readonly kind: AlertKindName;
  readonly ms: number;
  /** Unix time in milliseconds from which it counts. */
  readonly since: number;
}

/** No alert, as at the first start. */
export const NO_ALERTS: AlertState = { records: [], held: new Map() };

/** Longest hold of an end, for trouble that keeps coming back, in milliseconds. */
const MAX_END_MS = 60 * 60_000;
/** How long the hold is at least once trouble has come back, before it is doubled. */
const RETURN_MS = 60_000;

export function alertKey({ kind, about }: Pick<Trouble, "kind" | "about">): string {
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
  times: AlertTimes,
  stepMs: number,
  now: number,
): AlertState {
  const open = new Map(records.map((record) => [alertKey(record), record]));
  const seen = new Map(
    // Of several shards, the one with trouble counts.
    seenIn(findings).toSorted((one, other) => ORDER.indexOf(one.state) - ORDER.indexOf(other.state))
      .map((one) => [alertKey(one), one]),
  );
  const next: AlertRecord[] = [];
  const heldNow = new Map<string, Held>();
  const hold = (key: string, kind: AlertKindName): Held => {
    const before = held.get(key) ?? { kind, ms: -stepMs, since: now };
    const after = { ...before, ms: before.ms + stepMs };
    heldNow.set(key, after);
    return after;
  };

  for (const [key, { state, ...trouble }] of seen) {
    if (state !== "trouble") continue;
    const record = open.get(key);
    if (record && isOpen(record)) {
      next.push(repeated({ ...record, ...trouble, fix: trouble.fix }, now));
      continue;
    }
    const { ms, since } = hold(key, trouble.kind);
    if (ms >= (kindOf(trouble.kind)?.beginMs(times) ?? 0)) {
      heldNow.delete(key);
      next.push(begun(trouble, since, now, record));
    } else if (record) next.push(record);
  }
  for (const [key, record] of open) {
    const state = seen.get(key)?.state;
    if (state === "trouble") continue;
    if (!isOpen(record)) {
      if (now - (record.endedAt ?? 0) < DAY_MS) next.push(record);
      continue;
    }
    if (state === undefined) { // its object is gone
      next.push({ ...record, owed: undefined, endedAt: now });
      continue;
    }
    if (state === "unknown") {
      next.push(record);
      continue;
    }
    const { ms, since } = hold(key, record.kind);
    if (ms < endMsOf(record, times)) next.push(record);
    else {
      heldNow.delete(key);
      next.push(ended(record, since, now));
    }
  }
  return { records: next, held: heldNow };
}

const ORDER = ["unknown", "well", "trouble"] as const;

/** Trouble that keeps coming back must be gone for longer each time, so it floods no one. */
function endMsOf({ kind, returns }: AlertRecord, times: AlertTimes): number {
  const row = kindOf(kind);
  const endMs = row?.endMs(times) ?? 0;
  if (returns === 0) return endMs;
  return row?.returnedEndMs ?? Math.min(MAX_END_MS, Math.max(RETURN_MS, endMs) * 2 ** returns);
}

function begun(
  trouble: Trouble,
  since: number,
  now: number,
  before: AlertRecord | undefined,
): AlertRecord {
  const returns = before ? before.returns + 1 : 0;
  return { ...trouble, since, returns, owed: owe("begins", now) };
}

function owe(event: AlertEvent, nextAt: number): OwedMessage {
  return { event, nextAt, tries: 0, failed: [] };
}

/** An open alert, with a message about it once a day. */
function repeated(record: AlertRecord, now: number): AlertRecord {
  const { kind, told, owed } = record;
  const isDue = told && !owed && now - told.at >= DAY_MS && kindOf(kind)?.isRepeated;
  return isDue ? { ...record, owed: owe("lasts", now) } : record;
}

function ended(record: AlertRecord, endedAt: number, now: number): AlertRecord {
  const { owed: _, ...rest } = record;
  return kindOf(record.kind)?.ends
    ? { ...rest, endedAt, owed: owe("ends", now) }
    : { ...rest, endedAt };
}

/** The next message to send: of an alert, by a way. */
export interface NextMessage {
  readonly record: AlertRecord;
  readonly event: AlertEvent;
  /** Absent if the owners know already, by a notice of another part. */
  readonly way?: AlertWay;
  /** Whether `way` is the last one of this round. */
  readonly isLast: boolean;
}

/**
 * Finds the messages that are due, with the way of each.
 *
 * @param ways The ways that can work now, in the order of the config.
 */
export function dueMessages(
  { records, held }: AlertState,
  ways: readonly AlertWay[],
  now: number,
): readonly NextMessage[] {
  return records.flatMap((record): readonly NextMessage[] => {
    const { owed, told, isNoticed } = record;
    // Trouble that is gone just now may be over before the message is read.
    const isGone = isOpen(record) && held.has(alertKey(record));
    if (!owed || isLater(owed, now) || isGone) return [];
    const { event } = owed;
    if (event === "begins" && isNoticed && ways[0] === "dm") {
      return [{ record, event, isLast: true }];
    }
    const own = told && event === "ends" && ways.includes(told.way) ? [told.way] : [];
    const [way, ...others] = [...new Set([...own, ...ways])]
      .filter((one) => !owed.failed.includes(one));
    return way === undefined ? [] : [{ record, event, way, isLast: others.length === 0 }];
  });
}

/** Attempts by one way, and milliseconds between them: after the last one, the next way is tried. */
const WAITS_MS: readonly number[] = [5_000, 30_000];
/** Milliseconds after which all ways are tried again. */
const ROUND_MS = 60 * 60_000;

/** Whether a message waits. Of a clock that was set back, no longer wait counts than of a round. */
function isLater({ nextAt }: OwedMessage, now: number): boolean {
  return nextAt > now && nextAt - now <= ROUND_MS;
}

export function afterSent(record: AlertRecord, way: AlertWay, now: number): AlertRecord {
  const { owed: _, failure: __, ...rest } = record;
  return { ...rest, told: { at: now, way } };
}

/**
 * The alert after a message could not be sent.
 *
 * @param isEnding Whether the process ends, so that no way is tried twice.
 */
export function afterFailure(
  { record, way, isLast }: NextMessage,
  failure: string,
  now: number,
  isEnding = false,
): AlertRecord {
  const { owed } = record;
  if (!owed || way === undefined) return record;
  const wait = isEnding ? undefined : WAITS_MS[owed.tries];
  if (wait !== undefined) {
    return { ...record, failure, owed: { ...owed, tries: owed.tries + 1, nextAt: now + wait } };
  }
  const next: OwedMessage = isLast
    ? { ...owed, tries: 0, failed: [], nextAt: now + ROUND_MS }
    : { ...owed, tries: 0, failed: [...owed.failed, way], nextAt: now };
  return { ...record, failure, owed: next };
}

export function withRecord({ records, held }: AlertState, changed: AlertRecord): AlertState {
  const key = alertKey(changed);
  return { held, records: records.map((one) => alertKey(one) === key ? changed : one) };
}

/** Milliseconds until the next look is due at the latest, for holds and messages; at most `most`. */
export function nextLookMs(
  { records, held }: AlertState,
  times: AlertTimes,
  now: number,
  most: number,
): number {
  const waits = records.flatMap(({ owed }) => owed && owed.nextAt > now ? [owed.nextAt - now] : []);
  for (const [key, { kind, ms }] of held) {
    const record = records.find((one) => alertKey(one) === key && isOpen(one));
    waits.push((record ? endMsOf(record, times) : kindOf(kind)?.beginMs(times) ?? 0) - ms);
  }
  return Math.max(LEAST_MS, Math.min(most, ...waits));
}

const LEAST_MS = 250;
