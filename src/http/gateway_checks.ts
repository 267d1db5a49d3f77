/**
 * Checks one account's connection to Discord.
 *
 * @module
 */

import { LOW } from "../core/discord/identify_budget.ts";
import { type Check, grade } from "./check.ts";
import type { AccountSnapshot } from "./snapshot.ts";

/**
 * How long a shard may be away, or all models may fail, before it counts as a failure, in
 * milliseconds.
 */
export const OUTAGE_MS = 60_000;

/**
 * Runs the checks of an account's gateway.
 *
 * @param componentOf Names a component of the account.
 * @param now Unix time in milliseconds.
 */
export function gatewayChecks(
  account: AccountSnapshot,
  componentOf: (part: string) => string,
  now: number,
): readonly Check[] {
  return [
    ...connectionChecks(account, now),
    ...heartbeats(account, now),
    ...latencies(account),
    ...compression(account),
    ...identifyBudget(account),
    ...catchUp(account, componentOf),
    ...instance(account),
  ];
}

/** One check per shard. A shard that is away while another serves is only a warning. */
export function connectionChecks({ shards }: AccountSnapshot, now: number): readonly Check[] {
  const outageMs = Math.min(
    ...shards.map(({ state, readyAt }) => state === "ready" ? 0 : now - readyAt),
  );
  return shards.map(({ id, state, isDown }) => ({
    name: "gateway:connection",
    componentId: id,
    observedValue: isDown && state !== "ready" && state !== "fatal" ? "down" : state,
    status: state === "ready"
      ? "pass"
      : isDown || state === "fatal" || outageMs > OUTAGE_MS
      ? "fail"
      : "warn",
    isReady: state === "ready",
  }));
}

function heartbeats({ shards }: AccountSnapshot, now: number): readonly Check[] {
  return shards.flatMap(({ id, state, ack }) => {
    if (state !== "ready" || !ack) return [];
    const ageMs = now - ack.at;
    return {
      name: "gateway:heartbeatAckAge",
      componentId: id,
      observedValue: ageMs / 1_000,
      observedUnit: "s",
      status: grade(ageMs, ack.intervalMs, 2 * ack.intervalMs),
      isReady: ageMs < 1.5 * ack.intervalMs,
    };
  });
}

function latencies({ shards }: AccountSnapshot): readonly Check[] {
  return shards.flatMap(({ id, state, ack }) => {
    if (state !== "ready" || !ack) return [];
    return {
      name: "gateway:latency",
      componentId: id,
      observedValue: ack.latencyMs,
      observedUnit: "ms",
      status: "pass",
      isReady: true,
    };
  });
}

/** A text for people. */
function compression({ id, compression }: AccountSnapshot): readonly Check[] {
  if (compression === undefined) return [];
  return [{
    name: "gateway:compression",
    componentId: id,
    observedValue: compression,
    status: "pass",
    isReady: true,
  }];
}

/** A connected bot needs no IDENTIFY; a bot that waits for one is down until then. */
function identifyBudget({ id, identify, shards }: AccountSnapshot): readonly Check[] {
  if (!identify) return [];
  const { left, heldUntil } = identify;
  const isHolding = heldUntil !== undefined &&
    shards.some(({ state, waits }) => state !== "ready" && waits === "budget");
  return [{
    name: "gateway:identifyBudget",
    componentId: id,
    observedValue: left,
    observedUnit: "remaining/24h",
    status: isHolding ? "fail" : left <= LOW ? "warn" : "pass",
    isReady: !isHolding,
  }];
}

/**
 * A running catch-up passes. An unreadable channel stays unread until a person grants the
 * permission.
 */
function catchUp(
  { id, catchUp: { pending, unreadable } }: AccountSnapshot,
  componentOf: (part: string) => string,
): readonly Check[] {
  return [
    {
      name: "gateway:catchUp",
      componentId: id,
      observedValue: pending,
      observedUnit: "channels",
      status: grade(pending, 0),
      isReady: true,
    },
    ...unreadable.map((channel): Check => ({
      name: "gateway:unreadable",
      componentId: componentOf(channel),
      observedValue: "Barnacle may not read its history",
      status: "warn",
      isReady: true,
    })),
  ];
}

function instance({ id, twin }: AccountSnapshot): readonly Check[] {
  if (!twin) return [];
  return [{
    name: "instance:lock",
    componentId: id,
    observedValue: `another program may use this bot token: ${twin.evidence}`,
    status: "warn",
    isReady: true,
  }];
}
