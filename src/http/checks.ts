/**
 * Judges the bot's health: takes a snapshot and returns a verdict per check.
 *
 * Every endpoint and the status line use these checks. With two separate sources, one once said
 * "fine" for weeks while the other was down.
 *
 * @module
 */

import { accountChecks, OUTAGE_MS } from "./account_checks.ts";
import { grade, health, type HealthFinding, type Status } from "./health_finding.ts";
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
export function judge(snapshot: Snapshot, now: number): readonly HealthFinding[] {
  const { startedAt, phase, inbox, outbox, eventLoopLagMs, rssBytes } = snapshot;
  return [
    ...accountChecks(snapshot.accounts, now),
    ...config(snapshot),
    storage(snapshot),
    health("inbox:oldest", inbox.oldestMs / 1_000, {
      unit: "s",
      status: grade(inbox.oldestMs, 60_000, 600_000),
      isReady: inbox.oldestMs <= 600_000,
    }),
    // Waiting messages are judged by their age, not by their number.
    messages("inbox:depth", inbox.waiting + inbox.running),
    oldestUnsent(snapshot),
    messages("outbox:depth", outbox.pending + outbox.sending),
    messages("outbox:uncertain", outbox.uncertain, grade(outbox.uncertain, 0)),
    // Unanswered messages that no retry will answer.
    messages("outbox:dead", outbox.dead, grade(outbox.dead, 0)),
    ...models(snapshot, now),
    ...embedding(snapshot),
    health("lifecycle:phase", phase, {
      status: phase === "starting" ? "warn" : "pass",
      isReady: phase === "running",
    }),
    health("process:uptime", (now - startedAt) / 1_000, { unit: "s" }),
    health("process:eventLoopLag", eventLoopLagMs / 1_000, {
      unit: "s",
      status: grade(eventLoopLagMs, 1_000, 10_000),
      isReady: eventLoopLagMs <= 10_000,
    }),
    health("process:rss", rssBytes, {
      unit: "bytes",
      status: grade(rssBytes, 300 * MB, 400 * MB),
    }),
  ];
}

/** Whether a message sent now would be answered, as far as the checks show. */
export function isReady(findings: readonly HealthFinding[]): boolean {
  return findings.every((finding) => finding.isReady);
}

/** The worst status of all: one failure fails the whole. */
export function worst(findings: readonly HealthFinding[]): Status {
  const found = new Set(findings.map(({ status }) => status));
  return found.has("fail") ? "fail" : found.has("warn") ? "warn" : "pass";
}

/** An invalid config file is not applied; the last valid config stays in use (C9). */
function config({ config }: Snapshot): readonly HealthFinding[] {
  if (!config) return [];
  const { problem, revision } = config;
  return [
    problem === undefined
      ? health("config:current", revision)
      : health("config:current", `${revision} stays in use: ${problem}`, { status: "warn" }),
  ];
}

function storage({ store }: Snapshot): HealthFinding {
  const { isFailing, isDamaged, isFull, probeMs } = store;
  if (!isFailing) {
    return health("storage:write", probeMs, { unit: "ms", status: grade(probeMs, 500) });
  }
  const failure = isDamaged
    ? "the database is damaged"
    : isFull
    ? "the disk is full"
    : "the last write failed; the log has the reason";
  return health("storage:write", failure, { status: "fail", isReady: false });
}

function messages(id: string, count: number, status: Status = "pass"): HealthFinding {
  return health(id, count, { unit: "messages", status });
}

/** While Discord's REST API is down, unsent messages are no fault of the bot. */
function oldestUnsent({ outbox: { oldestMs }, accounts }: Snapshot): HealthFinding {
  const isUp = accounts.every(({ state, rest }) => state !== "running" || rest.isUp);
  return health("outbox:oldest", oldestMs / 1_000, {
    unit: "s",
    status: grade(oldestMs, 30_000, isUp ? 120_000 : Infinity),
    isReady: oldestMs < 120_000,
  });
}

function models({ models }: Snapshot, now: number): readonly HealthFinding[] {
  const outageMs = Math.min(...models.map(({ openAt = now }) => now - openAt));
  const isAnyUp = models.some(({ openAt }) => openAt === undefined);
  return models.map(({ id, openAt }) =>
    health(`llm:${id}`, openAt === undefined ? "closed" : "open", {
      status: openAt === undefined ? "pass" : outageMs > OUTAGE_MS ? "fail" : "warn",
      isReady: isAnyUp,
    })
  );
}

/** The bot answers without it: notes are found by words alone then. */
function embedding({ embedding }: Snapshot): readonly HealthFinding[] {
  if (!embedding) return [];
  const { id, failure } = embedding;
  if (!failure) return [health(`embedding:${id}`, "no failure")];
  const text = `fails since ${new Date(failure.since).toISOString()}: ` +
    failure.why.slice(0, MAX_REASON);
  return [health(`embedding:${id}`, text, { status: "warn" })];
}
