/**
 * Answers health checks, metrics and status requests of a standby (O15) as a bot does.
 *
 * It has neither accounts nor an open store. It is healthy while it can take over, and never ready,
 * because it answers no message.
 */

import process from "node:process";
import { type AppPorts, createApp, type HttpHandler } from "../../http/app.ts";
import { createMetrics } from "../../http/metrics.ts";
import type { SharedStoreState } from "../../core/shared_store.ts";
import type { Snapshot } from "../../http/snapshot.ts";
import { cpuSec } from "../../host/process/usage.ts";

/** The state of a process that waits for the lease. */
export interface StandbyState {
  /** Owner, lag and processes. */
  readonly shared: SharedStoreState;
  /** Whether the copy has all pages. */
  readonly isCopied: boolean;
}

/** The state as one line. */
export function standbyText({ shared: { owner, problem }, isCopied }: StandbyState): string {
  if (problem !== undefined) return `Standby without PostgreSQL: ${problem}`;
  return isCopied ? `Standing by for ${owner}` : `Copying the store of ${owner}`;
}

/** Creates the handler of requests. */
export function createStandbyHealth(
  state: () => StandbyState,
  options: Pick<AppPorts, "token" | "commandKey" | "hosts" | "build" | "onError">,
): HttpHandler {
  const startedAt = Date.now();
  const snapshot = (): Snapshot => {
    const { shared, isCopied } = state();
    const now = Date.now();
    return {
      phase: isCopied ? "standby" : "starting",
      startedAt,
      mainTickAt: now,
      accounts: [],
      store: {
        probeMs: 0,
        isFailing: shared.problem !== undefined,
        probedAt: now,
        answeredAt: now,
      },
      shared,
      inbox: { waiting: 0, running: 0, oldestMs: 0 },
      outbox: { pending: 0, sending: 0, uncertain: 0, dead: 0, parked: 0, oldestMs: 0 },
      models: [],
      mcpServers: [],
      eventLoopLagMs: 0,
      rssBytes: process.memoryUsage.rss(),
    };
  };
  return createApp({
    ...options,
    snapshot,
    measure: () => Promise.resolve(snapshot()),
    usage: () => ({ cpuSec: cpuSec() }),
    metrics: createMetrics(options.build),
    now: () => Date.now(),
  });
}
