/**
 * Findings one account: its connection to Discord, its requests and its missing permissions.
 *
 * An ended account is no failure of the bot while another one serves: people see it, but a
 * supervisor restarts nothing.
 */

import { LOW } from "../core/discord/identify_budget.ts";
import { type Finding, type Findings, gradeFigure } from "../core/finding.ts";
import { countText, pauseText, spanText } from "../lib/text/units.ts";
import type { AccountSnapshot, ShardSnapshot } from "./snapshot.ts";

/**
 * How long a shard may be away, or all models may fail, before it counts as a failure, in
 * milliseconds.
 */
export const OUTAGE_MS = 60_000;

type NameComponent = (part: string) => string;

/** The checks of a running account, in the order of the reports. */
const CHECKS: readonly ((account: AccountSnapshot, now: number, of: NameComponent) => Findings)[] =
  [
    connections,
    heartbeats,
    ({ shards }) =>
      shards.flatMap(({ id: where, state, ack }): Findings =>
        state === "ready" && ack
          ? [{ ...ok("gateway:latency", "Latency", spanText(ack.latencyMs)), where }]
          : []
      ),
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
export function accountChecks(accounts: readonly AccountSnapshot[], now: number): Findings {
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
          ...connections(account, now).map((found) => isServed ? asWarning(found) : found),
          { id: "account:state", what: "Account", status, where: id, why, fix, ...alone },
        ];
      }
      case "running":
        // With several accounts, the account's id goes first.
        return [
          ...CHECKS.flatMap((check) =>
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

const CONNECTION: Readonly<Record<ShardSnapshot["state"], string>> = {
  connecting: "connecting",
  identifying: "starting a session",
  resuming: "resuming its session",
  backoff: "waiting before the next attempt",
  ready: "connected",
  fatal: "Discord refuses the connection",
};

/** One check per shard. A shard that is away while another serves is only a warning. */
function connections({ shards }: AccountSnapshot, now: number): Findings {
  const outageMs = Math.min(
    ...shards.map(({ state, readyAt }) => state === "ready" ? 0 : now - readyAt),
  );
  return shards.map(({ id: where, state, isDown }) => {
    const about = { id: "gateway:connection", what: "Connection", where };
    if (state === "ready") return { ...about, status: "pass", why: CONNECTION.ready };
    const isLost = isDown || state === "fatal" || outageMs > OUTAGE_MS;
    const why = state === "fatal"
      ? CONNECTION.fatal
      : isDown
      ? "not connected: many attempts have failed"
      : CONNECTION[state];
    return { ...about, status: isLost ? "fail" : "warn", why, isReady: false };
  });
}

function heartbeats({ shards }: AccountSnapshot, now: number): Findings {
  return shards.flatMap(({ id: where, state, ack }): Findings => {
    if (state !== "ready" || !ack) return [];
    const ageMs = now - ack.at;
    return [{
      id: "gateway:heartbeatAckAge",
      what: "Heartbeat",
      status: gradeFigure(ageMs, ack.intervalMs, 2 * ack.intervalMs),
      where,
      why: `${spanText(ageMs)} ago`,
      ...ageMs >= 1.5 * ack.intervalMs && { isReady: false as const },
    }];
  });
}

/** A connected bot needs no IDENTIFY; a bot that waits for one is down until then. */
function identifyBudget({ id: where, identify, shards }: AccountSnapshot): Findings {
  if (!identify) return [];
  const { left, heldUntil } = identify;
  const isHolding = heldUntil !== undefined &&
    shards.some(({ state, waits }) => state !== "ready" && waits === "budget");
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
