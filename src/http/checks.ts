/**
 * Judges the bot's health: takes a snapshot and returns a verdict per check.
 *
 * Every endpoint and the status line use these checks. With two separate sources, one once said
 * "fine" for weeks while the other was down.
 */

import type { AlertRecord } from "../core/alerts.ts";
import { budgetText, isSpent, labelOf } from "../core/spending/budget.ts";
import { cutText, type McpServerState, problemWithWords } from "../core/mcp_state.ts";
import { type CheckCode, runChecks } from "../core/checks.ts";
import { timeText } from "../lib/text/units.ts";
import { ACCOUNT_CHECKS, accountChecks, OUTAGE_MS } from "./account_checks.ts";
import { gradeFigure, type HealthFinding, healthFinding, type Status } from "./health_finding.ts";
import type { AccountSnapshot, ModelSnapshot, Snapshot } from "./snapshot.ts";

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

/** Every check of the running bot, in the order of the reports. */
export const HEALTH_CHECKS: readonly CheckCode<{
  readonly snapshot: Snapshot;
  /** Unix time in milliseconds. */
  readonly now: number;
}, readonly HealthFinding[]>[] = [
  {
    checks: ["account:ended", ...ACCOUNT_CHECKS.flatMap(({ checks }) => checks)],
    run: ({ snapshot, now }) => accountChecks(snapshot.accounts, now),
  },
  { checks: ["config:current"], run: ({ snapshot }) => config(snapshot) },
  {
    checks: ["http:listen"],
    run: ({ snapshot: { deaf = [] } }) =>
      deaf.map(({ section, problem }) =>
        healthFinding("http:listen", problem.slice(0, MAX_REASON), {
          where: section,
          status: "warn",
        })
      ),
  },
  { checks: ["storage:write"], run: ({ snapshot }) => storage(snapshot) },
  {
    checks: ["inbox:oldest", "inbox:depth"],
    run: ({ snapshot: { inbox } }) => [
      healthFinding("inbox:oldest", inbox.oldestMs / 1_000, {
        unit: "s",
        status: gradeFigure(inbox.oldestMs, 60_000, 600_000),
        isReady: inbox.oldestMs <= 600_000,
      }),
      // Waiting messages are judged by their age, not by their number.
      messages("inbox:depth", inbox.waiting + inbox.running),
    ],
  },
  { checks: ["outbox:oldest"], run: ({ snapshot }) => [oldestUnsent(snapshot)] },
  {
    checks: ["outbox:depth", "outbox:uncertain", "outbox:dead"],
    run: ({ snapshot: { outbox } }) => [
      messages("outbox:depth", outbox.pending + outbox.sending),
      messages("outbox:uncertain", outbox.uncertain, gradeFigure(outbox.uncertain, 0)),
      // Unanswered messages that no retry will answer.
      messages("outbox:dead", outbox.dead, gradeFigure(outbox.dead, 0)),
    ],
  },
  { checks: ["llm"], run: ({ snapshot, now }) => models(snapshot, now) },
  { checks: ["budget"], run: ({ snapshot }) => budgets(snapshot) },
  { checks: ["embedding"], run: ({ snapshot }) => embedding(snapshot) },
  { checks: ["mcp"], run: ({ snapshot }) => snapshot.mcpServers.map(mcpServer) },
  { checks: ["alert"], run: ({ snapshot }) => (snapshot.alerts ?? []).map(alert) },
  {
    checks: ["lifecycle:phase"],
    run: ({ snapshot: { phase } }) => [
      healthFinding("lifecycle:phase", phase, {
        status: phase === "starting" ? "warn" : "pass",
        isReady: phase === "running",
      }),
    ],
  },
  {
    checks: ["process:uptime", "process:eventLoopLag", "process:rss"],
    run: ({ snapshot: { startedAt, eventLoopLagMs, rssBytes }, now }) => [
      healthFinding("process:uptime", (now - startedAt) / 1_000, { unit: "s" }),
      healthFinding("process:eventLoopLag", eventLoopLagMs / 1_000, {
        unit: "s",
        status: gradeFigure(eventLoopLagMs, 1_000, 10_000),
        isReady: eventLoopLagMs <= 10_000,
      }),
      ...rssBytes === undefined ? [] : [healthFinding("process:rss", rssBytes, {
        unit: "bytes",
        status: gradeFigure(rssBytes, 300 * MB, 400 * MB),
      })],
    ],
  },
];

export function judgeHealth(snapshot: Snapshot, now: number): readonly HealthFinding[] {
  return [...runChecks("health", HEALTH_CHECKS, { snapshot, now })].flat();
}

/** Whether a message sent now would be answered, as far as the checks show. */
export function isReady(findings: readonly HealthFinding[]): boolean {
  return findings.every((finding) => finding.isReady);
}

/** The worst status of all: one failure fails the whole. */
export function worstStatus(findings: readonly HealthFinding[]): Status {
  const found = new Set(findings.map(({ status }) => status));
  return found.has("fail") ? "fail" : found.has("warn") ? "warn" : "pass";
}

