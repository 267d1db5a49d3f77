/**
 * Judges the bot's health: takes a snapshot and returns a verdict per check.
 *
 * Every endpoint and the status line use these checks. With two separate sources, one once said
 * "fine" for weeks while the other was down.
 *
 * @module
 */

import { accountChecks } from "./account_checks.ts";
import { type Check, grade, type Status } from "./check.ts";
import { OUTAGE_MS } from "./gateway_checks.ts";
import type { AccountSnapshot, Snapshot } from "./snapshot.ts";

const MAIN_TICK_MAX_MS = 60_000;
const GATEWAY_TICK_MAX_MS = 30_000;

const MB = 1_000_000;
/** Maximum UTF-16 units of a reason in a check. */
const MAX_REASON = 300;

/**
 * Whether both threads run and Discord accepts at least one account.
 *
 * Only these faults justify a restart: an outage of Discord, of a model or of the disk would
 * outlast it.
 *
 * @param now Unix time in milliseconds.
 */
export function isAlive(snapshot: Snapshot, now: number): boolean {
  const { mainTickAt, gatewayTickAt = now, accounts } = snapshot;
  const enabled = accounts.filter(({ state }) => state !== "disabled");
  return now - mainTickAt <= MAIN_TICK_MAX_MS && now - gatewayTickAt <= GATEWAY_TICK_MAX_MS &&
    !(enabled.length > 0 && enabled.every(isTurnedAway));
}

function isTurnedAway({ state, shards }: AccountSnapshot): boolean {
  return state === "ended" ||
    shards.length > 0 && shards.every((shard) => shard.state === "fatal");
}

/**
 * Runs every check on a snapshot.
 *
 * @param now Unix time in milliseconds.
 */
export function judge(snapshot: Snapshot, now: number): readonly Check[] {
  return [
    ...accountChecks(snapshot.accounts, now),
    ...config(snapshot),
    storage(snapshot),
    inbox(snapshot),
    depth("inbox:depth", snapshot.inbox.waiting + snapshot.inbox.running),
    outbox(snapshot),
    depth("outbox:depth", snapshot.outbox.pending + snapshot.outbox.sending),
    uncertain(snapshot),
    dead(snapshot),
    ...models(snapshot, now),
    ...embedding(snapshot),
    lifecycle(snapshot),
    uptime(snapshot, now),
    eventLoopLag(snapshot),
    memory(snapshot),
  ];
}

/** Whether a message sent now would be answered, as far as the checks show. */
export function isReady(checks: readonly Check[]): boolean {
  return checks.every((check) => check.isReady);
}

/** The worst status of all: one failure fails the whole. */
export function worst(checks: readonly Check[]): Status {
  const found = new Set(checks.map(({ status }) => status));
  return found.has("fail") ? "fail" : found.has("warn") ? "warn" : "pass";
}

/** An invalid config file is not applied; the last valid config stays in use (C9). */
function config({ config }: Snapshot): readonly Check[] {
  if (!config) return [];
  const { problem, revision } = config;
  return [{
    name: "config:current",
    observedValue: problem === undefined ? revision : `${revision} stays in use: ${problem}`,
    status: problem === undefined ? "pass" : "warn",
    isReady: true,
  }];
}

function storage({ store }: Snapshot): Check {
  return {
    name: "storage:write",
    ...(store.isFailing
      ? { observedValue: storageFailure(store) }
      : { observedValue: store.probeMs, observedUnit: "ms" }),
    status: store.isFailing ? "fail" : grade(store.probeMs, 500),
    isReady: !store.isFailing,
  };
}

function storageFailure({ isDamaged, isFull }: Snapshot["store"]): string {
  if (isDamaged) return "the database is damaged";
  return isFull ? "the disk is full" : "the last write failed; the log has the reason";
}

function inbox({ inbox: { oldestMs } }: Snapshot): Check {
  return {
    name: "inbox:oldest",
    observedValue: oldestMs / 1_000,
    observedUnit: "s",
    status: grade(oldestMs, 60_000, 600_000),
    isReady: oldestMs <= 600_000,
  };
}

/** Judges waiting messages by their age, not by their number. */
function depth(name: string, messages: number): Check {
  return {
    name,
    observedValue: messages,
    observedUnit: "messages",
    status: "pass",
    isReady: true,
  };
}

/** While Discord's REST API is down, unsent messages are no fault of the bot. */
function outbox({ outbox: { oldestMs }, accounts }: Snapshot): Check {
  const isUp = accounts.every(({ state, rest }) => state !== "running" || rest.isUp);
  return {
    name: "outbox:oldest",
    observedValue: oldestMs / 1_000,
    observedUnit: "s",
    status: grade(oldestMs, 30_000, isUp ? 120_000 : Infinity),
    isReady: oldestMs < 120_000,
  };
}

function uncertain({ outbox: { uncertain } }: Snapshot): Check {
  return {
    name: "outbox:uncertain",
    observedValue: uncertain,
    observedUnit: "messages",
    status: grade(uncertain, 0),
    isReady: true,
  };
}

/** Unanswered messages that no retry will answer. */
function dead({ outbox: { dead } }: Snapshot): Check {
  return {
    name: "outbox:dead",
    observedValue: dead,
    observedUnit: "messages",
    status: grade(dead, 0),
    isReady: true,
  };
}

function models({ models }: Snapshot, now: number): readonly Check[] {
  const outageMs = Math.min(...models.map(({ openAt = now }) => now - openAt));
  const isAnyUp = models.some(({ openAt }) => openAt === undefined);
  return models.map(({ id, openAt }) => ({
    name: `llm:${id}`,
    observedValue: openAt === undefined ? "closed" : "open",
    status: openAt === undefined ? "pass" : outageMs > OUTAGE_MS ? "fail" : "warn",
    isReady: isAnyUp,
  }));
}

/** The bot answers without it: notes are found by words alone then. */
function embedding({ embedding }: Snapshot): readonly Check[] {
  if (!embedding) return [];
  const { id, failure } = embedding;
  return [{
    name: `embedding:${id}`,
    observedValue: failure
      ? `fails since ${new Date(failure.since).toISOString()}: ${failure.why.slice(0, MAX_REASON)}`
      : "no failure",
    status: failure ? "warn" : "pass",
    isReady: true,
  }];
}

function lifecycle({ phase }: Snapshot): Check {
  return {
    name: "lifecycle:phase",
    observedValue: phase,
    status: phase === "starting" ? "warn" : "pass",
    isReady: phase === "running",
  };
}

function uptime({ startedAt }: Snapshot, now: number): Check {
  return {
    name: "process:uptime",
    observedValue: (now - startedAt) / 1_000,
    observedUnit: "s",
    status: "pass",
    isReady: true,
  };
}

function eventLoopLag({ eventLoopLagMs }: Snapshot): Check {
  return {
    name: "process:eventLoopLag",
    observedValue: eventLoopLagMs / 1_000,
    observedUnit: "s",
    status: grade(eventLoopLagMs, 1_000, 10_000),
    isReady: eventLoopLagMs <= 10_000,
  };
}

function memory({ rssBytes }: Snapshot): Check {
  return {
    name: "process:rss",
    observedValue: rssBytes,
    observedUnit: "bytes",
    status: grade(rssBytes, 300 * MB, 400 * MB),
    isReady: true,
  };
}
