/**
 * What `/status` shows of an account, read off its vitals.
 *
 * @module
 */

import type { StatusFacts } from "../../interactions/context.ts";
import type { AccountVitals } from "./account_vitals.ts";

/** @param now Unix time in milliseconds: since when an account without a ready shard is online. */
export function statusOf(
  vitals: Pick<AccountVitals, "snapshot" | "model">,
  version: string,
  now: number,
): StatusFacts {
  const ready = vitals.snapshot().shards.filter(({ state }) => state === "ready");
  const model = vitals.model();
  const latencies = ready.flatMap(({ ack }) => ack ? [ack.latencyMs] : []);
  return {
    version,
    modelId: model?.id ?? "none",
    ...(model?.openAt !== undefined && { modelFailsSince: model.openAt }),
    readyAt: Math.min(now, ...ready.map(({ readyAt }) => readyAt)),
    ...(latencies.length > 0 && { latencyMs: Math.max(...latencies) }),
  };
}
