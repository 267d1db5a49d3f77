/**
 * Judges the bot's health: takes a snapshot and returns a verdict per check.
 *
 * Every endpoint and the status line use these checks. With two separate sources, one once said
 * "fine" for weeks while the other was down.
 */

import type { AlertRecord } from "../core/alerts.ts";
import { type Finding, type Findings, gradeFigure } from "../core/finding.ts";
import { budgetText, isSpent, labelOf } from "../core/spending/budget.ts";
import { cutText, type McpServerState, problemWithWords } from "../core/mcp_state.ts";
import { countText, sizeOf, spanText, timeText } from "../lib/text/units.ts";
import { accountChecks, OUTAGE_MS } from "./account_checks.ts";
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
const CHECKS: readonly ((snapshot: Snapshot, now: number) => Findings)[] = [
  ({ accounts }, now) => accountChecks(accounts, now),
  config,
  ({ deaf = [] }) =>
    deaf.map(({ section: where, problem }) => ({
      id: "http:listen",
      what: "HTTP server",
      status: "warn",
      where,
      why: problem.slice(0, MAX_REASON),
    })),
  storage,
  ({ inbox: { oldestMs, waiting, running } }) => [
    {
      id: "inbox:oldest",
      what: "Oldest question",
      status: gradeFigure(oldestMs, 60_000, 600_000),
      why: waitText(oldestMs),
      ...oldestMs > 600_000 && DEAF,
    },
    // Waiting messages are judged by their age, not by their number.
    count("inbox:depth", "Questions", waiting + running),
  ],
  oldestUnsent,
  ({ outbox: { pending, sending, uncertain, dead } }) => [
    count("outbox:depth", "Answers to send", pending + sending),
    {
      ...count("outbox:uncertain", "Uncertain answers", uncertain, gradeFigure(uncertain, 0)),
      fix: "Barnacle cannot tell whether these answers arrived, and does not send them " +
        "twice: look for them in their channels, and ask again if one is missing",
    },
    {
      ...count("outbox:dead", "Refused answers", dead, gradeFigure(dead, 0)),
      fix: "Discord refused these answers, and Barnacle does not retry them: see its log for " +
        "each reason, fix it, and ask the bot again",
    },
  ],
  ({ slow = [] }) => slow,
  models,
  budgets,
  ({ mcpServers }) => mcpServers.map(mcpServer),
  ({ alerts = [] }) => alerts.map(alert),
  ({ phase: why }) => [{
    id: "lifecycle:phase",
    what: "Phase",
    status: why === "starting" ? "warn" : "pass",
    why,
    ...why !== "running" && DEAF,
  }],
  ({ startedAt }, now) => [
    { id: "process:uptime", what: "Uptime", status: "pass", why: spanText(now - startedAt) },
  ],
  ({ eventLoopLagMs }) => [{
    id: "process:eventLoopLag",
    what: "Event loop",
    status: gradeFigure(eventLoopLagMs, 1_000, 10_000),
    why: `it lags ${spanText(eventLoopLagMs)}; heartbeats do not wait for it, because another ` +
      "thread sends them",
    fix: eventLoopLagMs > 1_000
      ? "see which other programs are busy (`top`), and check the temperature"
      : undefined,
    ...eventLoopLagMs > 10_000 && DEAF,
  }],
  ({ rssBytes }) =>
    rssBytes === undefined ? [] : [{
      id: "process:rss",
      what: "Memory",
      status: gradeFigure(rssBytes, 300 * MB, 400 * MB),
      why: sizeOf(rssBytes),
    }],
];

/** No message gets an answer. */
const DEAF = { isReady: false } as const;

export function judgeHealth(snapshot: Snapshot, now: number): Findings {
  return CHECKS.flatMap((check) => check(snapshot, now));
}

/** Whether a message sent now would be answered, as far as the checks show. */
export function isReady(findings: Findings): boolean {
  return findings.every((finding) => finding.isReady !== false);
}

/** An invalid config file is not applied; the last valid config stays in use (C9). */
function config({ config }: Snapshot): Findings {
  if (!config) return [];
  const { problem, revision, atTheNextStart = [] } = config;
  const about = { id: "config:current", what: "Config in use" };
  if (problem !== undefined) {
    return [{ ...about, status: "warn", why: `${revision} stays in use: ${problem}` }];
  }
  const later = atTheNextStart.length === 0
    ? ""
    : `; a restart applies ${atTheNextStart.join(", ")}`;
  return [{ ...about, status: "pass", why: `${revision}${later}` }];
}

