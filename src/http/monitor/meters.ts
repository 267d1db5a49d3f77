/**
 * Counts the bot's events in its metrics.
 *
 * The parts report events in their own terms; this module maps them to the names that `/metrics`
 * shows.
 */

import type { TurnOutcome } from "../../core/step.ts";
import { type Delivery, retryReasonOf } from "../../core/outbound/delivery.ts";
import { type AccountId, createdAtMs } from "../../core/discord/ids.ts";
import { ModelError } from "../../core/model.ts";
import type { RequestMetric } from "../../discord/rest/client/client.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";
import type { GatewayStats } from "../../core/discord/gateway.ts";
import type { Metrics } from "../metrics.ts";

/** Maps each end of a delivery to its label in `/metrics`. */
const ACKS: Readonly<Partial<Record<Delivery["kind"], string>>> = {
  created: "response",
  already_gone: "unknown_message",
  found: "history",
};

/**
 * Returns how much a total has grown since the last call. Counters of another thread arrive as totals;
 * a replacement thread counts from 0 again.
 */
function createGrowth(): (name: string, total: number) => number {
  const seen = new Map<string, number>();
  return (name, total) => {
    const before = seen.get(name) ?? 0;
    seen.set(name, total);
    return total < before ? total : total - before;
  };
}

/** Counts events of the accounts' parts. */
export type Meter = ReturnType<typeof counting>;

export function createMeter(metrics: Metrics): Meter {
  return counting(metrics);
}

function counting(metrics: Metrics) {
  const grown = createGrowth();

  return {
    /** A shard sent a heartbeat, or Discord acknowledged it; in milliseconds. */
    beat(
      shard: string,
      { lateMs, latencyMs }: { readonly lateMs: number; readonly latencyMs?: number },
    ): void {
      metrics.heartbeatLateSec.observe(lateMs / 1_000, { shard });
      if (latencyMs !== undefined) {
        metrics.heartbeatLatencySec.observe(latencyMs / 1_000, { shard });
      }
    },
    request({ route, method, status, scope }: RequestMetric): void {
      const family = status === undefined ? "none" : `${Math.floor(status / 100)}xx`;
      metrics.discordRequests.inc({ route, method, status: family });
      if (scope !== undefined) metrics.discord429s.inc({ scope });
    },
    delivery({ message: { of } }: OutboxRow, delivery: Delivery): void {
      const retry = retryReasonOf(delivery);
      if (retry) metrics.outboxRetries.inc({ reason: retry });
      const ack = ACKS[delivery.kind];
      if (ack === undefined) return;
      // An echo is counted when it arrives.
      if (!("wasEchoed" in delivery)) metrics.outboxSent.inc({ ack });
      if (
        delivery.kind !== "created" || of?.part !== 0 || of.kind === "draft" || of.kind === "tool"
      ) {
        return;
      }
      const ms = createdAtMs(delivery.messageId) - createdAtMs(of.cause);
      metrics.replyLatencySec.observe(Math.max(0, ms) / 1_000);
    },
    /** Discord's own event has confirmed so many replies. */
    settled: (count: number): void => metrics.outboxSent.add(count, { ack: "echo" }),
    /** A turn ended after some milliseconds. */
    turn(modelId: string, outcome: TurnOutcome, ms: number): void {
      const { modelId: answered = modelId } = outcome.kind === "reply" ? outcome : {};
      const slash = `${answered}/`.indexOf("/");
      const [provider, model] = [answered.slice(0, slash), answered.slice(slash + 1)];
      metrics.llmRequests.inc({ provider, model, outcome: wordOf(outcome) });
      metrics.llmRequestSec.observe(ms / 1_000, { provider, model });
      if (outcome.kind !== "reply" || !outcome.usage) return;
      const { inputTokens, outputTokens } = outcome.usage;
      metrics.llmTokens.add(inputTokens, { provider, model, direction: "input" });
      metrics.llmTokens.add(outputTokens, { provider, model, direction: "output" });
    },
    /** Adds the growth of an account's gateway counters since the last call. */
    gateway(accountId: AccountId, stats: GatewayStats): void {
      const { identifies, resumes, disconnects } = stats;
      const growthOf = (name: string, total: number) => grown(`${accountId} ${name}`, total);
      metrics.identifies.add(growthOf("identifies", identifies));
      for (const [outcome, count] of Object.entries(resumes)) {
        metrics.resumes.add(growthOf(`resume ${outcome}`, count), { outcome });
      }
      for (const [code, count] of Object.entries(disconnects)) {
        metrics.disconnects.add(growthOf(`close ${code}`, count), { code });
      }
    },
  };
}

function wordOf(outcome: TurnOutcome): string {
  if (outcome.kind !== "failed") return outcome.kind === "reply" ? "ok" : outcome.kind;
  if (outcome.error instanceof ModelError) return outcome.error.kind;
  return outcome.reason === "unexpected" ? "unexpected" : "timeout";
}