/** Begins the list of the changed keys that a running bot cannot apply. */
const NEXT_START = "a restart applies";

/** An invalid config file is not applied; the last valid config stays in use (C9). */
function config({ config }: Snapshot): readonly HealthFinding[] {
  if (!config) return [];
  const { problem, revision, atTheNextStart = [] } = config;
  const later = atTheNextStart.length === 0 ? "" : `; ${NEXT_START} ${atTheNextStart.join(", ")}`;
  return [
    problem === undefined
      ? healthFinding("config:current", `${revision}${later}`)
      : healthFinding("config:current", `${revision} stays in use: ${problem}`, { status: "warn" }),
  ];
}

function storage({ store }: Snapshot): readonly HealthFinding[] {
  const { isFailing, isDamaged, isFull, probeMs } = store;
  if (!isFailing) {
    const status = gradeFigure(probeMs, 500);
    return [healthFinding("storage:write", probeMs, { unit: "ms", status })];
  }
  const failure = isDamaged
    ? "the database is damaged"
    : isFull
    ? "the disk is full"
    : "the last write failed; the log has the reason";
  return [healthFinding("storage:write", failure, { status: "fail", isReady: false })];
}

function messages(id: string, count: number, status: Status = "pass"): HealthFinding {
  return healthFinding(id, count, { unit: "messages", status });
}

/** While Discord's REST API is down, unsent messages are no fault of the bot. */
function oldestUnsent({ outbox: { oldestMs }, accounts }: Snapshot): HealthFinding {
  const isUp = accounts.every(({ state, rest }) => state !== "running" || rest.isUp);
  return healthFinding("outbox:oldest", oldestMs / 1_000, {
    unit: "s",
    status: gradeFigure(oldestMs, 30_000, isUp ? 120_000 : Infinity),
    isReady: oldestMs < 120_000,
  });
}

function models({ models }: Snapshot, now: number): readonly HealthFinding[] {
  const outageMs = Math.min(...models.map(({ openAt = now }) => now - openAt));
  const isAnyUp = models.some(({ openAt }) => openAt === undefined);
  return models.map(({ id, openAt, ...open }) =>
    healthFinding(`llm:${id}`, openAt === undefined ? "closed" : wordsOfOpen(open), {
      status: openAt === undefined ? "pass" : outageMs > OUTAGE_MS ? "fail" : "warn",
      isReady: isAnyUp,
    })
  );
}

/** A model that fails: how, which fallback answers for it, and what the operator can do. */
function wordsOfOpen({ cover, failure, fix }: Omit<ModelSnapshot, "id" | "openAt">): string {
  const { by, why, until } = cover ?? {};
  const again = until === undefined ? "" : `, asked again at ${new Date(until).toISOString()}`;
  const covered = by === undefined
    ? undefined
    : `${by} answers for it (${why ?? "failed"}${again})`;
  return ["open", covered, failure, fix].filter((part) => part !== undefined).join("; ");
}

/** A spent budget keeps the bot silent, because people wanted it so: its supervisor must do nothing. */
function budgets({ budgets = [] }: Snapshot): readonly HealthFinding[] {
  return budgets.map((use) => {
    const of = use.of === undefined ? "" : `${labelOf(use.of, use.name)}: `;
    return healthFinding("budget", `${isSpent(use) ? "spent: " : ""}${of}${budgetText(use)}`, {
      where: use.rule.replace(/^budgets\./, ""),
      status: isSpent(use) ? "warn" : "pass",
    });
  });
}

/** The bot answers without its tools. */
function mcpServer({ id, state, tools, cut = [], problem, said }: McpServerState): HealthFinding {
  switch (state) {
    case "connecting":
      return healthFinding(`mcp:${id}`, "is connecting");
    case "ready":
      return cut.length === 0
        ? healthFinding(`mcp:${id}`, `${tools} tools`)
        : healthFinding(`mcp:${id}`, `${tools} tools; ${cutText(cut)}`, { status: "warn" });
    case "failing": {
      const text = problemWithWords((problem ?? "it fails").slice(0, MAX_REASON), said);
      return healthFinding(`mcp:${id}`, text, { status: "warn" });
    }
  }
}

/** An open alert, and how far the owners know of it. */
function alert({ kind, about, cause, since, told, failure }: AlertRecord): HealthFinding {
  const known = told
    ? `the owners know by ${told.way} since ${timeText(told.at)}`
    : `the owners do not know yet${failure === undefined ? "" : `: ${failure}`}`;
  return healthFinding(`alert:${kind}`, `since ${timeText(since)}: ${cause}; ${known}`, {
    where: about || undefined,
    status: "warn",
  });
}

/** The bot answers without it: notes are found by words alone then. */
function embedding({ embedding }: Snapshot): readonly HealthFinding[] {
  if (!embedding) return [];
  const { id, failure } = embedding;
  if (!failure) return [healthFinding(`embedding:${id}`, "no failure")];
  const text = `fails since ${new Date(failure.since).toISOString()}: ` +
    failure.why.slice(0, MAX_REASON);
  return [healthFinding(`embedding:${id}`, text, { status: "warn" })];
}