function storage({ store }: Snapshot): Findings {
  const { isFailing, isDamaged, isFull, probeMs } = store;
  const about = { id: "storage:write", what: "Store" };
  if (!isFailing) return [{ ...about, status: gradeFigure(probeMs, 500), why: spanText(probeMs) }];
  const [why, fix] = isDamaged
    ? ["the database is damaged", "stop Barnacle, and run `barnacle doctor`"]
    : isFull
    ? ["the disk is full", "free some room: `df -h` shows the disks"]
    : [
      "the last write failed; the log has the reason",
      "check that the disk has room, is mounted and is writable: `df -h`, `mount`",
    ];
  return [{ ...about, status: "fail", why, fix, ...DEAF }];
}

function count(
  id: string,
  what: string,
  number: number,
  status: Finding["status"] = "pass",
): Finding {
  return { id, what, status, why: countText(number, "message") };
}

function waitText(ms: number): string {
  return ms === 0 ? "nothing waits" : `waits for ${spanText(ms)}`;
}

/** While Discord's REST API is down, unsent messages are no fault of the bot. */
function oldestUnsent({ outbox: { oldestMs }, accounts }: Snapshot): Findings {
  const isUp = accounts.every(({ state, rest }) => state !== "running" || rest.isUp);
  return [{
    id: "outbox:oldest",
    what: "Oldest answer",
    status: gradeFigure(oldestMs, 30_000, isUp ? 120_000 : Infinity),
    why: waitText(oldestMs),
    ...oldestMs >= 120_000 && DEAF,
  }];
}

function models({ models }: Snapshot, now: number): Findings {
  const outageMs = Math.min(...models.map(({ openAt = now }) => now - openAt));
  const isAnyUp = models.some(({ openAt }) => openAt === undefined);
  return models.map(({ id, openAt, hasAnswered, down, ...open }): Finding => {
    const about = { id: `llm:${id}`, what: `Model ${id}` };
    if (openAt === undefined) {
      return { ...about, status: hasAnswered ? "pass" : "skipped", why: "no failed requests" };
    }
    return {
      ...about,
      status: down && !open.cover || outageMs > OUTAGE_MS ? "fail" : "warn",
      why: wordsOfOpen(open, down?.cause),
      fix: down?.fix ?? open.fix,
      ...!isAnyUp && DEAF,
      ...down?.needsOperator && { needsOperator: true as const },
    };
  });
}

/** A model that fails: how, and which fallback answers for it. */
function wordsOfOpen({ cover, failure }: Omit<ModelSnapshot, "id">, cause?: string): string {
  const { by, why, until } = cover ?? {};
  const again = until === undefined ? "" : `, asked again at ${new Date(until).toISOString()}`;
  const covered = by === undefined
    ? undefined
    : `${by} answers for it (${why ?? "failed"}${again})`;
  const words = cause === undefined
    ? ["its last requests failed", covered, failure]
    : [cause, covered];
  return words.filter((part) => part !== undefined).join("; ");
}

/** A spent budget keeps the bot silent, because people wanted it so: its supervisor must do nothing. */
function budgets({ budgets = [] }: Snapshot): Findings {
  return budgets.flatMap((use): Findings => {
    const { of, name, rule: where } = use;
    const why = `${of === undefined ? "" : `${labelOf(of, name)}: `}${budgetText(use)}`;
    const about = { id: "budget", what: "Budget", where, why };
    return isSpent(use)
      ? [{
        ...about,
        status: "warn",
        why: `spent: ${why}`,
        fix: `raise \`${where}\`, or wait until its day or month ends`,
      }]
      : [{ ...about, status: "pass" }];
  });
}

/** The bot answers without its tools. */
function mcpServer({ id, state, tools, cut = [], problem, said }: McpServerState): Finding {
  const about = { id: `mcp:${id}`, what: `MCP server ${id}` };
  switch (state) {
    case "connecting":
      return { ...about, status: "pass", why: "is connecting" };
    case "ready":
      return cut.length === 0
        ? { ...about, status: "pass", why: `${tools} tools` }
        : { ...about, status: "warn", why: `${tools} tools; ${cutText(cut)}` };
    case "failing": {
      const why = problemWithWords((problem ?? "it fails").slice(0, MAX_REASON), said);
      return { ...about, status: "warn", why };
    }
  }
}

/** An open alert, and how far the owners know of it. */
function alert({ kind, about, cause, since, toldAt, failure }: AlertRecord): Finding {
  const known = toldAt !== undefined
    ? `the owners know since ${timeText(toldAt)}`
    : `the owners do not know yet${failure === undefined ? "" : `: ${failure}`}`;
  return {
    id: `alert:${kind}`,
    what: "Alert",
    status: "warn",
    where: about || undefined,
    why: `since ${timeText(since)}: ${cause}; ${known}`,
  };
}
