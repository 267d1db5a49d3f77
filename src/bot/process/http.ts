/**
 * Answers health, metrics and status requests from the health monitor.
 *
 * The app is loaded with its first request: an unmonitored bot runs without it.
 */

import { statfsSync } from "node:fs";
import type { AppPorts, HttpHandler } from "../../http/app.ts";
import type { Metrics, ProcessUsage } from "../../http/metrics.ts";
import type { Log } from "../../lib/log.ts";
import type { Accounts } from "../account/accounts.ts";
import type { Meter } from "../../http/monitor/meters.ts";
import type { HealthMonitor } from "../../http/monitor/health_monitor.ts";
import { cpuSec } from "../../host/process/usage.ts";
import type { Clock } from "../../lib/clock.ts";

export function createHttp(
  options: Pick<AppPorts, "token" | "commandKey" | "publicUrl" | "build"> & {
    readonly dataDir: string;
  },
  ports: Clock & {
    readonly health: Pick<HealthMonitor, "snapshot" | "measure">;
    readonly accounts: Pick<Accounts, "each">;
    readonly metrics: Metrics;
    readonly meter: Pick<Meter, "gateway">;
    readonly log: Log;
  },
): HttpHandler {
  const { health, accounts, metrics, meter, now, log } = ports;
  let app: Promise<HttpHandler> | undefined;

  /** Reads values that only the parts have, at each request for the metrics. */
  function readParts(): void {
    accounts.each((running) => {
      const stats = running.stats();
      if (stats) meter.gateway(running.accountId, stats);
    });
  }

  async function load(): Promise<HttpHandler> {
    const { createApp } = await import("../../http/app.ts");
    return createApp({
      ...options,
      snapshot: health.snapshot,
      measure: health.measure,
      usage: () => processUsage(options.dataDir),
      metrics: {
        ...metrics,
        text(snapshot, usage, at) {
          readParts();
          return metrics.text(snapshot, usage, at);
        },
      },
      now,
      onError: (error) => log.error("A request failed", { error }),
    });
  }

  return async (request) => await (await (app ??= load()))(request);
}

function processUsage(dataDir: string): ProcessUsage {
  try {
    const { bavail, bsize } = statfsSync(dataDir);
    return { cpuSec: cpuSec(), diskFreeBytes: bavail * bsize };
  } catch {
    return { cpuSec: cpuSec() }; // a disk that does not tell
  }
}
