/**
 * Judges the bot's health: takes a snapshot and returns a verdict per check.
 *
 * Every endpoint and the status line use these checks. With two separate sources, one once said
 * "fine" for weeks while the other was down.
 *
 * An ended account is no failure of the bot while another one serves: people see it, but a
 * supervisor restarts nothing.
 */

import { type ConnectionState, LOW } from "../core/discord/gateway.ts";
import { type AlertRecord, type Finding, type Findings, gradeFigure } from "../core/finding.ts";
import { cutText, type McpServerState, problemWithWords } from "../core/mcp_state.ts";
import { budgetLabel, budgetText, isSpent } from "../core/spending/budget.ts";
import { countText, pauseText, sizeOf, spanText, timeText } from "../lib/text/units.ts";
import type { AccountSnapshot, ModelSnapshot, Snapshot } from "./snapshot.ts";

/**
 * How long the connection may be away, or all models may fail, before it counts as a failure, in
 * milliseconds.
 */
const OUTAGE_MS = 60_000;

type NameComponent = (part: string) => string;

const ACCOUNT_CHECKS:
  readonly ((account: AccountSnapshot, now: number, of: NameComponent) => Findings)[] = [
    connection,
    heartbeat,
    ({ id: where, connection }) =>
      connection?.state === "ready" && connection.ack
        ? [{ ...ok("gateway:latency", "Latency", spanText(connection.ack.latencyMs)), where }]
        : [],
    ({ id: where, compression }) => {
      const why = compression === "none" ? "off" : compression;
      return why === undefined ? [] : [{ ...ok("gateway:compression", "Compression", why), where }];
    },
    identifyBudget,
    ({ id: where, catchUp: { pending } }) => [{
      id: "gateway:catchUp",
      what: "Catch-up",
      status: gradeFigure(pending, 0), // a running one passes by itself
      where,
      why: pending === 0 ? "complete" : `${countText(pending, "channel")} still to read`,
    }],
    ({ catchUp: { unreadable } }, _now, of) =>
      unreadable.map((channel) => ({
        ...warning("gateway:unreadable", "Catch-up", "Barnacle may not read its history"),
        where: of(channel),
        fix: 'allow the bot "View Channel" and "Read Message History" in that channel; ' +
          "the bot then reads the messages that it missed",
      })),
    ({ id: where, twin }) =>
      twin
        ? [{
          ...warning(
            "instance:lock",
            "Another program",
            `another program may use this bot token: ${twin.evidence}`,
          ),
          where,
          fix:
            "if another program uses this bot's token, stop it, or reset the token in the portal",
        }]
        : [],
    // People wanted it so: its supervisor must do nothing.
    ({ id: where, paused }) =>
      paused ? [{ ...warning("account:paused", "Pause", pauseText(paused)), where }] : [],
    problems,
    // A person must grant a missing permission; meanwhile the bot serves everyone else.
    ({ parked }, _now, of) =>
      parked.map(({ channelId, reason, waiting }) => ({
        ...warning("outbox:parked", "Channel", `${waiting} waiting: ${reason}`),
        where: of(channelId),
        fix:
          "give the bot's role the permission in that channel's settings; the messages that wait " +
          "then arrive by themselves",
      })),
    // The messages behind it in its channel wait, too.
    ({ delayed }, _now, of) =>
      delayed.map(({ row, channelId, reason, nextAttemptAt }) => ({
        ...warning(
          "outbox:delayed",
          "Delivery",
          `message ${row}: ${reason}; next attempt ${new Date(nextAttemptAt).toISOString()}`,
        ),
        where: of(channelId),
      })),
    ({ id: where, rest: { invalidRequests, breaker } }) => [{
      id: "rest:invalidRequests",
      what: "Refused requests",
      status: breaker === "stopped" ? "fail" : breaker === "slowed" ? "warn" : "pass",
      where,
      why: `${invalidRequests} in 10 min`,
      ...breaker === "stopped" && { isReady: false as const },
    }],
    limited,
  ];

/** Runs every check of every account; a check of the account as a whole carries its id. */
function accountChecks(accounts: readonly AccountSnapshot[], now: number): Findings {
  const isServed = accounts.some(({ state }) => state === "running");
  const alone = { isReady: isServed ? undefined : false as const };
  return accounts.flatMap((account): Findings => {
    const { id, end: why = "it has ended" } = account;
    switch (account.state) {
      case "disabled":
        return [{
          ...ok("account:disabled", "Account", "disabled by the config"),
          where: id,
          ...alone,
        }];
      case "ended": {
        const status = isServed ? "warn" : "fail";
        const fix = "run `barnacle doctor`, and start Barnacle again";
        return [
          ...connection(account, now).map((found) => isServed ? asWarning(found) : found),
          { id: "account:state", what: "Account", status, where: id, why, fix, ...alone },
        ];
      }
      case "running":
        // With several accounts, the account's id goes first.
        return [
          ...ACCOUNT_CHECKS.flatMap((check) =>
            check(account, now, (part) => accounts.length === 1 ? part : `${id}/${part}`)
          ),
          { ...ok("account:state", "Account", "it runs"), where: id },
        ];
    }
  });
}

