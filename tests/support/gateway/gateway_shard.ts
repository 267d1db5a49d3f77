/** A shard without its thread, and its messages, for tests against a fake gateway. */

import type {
  BatchBounds,
  FromWorker,
  GatewayOptions,
  PermitAnswer,
} from "../../../src/discord/gateway/link/protocol.ts";
import { openPayloadSocket } from "../../../src/discord/gateway/socket/socket.ts";
import { type Shard, startShard } from "../../../src/discord/gateway/shard/shard.ts";
import { RECONNECT } from "./reconnect_rules.ts";

export const TOKEN = "secret-token";

/**
 * Options with the config's defaults. A server that answers is never late, also on a machine where
 * a step of this process takes a second.
 */
export function gatewayOptions(url: string, fields: Partial<GatewayOptions> = {}): GatewayOptions {
  return {
    token: TOKEN,
    url,
    intents: 1,
    compress: false,
    tcpKeepaliveSec: 30,
    reconnect: RECONNECT,
    presence: { status: "online" },
    identifyInMs: 0,
    restUrl: "http://127.0.0.1:1/api/v10",
    userAgent: "test",
    isConnectionDebug: false,
    dispatches: ["MESSAGE_CREATE"],
    deadlines: { connectMs: 60_000, helloMs: 60_000, readyMs: 60_000 },
    ...fields,
  };
}

export interface TestShard extends Shard {
  readonly messages: FromWorker[];
  /** Dispatches of all batches, parsed. */
  // deno-lint-ignore no-explicit-any -- a test looks into them as it likes
  dispatches(): any[];
  logs(): string[];
  /**
   * Milliseconds since its first loss, by its own clock. They count from the time that it took for the
   * loss, so a pause of the process before the log line does not shorten them.
   */
  sinceLossMs(): number | undefined;
  /** Log lines with their fields. */
  lines(): string[];
  counts(): Extract<FromWorker, { kind: "counts" }>["counts"] | undefined;
  isReady(): boolean;
  ticks(): number;
}

/** `speed` makes the shard's monotonic clock run faster than the test's. */
export function startTestShard(
  options: GatewayOptions,
  {
    bounds,
    commits = true,
    permit = granted,
    speed = 1,
    random = () => 0,
    acknowledge = () => true,
  }: {
    readonly bounds?: BatchBounds;
    /** Whether every batch is committed on arrival. */
    readonly commits?: boolean;
    /** The main thread's answer to a request for a permit; `undefined` for none. */
    readonly permit?: () => PermitAnswer | undefined;
    readonly speed?: number;
    readonly random?: () => number;
    readonly acknowledge?: (dispatch: string) => boolean;
  } = {},
): TestShard {
  const messages: FromWorker[] = [];
  let ticks = 0;
  const startedAt = performance.now();
  const clock = () => startedAt + (performance.now() - startedAt) * speed;
  let readAt = startedAt;
  let lostAt: number | undefined;
  function record(message: FromWorker): void {
    messages.push(message);
    if (message.kind === "log" && message.fields?.["phase"] !== undefined) lostAt ??= readAt;
  }
  function now() {
    readAt = clock();
    return { monotonicMs: readAt, wallMs: 1_750_000_000_000 + readAt };
  }
  const { session, identifyInMs } = options;
  const start = {
    ...{ session, identifyInMs },
    epoch: 0,
    ...(session && { seqCommitted: session.seq }),
    failures: 0,
    isDown: false,
    mustSendPresence: session !== undefined,
  };
  const shard = startShard(options, start, {
    now,
    random,
    acknowledge,
    after(ms, callback) {
      const timer = setTimeout(callback, ms / speed);
      return () => clearTimeout(timer);
    },
    post(message) {
      record(message);
      if (message.kind === "batch" && commits) {
        queueMicrotask(() => shard.committed(message.batch.number));
      }
      if (message.kind === "permit_wanted") {
        const answer = permit();
        if (answer) queueMicrotask(() => shard.permit(message.socket, answer));
      }
    },
    onTick() {
      ticks++;
    },
    tickMs: 1_000,
    connect: openPayloadSocket,
    ...(bounds && { bounds }),
  });
  return {
    ...shard,
    messages,
    ticks: () => ticks,
    sinceLossMs: () => lostAt === undefined ? undefined : clock() - lostAt,
    dispatches: () =>
      messages.flatMap((message) =>
        message.kind === "batch" && message.batch.text ? [JSON.parse(message.batch.text)] : []
      ),
    lines: () =>
      messages.flatMap((message) =>
        message.kind === "log"
          ? [`${message.level} ${message.event} ${JSON.stringify(message.fields)}`]
          : []
      ),
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

function granted(): PermitAnswer {
  return { kind: "granted" };
}
