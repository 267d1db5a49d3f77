/**
 * The checks of the connection to Discord.
 *
 * @module
 */

import { LOW } from "../core/identify_budget.ts";
import { type Check, grade } from "./check.ts";
import type { Snapshot } from "./snapshot.ts";

/** How long a shard may be away, or all models be down, before it is a failure. */
export const OUTAGE_MS = 60_000;

/** @param now Unix time in milliseconds. */
export function gatewayChecks(snapshot: Snapshot, now: number): readonly Check[] {
  return [
    ...connections(snapshot, now),
    ...heartbeats(snapshot, now),
    ...latencies(snapshot),
    ...compression(snapshot),
    ...identifyBudget(snapshot),
    ...catchUp(snapshot),
    ...instance(snapshot),
  ];
}

function connections({ shards }: Snapshot, now: number): readonly Check[] {
  const name = "gateway:connection";
  if (shards.length === 0) {
    return [{ name, observedValue: "disabled", status: "pass", isReady: false }];
  }
  const outageMs = Math.min(
    ...shards.map(({ state, readyAt }) => state === "ready" ? 0 : now - readyAt),
  );
  return shards.map(({ id, state, isDown }) => ({
    name,
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

function heartbeats({ shards }: Snapshot, now: number): readonly Check[] {
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

function latencies({ shards }: Snapshot): readonly Check[] {
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

/** For people. */
function compression({ compression }: Snapshot): readonly Check[] {
  if (compression === undefined) return [];
  return [{
    name: "gateway:compression",
    observedValue: compression,
    status: "pass",
    isReady: true,
  }];
}

/** A bot that is connected needs none; one that holds back is down until it may. */
function identifyBudget({ identify, shards }: Snapshot): readonly Check[] {
  if (!identify) return [];
  const { left, heldUntil } = identify;
  const isHolding = heldUntil !== undefined &&
    shards.some(({ state, waits }) => state !== "ready" && waits === "budget");
  return [{
    name: "gateway:identifyBudget",
    observedValue: left,
    observedUnit: "remaining/24h",
    status: isHolding ? "fail" : left <= LOW ? "warn" : "pass",
    isReady: !isHolding,
  }];
}

/** What is being read is on its way; what cannot be read stays unread until somebody allows it. */
function catchUp({ catchUp: { pending, unreadable } }: Snapshot): readonly Check[] {
  return [
    {
      name: "gateway:catchUp",
      observedValue: pending,
      observedUnit: "channels",
      status: grade(pending, 0),
      isReady: true,
    },
    ...unreadable.map((channel): Check => ({
      name: "gateway:unreadable",
      componentId: channel,
      observedValue: "its history cannot be read",
      status: "warn",
      isReady: true,
    })),
  ];
}

function instance({ twin }: Snapshot): readonly Check[] {
  if (!twin) return [];
  return [{
    name: "instance:lock",
    observedValue: twin.evidence,
    status: "warn",
    isReady: true,
  }];
}
