/**
 * Judges the bot's health: one snapshot in, a verdict per check out.
 *
 * Every endpoint and the status line are answers to these checks. Where health
 * was read from two places, one of them said "fine" for weeks while the other
 * was down.
 *
 * @module
 */

import { type Check, grade, type Status } from "./check.ts";
import { gatewayChecks, OUTAGE_MS } from "./gateway_checks.ts";
import type { Snapshot } from "./snapshot.ts";

const MAIN_TICK_MAX_MS = 60_000;
const GATEWAY_TICK_MAX_MS = 30_000;

const MB = 1_000_000;

/**
 * Whether both threads move and Discord has not turned every account away.
 *
 * Nothing else makes the process worth a restart: an outage of Discord, of a
 * model or of the disk would outlast it.
 *
 * @param now Unix time in milliseconds.
 */
export function isAlive(snapshot: Snapshot, now: number): boolean {
  const { mainTickAt, gatewayTickAt = now, shards } = snapshot;
  const isFatal = shards.length > 0 && shards.every(({ state }) => state === "fatal");
  return now - mainTickAt <= MAIN_TICK_MAX_MS && now - gatewayTickAt <= GATEWAY_TICK_MAX_MS &&
    !isFatal;
}

/**
 * Makes every check of a snapshot.
 *
 * @param now Unix time in milliseconds.
 */
export function judge(snapshot: Snapshot, now: number): readonly Check[] {
  return [
    ...gatewayChecks(snapshot, now),
    ...findings(snapshot),
    storage(snapshot),
    inbox(snapshot),
    depth("inbox:depth", snapshot.inbox.waiting + snapshot.inbox.running),
    outbox(snapshot),
    depth("outbox:depth", snapshot.outbox.pending + snapshot.outbox.sending),
    uncertain(snapshot),
    dead(snapshot),
    ...parked(snapshot),
    invalidRequests(snapshot),
    ...models(snapshot, now),
    lifecycle(snapshot),
    uptime(snapshot, now),
    eventLoopLag(snapshot),
    memory(snapshot),
  ];
}

/** Whether, as far as anything tells, a message sent now would be answered. */
export function isReady(checks: readonly Check[]): boolean {
  return checks.every((check) => check.isReady);
}

/** The worst of all: one failure fails the whole. */
export function worst(checks: readonly Check[]): Status {
  const found = new Set(checks.map(({ status }) => status));
  return found.has("fail") ? "fail" : found.has("warn") ? "warn" : "pass";
}

/** Whether the bot answers is told by what it does; these say why it may not. */
function findings({ findings }: Snapshot): readonly Check[] {
  return findings.map(({ id, where, why }) => ({
    name: `preflight:${id}`,
    ...(where !== undefined && { componentId: where }),
    observedValue: why,
    status: "warn",
    isReady: true,
  }));
}

function storage({ store }: Snapshot): Check {
  return {
    name: "storage:write",
    observedValue: store.probeMs,
    observedUnit: "ms",
    status: store.isFailing ? "fail" : grade(store.probeMs, 500),
    isReady: !store.isFailing,
  };
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

/** For people: what waits is judged by its age, not by its number. */
function depth(name: string, messages: number): Check {
  return {
    name,
    observedValue: messages,
    observedUnit: "messages",
    status: "pass",
    isReady: true,
  };
}

/** While Discord's REST API is down, unsent messages are no fault of ours. */
function outbox({ outbox: { oldestMs }, rest }: Snapshot): Check {
  return {
    name: "outbox:oldest",
    observedValue: oldestMs / 1_000,
    observedUnit: "s",
    status: grade(oldestMs, 30_000, rest.isUp ? 120_000 : Infinity),
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

/** Nobody was answered, and nothing will mend it by itself. */
function dead({ outbox: { dead } }: Snapshot): Check {
  return {
    name: "outbox:dead",
    observedValue: dead,
    observedUnit: "messages",
    status: grade(dead, 0),
    isReady: true,
  };
}

/** A permission is for people to grant; the bot serves everybody else meanwhile. */
function parked({ parked }: Snapshot): readonly Check[] {
  return parked.map(({ channelId, reason, waiting }) => ({
    name: "outbox:parked",
    componentId: channelId,
    observedValue: `${waiting} waiting: ${reason}`,
    status: "warn",
    isReady: true,
  }));
}

function invalidRequests({ rest: { invalidRequests, breaker } }: Snapshot): Check {
  return {
    name: "rest:invalidRequests",
    observedValue: invalidRequests,
    observedUnit: "in 10 min",
    status: breaker === "stopped" ? "fail" : breaker === "slowed" ? "warn" : "pass",
    isReady: breaker !== "stopped",
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
