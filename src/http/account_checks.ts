/**
 * Checks one account: its connection to Discord, its requests and its missing permissions.
 *
 * An ended account is no failure of the bot while another one serves: people see it, but a
 * supervisor restarts nothing.
 */

import { type CheckCode, checkOf, runChecks } from "../core/checks.ts";
import { LOW } from "../core/discord/identify_budget.ts";
import { pauseText } from "../lib/text/units.ts";
import { gradeFigure, type HealthFinding, healthFinding } from "./health_finding.ts";
import type { AccountSnapshot } from "./snapshot.ts";

/**
 * How long a shard may be away, or all models may fail, before it counts as a failure, in
 * milliseconds.
 */
export const OUTAGE_MS = 60_000;

export type NameComponent = (part: string) => string;

/** The checks of a running account, in the order of the reports. */
export const ACCOUNT_CHECKS: readonly CheckCode<{
  readonly account: AccountSnapshot;
  readonly componentOf: NameComponent;
  readonly now: number;
}, readonly HealthFinding[]>[] = [
  { checks: ["gateway:connection"], run: ({ account, now }) => connectionChecks(account, now) },
  { checks: ["gateway:heartbeatAckAge"], run: ({ account, now }) => heartbeats(account, now) },
  { checks: ["gateway:latency"], run: ({ account }) => latencies(account) },
  { checks: ["gateway:compression"], run: ({ account }) => compression(account) },
  { checks: ["gateway:identifyBudget"], run: ({ account }) => identifyBudget(account) },
  {
    checks: ["gateway:catchUp", "gateway:unreadable"],
    run: ({ account, componentOf }) => catchUp(account, componentOf),
  },
  { checks: ["instance:lock"], run: ({ account }) => instance(account) },
  { checks: ["account:paused"], run: ({ account }) => paused(account) },
  {
    checks: [
      "preflight",
      "access:ids",
      "gateway:dispatches",
      "commands:registered",
      "questions:cards",
      "owners:reached",
      "model:refused",
      "feeds",
      "voice",
    ],
    run: ({ account, componentOf }) => problems(account, componentOf),
  },
  { checks: ["outbox:parked"], run: ({ account, componentOf }) => parked(account, componentOf) },
  { checks: ["outbox:delayed"], run: ({ account, componentOf }) => delayed(account, componentOf) },
  { checks: ["rest:invalidRequests"], run: ({ account }) => [invalidRequests(account)] },
  { checks: ["rest:limited"], run: ({ account }) => limited(account) },
];

/** Runs every check of every account; a check of the account as a whole carries its id. */
export function accountChecks(
  accounts: readonly AccountSnapshot[],
  now: number,
): readonly HealthFinding[] {
  const isServed = accounts.some(({ state }) => state === "running");
  return accounts.flatMap((account) => {
    const { id, end = "it has ended" } = account;
    // With several accounts, the account's id goes first.
    const componentOf: NameComponent = (part) => accounts.length === 1 ? part : `${id}/${part}`;
    switch (account.state) {
      case "disabled":
        return [healthFinding("gateway:connection", "disabled", { where: id, isReady: isServed })];
      case "ended":
        return [
          ...connectionChecks(account, now).map((found) => isServed ? asWarning(found) : found),
          healthFinding("account:ended", end, {
            where: id,
            status: isServed ? "warn" : "fail",
            isReady: isServed,
          }),
        ];
      case "running":
        return [...runChecks("health", ACCOUNT_CHECKS, { account, componentOf, now })].flat();
    }
  });
}

/** Turns a failure into a warning, because another account serves. */
function asWarning(found: HealthFinding): HealthFinding {
  return { ...found, status: found.status === "pass" ? "pass" : "warn", isReady: true };
}

/** One check per shard. A shard that is away while another serves is only a warning. */
function connectionChecks({ shards }: AccountSnapshot, now: number): readonly HealthFinding[] {
  const outageMs = Math.min(
    ...shards.map(({ state, readyAt }) => state === "ready" ? 0 : now - readyAt),
  );
  return shards.map(({ id, state, isDown, readysUnread = 0 }) => {
    const isReady = state === "ready";
    const isDeaf = readysUnread > 0 && !isReady;
    const isLost = isDown || isDeaf || state === "fatal" || outageMs > OUTAGE_MS;
    const isOpen = !isReady && state !== "fatal";
    const shown = isDeaf && isOpen ? "unread" : isDown && isOpen ? "down" : state;
    return healthFinding("gateway:connection", shown, {
      where: id,
      status: isReady ? "pass" : isLost ? "fail" : "warn",
      isReady,
    });
  });
}

function heartbeats({ shards }: AccountSnapshot, now: number): readonly HealthFinding[] {
  return shards.flatMap(({ id, state, ack }) => {
    if (state !== "ready" || !ack) return [];
    const ageMs = now - ack.at;
    return healthFinding("gateway:heartbeatAckAge", ageMs / 1_000, {
      where: id,
      unit: "s",
      status: gradeFigure(ageMs, ack.intervalMs, 2 * ack.intervalMs),
      isReady: ageMs < 1.5 * ack.intervalMs,
    });
  });
}