/** Turns a failure into a warning, because another account serves. */
function asWarning(found: Finding): Finding {
  return { ...found, status: found.status === "pass" ? "pass" : "warn", isReady: undefined };
}

const CONNECTION: Readonly<Record<ConnectionState["state"], string>> = {
  connecting: "connecting",
  identifying: "starting a session",
  resuming: "resuming its session",
  backoff: "waiting before the next attempt",
  ready: "connected",
  fatal: "Discord refuses the connection",
};

function connection({ id: where, connection }: AccountSnapshot, now: number): Findings {
  if (!connection) return [];
  const { state, readyAt, isDown } = connection;
  const about = { id: "gateway:connection", what: "Connection", where };
  if (state === "ready") return [{ ...about, status: "pass", why: CONNECTION.ready }];
  const isLost = isDown || state === "fatal" || now - readyAt > OUTAGE_MS;
  const why = isDown && state !== "fatal"
    ? "not connected: many attempts have failed"
    : CONNECTION[state];
  return [{ ...about, status: isLost ? "fail" : "warn", why, isReady: false }];
}

function heartbeat({ id: where, connection }: AccountSnapshot, now: number): Findings {
  if (connection?.state !== "ready" || !connection.ack) return [];
  const { ack } = connection;
  const ageMs = now - ack.at;
  return [{
    id: "gateway:heartbeatAckAge",
    what: "Heartbeat",
    status: gradeFigure(ageMs, ack.intervalMs, 2 * ack.intervalMs),
    where,
    why: `${spanText(ageMs)} ago`,
    ...ageMs >= 1.5 * ack.intervalMs && { isReady: false as const },
  }];
}

/** A connected bot needs no IDENTIFY; a bot that waits for one is down until then. */
function identifyBudget({ id: where, identify, connection }: AccountSnapshot): Findings {
  if (!identify) return [];
  const { left, heldUntil } = identify;
  const isHolding = heldUntil !== undefined &&
    connection?.state !== "ready" && connection?.waits === "budget";
  return [{
    id: "gateway:identifyBudget",
    what: "New sessions",
    status: isHolding ? "fail" : left <= LOW ? "warn" : "pass",
    where,
    why: `${left} sessions left for 24 h`,
    fix: "find out why the bot restarts so often; to end the wait, reset the token in the portal",
    ...isHolding && { isReady: false as const },
  }];
}

/** Problems that explain a silent bot: of its parts, and of the preflight. */
function problems({ findings }: AccountSnapshot, _now: number, of: NameComponent): Findings {
  return findings.map((finding) => ({
    ...finding,
    where: finding.where === undefined ? undefined : of(finding.where),
  }));
}

/** Milliseconds of a wait for a limit that people notice. */
const LONG_LIMIT_MS = 10_000;

/** Discord's limits are no fault, so short waits are not told. */
function limited({ id: where, rest: { limitedMs = 0 } }: AccountSnapshot): Findings {
  if (limitedMs < LONG_LIMIT_MS) {
    return [{ ...ok("rest:limited", "Limits", "no request waits"), where }];
  }
  const why = `Discord limits this bot: a request waits ${Math.ceil(limitedMs / 1_000)} s`;
  return [{
    ...warning("rest:limited", "Limits", why),
    where,
    fix:
      "wait: it is sent then, in order; if this comes again and again, another program may use " +
      "this token, or too many people ask in one channel",
  }];
}

function ok(id: string, what: string, why: string): Finding {
  return { id, what, status: "pass", why };
}

/** A problem in spite of which the bot answers. */
function warning(id: string, what: string, why: string): Finding {
  return { id, what, status: "warn", why };
}

const MAIN_TICK_MAX_MS = 60_000;
const GATEWAY_TICK_MAX_MS = 30_000;

const MB = 1_000_000;
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

function isTurnedAway({ state, connection }: AccountSnapshot): boolean {
  return state === "ended" || connection?.state === "fatal";
}

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
    return [{
      ...about,
      status: "warn",
      why: `${revision} stays in use: ${problem}`,
      fix: "correct the file; `barnacle config check` shows each error and its remedy",
    }];
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
    const why = `${of === undefined ? "" : `${budgetLabel(of, name)}: `}${budgetText(use)}`;
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
function alert(
  { kind, about, cause, since, goneSince, toldAt, failure }: AlertRecord,
): Finding {
  const gone = goneSince === undefined ? "" : `, gone since ${timeText(goneSince)}`;
  const known = toldAt !== undefined
    ? `the owners know since ${timeText(toldAt)}`
    : `the owners do not know yet${failure === undefined ? "" : `: ${failure}`}`;
  return {
    id: `alert:${kind}`,
    what: "Alert",
    status: "warn",
    where: about || undefined,
    why: `since ${timeText(since)}: ${cause}${gone}; ${known}`,
  };
}
