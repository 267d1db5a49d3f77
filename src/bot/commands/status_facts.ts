/**
 * Reads the facts that `/status` shows off an account's health.
 *
 * @module
 */

import type { StatusFacts } from "../../interactions/base/context.ts";
import type { AccountHealth } from "../../http/monitor/account_health.ts";

/**
 * Collects the facts of one account.
 *
 * @param now Unix time in milliseconds, used as the start of an account without a ready shard.
 */
export function statusOf(
  health: Pick<AccountHealth, "snapshot" | "model">,
  version: string,
  now: number,
): StatusFacts {
  const ready = health.snapshot().shards.filter(({ state }) => state === "ready");
  const model = health.model();
  const latencies = ready.flatMap(({ ack }) => ack ? [ack.latencyMs] : []);
  return {
    version,
    modelId: model?.id ?? "none",
    modelFailsSince: model?.openAt,
    readyAt: Math.min(now, ...ready.map(({ readyAt }) => readyAt)),
    latencyMs: latencies.length > 0 ? Math.max(...latencies) : undefined,
  };
}