function latencies({ shards }: AccountSnapshot): readonly HealthFinding[] {
  return shards.flatMap(({ id, state, ack }) =>
    state === "ready" && ack
      ? [healthFinding("gateway:latency", ack.latencyMs, { where: id, unit: "ms" })]
      : []
  );
}

function compression({ id, compression }: AccountSnapshot): readonly HealthFinding[] {
  return compression === undefined
    ? []
    : [healthFinding("gateway:compression", compression, { where: id })];
}

/** A connected bot needs no IDENTIFY; a bot that waits for one is down until then. */
function identifyBudget({ id, identify, shards }: AccountSnapshot): readonly HealthFinding[] {
  if (!identify) return [];
  const { left, heldUntil } = identify;
  const isHolding = heldUntil !== undefined &&
    shards.some(({ state, waits }) => state !== "ready" && waits === "budget");
  return [healthFinding("gateway:identifyBudget", left, {
    where: id,
    unit: "remaining/24h",
    status: isHolding ? "fail" : left <= LOW ? "warn" : "pass",
    isReady: !isHolding,
  })];
}

/**
 * A running catch-up passes. An unreadable channel stays unread until a person grants the
 * permission.
 */
function catchUp(
  { id, catchUp: { pending, unreadable } }: AccountSnapshot,
  componentOf: NameComponent,
): readonly HealthFinding[] {
  return [
    healthFinding("gateway:catchUp", pending, {
      where: id,
      unit: "channels",
      status: gradeFigure(pending, 0),
    }),
    ...unreadable.map((channel) =>
      warning("gateway:unreadable", componentOf(channel), "Barnacle may not read its history")
    ),
  ];
}

function instance({ id, twin }: AccountSnapshot): readonly HealthFinding[] {
  if (!twin) return [];
  const text = `another program may use this bot token: ${twin.evidence}`;
  return [warning("instance:lock", id, text)];
}

/** It answers no one, because people wanted it so: its supervisor must do nothing. */
function paused({ id, paused }: AccountSnapshot): readonly HealthFinding[] {
  return paused ? [warning("account:paused", id, pauseText(paused))] : [];
}

/**
 * Problems that explain a silent bot. Those of the preflight are warnings, because the other checks
 * show whether the bot answers.
 */
function problems(
  { findings }: AccountSnapshot,
  componentOf: NameComponent,
): readonly HealthFinding[] {
  return findings.map(({ id, status, where: part, why }) => {
    const where = part === undefined ? undefined : componentOf(part);
    if (!checkOf(id)?.runs.includes("health")) return warning(`preflight:${id}`, where, why);
    const isReady = status !== "fail";
    return healthFinding(id, why, { status: isReady ? "warn" : "fail", where, isReady });
  });
}

/** A person must grant a missing permission; meanwhile the bot serves everyone else. */
function parked({ parked }: AccountSnapshot, componentOf: NameComponent): readonly HealthFinding[] {
  return parked.map(({ channelId, reason, waiting }) =>
    warning("outbox:parked", componentOf(channelId), `${waiting} waiting: ${reason}`)
  );
}

/** The messages behind it in its channel wait, too. */
function delayed(
  { delayed }: AccountSnapshot,
  componentOf: NameComponent,
): readonly HealthFinding[] {
  return delayed.map(({ row, channelId, reason, nextAttemptAt }) => {
    const next = new Date(nextAttemptAt).toISOString();
    const text = `message ${row}: ${reason}; next attempt ${next}`;
    return warning("outbox:delayed", componentOf(channelId), text);
  });
}

function invalidRequests({ id, rest }: AccountSnapshot): HealthFinding {
  const { invalidRequests, breaker } = rest;
  return healthFinding("rest:invalidRequests", invalidRequests, {
    where: id,
    unit: "in 10 min",
    status: breaker === "stopped" ? "fail" : breaker === "slowed" ? "warn" : "pass",
    isReady: breaker !== "stopped",
  });
}

/** Milliseconds of a wait for a limit that people notice. */
const LONG_LIMIT_MS = 10_000;

/** Discord's limits are no fault, so short waits are not told. */
function limited({ id, rest: { limitedMs = 0 } }: AccountSnapshot): readonly HealthFinding[] {
  if (limitedMs < LONG_LIMIT_MS) return [];
  const text = `Discord limits this bot: a request waits ${Math.ceil(limitedMs / 1_000)} s`;
  return [warning("rest:limited", id, text)];
}

/** A problem in words, in spite of which the bot answers. */
function warning(id: string, where: string | undefined, text: string): HealthFinding {
  return healthFinding(id, text, { status: "warn", where });
}
