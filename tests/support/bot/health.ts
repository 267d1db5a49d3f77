import type { Bot } from "../../../src/account/account.ts";
import { createApp, type HttpHandler } from "../../../src/http/app.ts";
import { type Build, createMetrics } from "../../../src/http/monitor/health_monitor.ts";
import type { AccountSnapshot, Snapshot } from "../../../src/http/snapshot.ts";

/** Unix time in milliseconds of the snapshots. */
export const NOW = Date.UTC(2026, 0, 1);

export const READY: NonNullable<AccountSnapshot["connection"]> = {
  state: "ready",
  readyAt: NOW,
  isDown: false,
  ack: { at: NOW, intervalMs: 40_000, latencyMs: 42 },
};

export const SERVING: AccountSnapshot = {
  id: "default",
  state: "running",
  gatewayTickAt: NOW,
  connection: READY,
  compression: "zlib-stream",
  identify: { left: 997 },
  catchUp: { pending: 0, unreadable: [] },
  findings: [],
  parked: [],
  delayed: [],
  rest: { isUp: true, invalidRequests: 0, breaker: "closed" },
};

export const HEALTHY: Snapshot = {
  phase: "running",
  startedAt: NOW - 90_000,
  mainTickAt: NOW,
  gatewayTickAt: NOW,
  accounts: [SERVING],
  config: { revision: "3f2c1aa0", loadedAt: NOW - 90_000 },
  store: { probeMs: 3, isFailing: false, probedAt: NOW, answeredAt: NOW },
  inbox: { waiting: 0, running: 0, oldestMs: 0 },
  outbox: { pending: 0, sending: 0, uncertain: 0, dead: 0, parked: 0, oldestMs: 0 },
  mcpServers: [],
  models: [{ id: "local", hasAnswered: true }],
  eventLoopLagMs: 4,
  rssBytes: 55_000_000,
};

/** A snapshot's accounts: the only one is {@link SERVING}, with these changes. */
export function only(change: Partial<AccountSnapshot>): Pick<Snapshot, "accounts"> {
  return { accounts: [{ ...SERVING, ...change }] };
}

export function another(change: Partial<AccountSnapshot> = {}): AccountSnapshot {
  return { ...SERVING, id: "work", ...change };
}

export const BUILD: Build = {
  version: "1.4.2",
  commit: "3f2c1aa",
  runtime: "bun 1.4.4",
  sqlite: "3.53.4",
};

/** The HTTP application of a bot with this snapshot; `faults` gets errors of the log. */
export function appOf(
  { snapshot = () => HEALTHY, measure = async () => await snapshot(), faults = [], ...more }: {
    readonly snapshot?: () => Snapshot;
    readonly measure?: () => Promise<Snapshot>;
    readonly faults?: unknown[];
    readonly commandKey?: string;
    readonly http?: Parameters<typeof createApp>[1];
  } = {},
): HttpHandler {
  const log = { error: (_: string, { error }: { error: unknown }) => void faults.push(error) };
  const bot = {
    ...{ health: { snapshot, measure }, build: BUILD, accounts: new Map(), now: () => NOW },
    commandKey: more.commandKey ?? "key",
    logging: { forPart: () => log },
  } as unknown as Bot;
  return createApp(bot, more.http ?? {}, createMetrics(BUILD), () => ({ cpuSec: 1 }));
}
