/**
 * A shard without its thread, and what it says, for tests against a fake gateway.
 *
 * @module
 */

import type { BatchBounds } from "../../src/discord/gateway/batches.ts";
import { createCounters } from "../../src/discord/gateway/counts.ts";
import type { FromWorker, GatewayOptions } from "../../src/discord/gateway/protocol.ts";
import { type Shard, startShard } from "../../src/discord/gateway/shard.ts";

export const TOKEN = "secret-token";

/** Short waits, so that no test sleeps long; the rules are the config's defaults. */
export function gatewayOptions(
  url: string,
  fields: Partial<GatewayOptions> = {},
): GatewayOptions {
  return {
    token: TOKEN,
    url,
    intents: 1,
    compress: false,
    tcpKeepaliveSec: 30,
    reconnect: {
      enabled: true,
      maxRetries: 10,
      backoffBase: 1.5,
      backoffMaxSec: 60,
      resumeSession: true,
      sessionCacheTtlSec: 300,
      exitOnGiveUp: false,
    },
    isConnectionDebug: false,
    dispatches: ["MESSAGE_CREATE"],
    deadlines: { connectMs: 300, helloMs: 300, readyMs: 300 },
    ...fields,
  };
}

export interface TestShard extends Shard {
  readonly messages: FromWorker[];
  /** Dispatches of all batches, parsed. */
  // deno-lint-ignore no-explicit-any -- a test looks into them as it likes
  dispatches(): any[];
  logs(): string[];
  counts(): Extract<FromWorker, { kind: "counts" }>["counts"] | undefined;
  isReady(): boolean;
  ticks(): number;
}

/** `speed` makes the shard's monotonic clock run faster than the test's. */
export function startTestShard(
  options: GatewayOptions,
  { bounds, commits = true, speed = 1, random = () => 0 }: {
    readonly bounds?: BatchBounds;
    /** Whether every batch is committed as soon as it comes. */
    readonly commits?: boolean;
    readonly speed?: number;
    readonly random?: () => number;
  } = {},
): TestShard {
  const messages: FromWorker[] = [];
  let ticks = 0;
  const startedAt = performance.now();
  const now = () => {
    const monotonicMs = startedAt + (performance.now() - startedAt) * speed;
    return { monotonicMs, wallMs: 1_750_000_000_000 + monotonicMs };
  };
  const shard = startShard({ options, epoch: 0, identifyInMs: 0 }, {
    now,
    random,
    after(ms, callback) {
      const timer = setTimeout(callback, ms / speed);
      return () => clearTimeout(timer);
    },
    post(message) {
      messages.push(message);
      if (message.kind === "batch" && commits) queueMicrotask(() => shard.committed(message.batch));
    },
    onTick() {
      ticks++;
    },
    counters: createCounters(),
    ...(bounds && { bounds }),
  });
  return {
    ...shard,
    messages,
    ticks: () => ticks,
    dispatches: () =>
      messages.flatMap((message) => message.kind === "batch" ? JSON.parse(message.batch.text) : []),
    logs: () => messages.flatMap((message) => message.kind === "log" ? [message.event] : []),
    counts: () =>
      messages.flatMap((message) => message.kind === "counts" ? [message.counts] : []).at(-1),
    isReady: () =>
      messages.findLast(({ kind }) => kind === "state") !== undefined &&
      messages.flatMap((message) => message.kind === "state" ? [message.state.state] : []).at(
          -1,
        ) ===
        "ready",
  };
}
