/**
 * Declares every metric of `/metrics`, once.
 *
 * Parts count some metrics as events happen. Others are read off the snapshot at each request. No
 * label is an id, a name or a text from Discord: a busy server must not fill the memory with
 * series, and a chart must not list who talks to the bot. The account label is a key of the config.
 *
 * @module
 */

import { type Counter, createRegistry, type Gauge, type Histogram } from "../lib/metrics.ts";
import { createGauges, type ProcessUsage } from "./gauges.ts";
import type { Snapshot } from "./snapshot.ts";

export type { ProcessUsage };

/** The version and runtime of this build. */
export interface Build {
  /** Barnacle's version. */
  readonly version: string;
  /** The commit that it was built from. */
  readonly commit: string;
  /** Such as `"bun 1.4.4"`. */
  readonly runtime: string;
  /** SQLite's version. */
  readonly sqlite: string;
}

/** The metrics that parts count as events happen. */
export interface Meters {
  /** Seconds until Discord acknowledged a heartbeat. */
  readonly heartbeatLatencySec: Histogram<"shard">;
  /** Seconds by which a heartbeat left late. */
  readonly heartbeatLateSec: Histogram<"shard">;
  /** IDENTIFYs. */
  readonly identifies: Counter;
  /** RESUMEs, by outcome. */
  readonly resumes: Counter<"outcome">;
  /** By close code; `"none"` if the connection broke without one. */
  readonly disconnects: Counter<"code">;
  /** By type; the label is `"other"` for types that Barnacle does not use. */
  readonly dispatches: Counter<"type">;
  /** Events that a RESUME repeated. */
  readonly replayedEvents: Counter;
  /** Dispatches of an unknown form. */
  readonly unparsable: Counter;
  /** Messages that catch-up found. */
  readonly catchUpMessages: Counter;
  /** Received messages, by result. */
  readonly inboxMessages: Counter<"result">;
  /** Seconds from the arrival of a message until it is stored. */
  readonly inboxCommitSec: Histogram;
  /** Sent messages, by the first acknowledgement. */
  readonly outboxSent: Counter<"ack">;
  /** Further attempts, by reason. */
  readonly outboxRetries: Counter<"reason">;
  /** Messages that met a full queue: `"folded"` into a file, or `"dropped"` (D4). */
  readonly outboxOverflows: Counter<"outcome">;
  /** Seconds from the arrival of a message until its reply is sent. */
  readonly replyLatencySec: Histogram;
  /**
   * `route` is the template: `"/channels/{channel}/messages"`; `status` the class: `"2xx"`, or
   * `"none"` without an answer.
   */
  readonly discordRequests: Counter<"route" | "method" | "status">;
  /** Seconds of a request to Discord. */
  readonly discordRequestSec: Histogram<"route">;
  /** Seconds that a request waited for its rate limit. */
  readonly discordWaitSec: Histogram;
  /** Answers with status 429, by scope. */
  readonly discord429s: Counter<"scope">;
  /** `outcome` is `"ok"`, a model error's kind, `"timeout"`, `"unexpected"` or `"interrupted"`. */
  readonly llmRequests: Counter<"provider" | "model" | "outcome">;
  /** Seconds of a request to a model. */
  readonly llmRequestSec: Histogram<"provider" | "model">;
  /** Tokens, by direction. */
  readonly llmTokens: Counter<"provider" | "model" | "direction">;
  /** Verdicts, including those settled later. */
  readonly decisions: Counter<"verdict" | "reason">;
  /** Ignored messages and interactions, by reason. */
  readonly authDenied: Counter<"reason">;
  /** Refused calls of tools, by the reasons of `RefusalReason`. */
  readonly toolRefusals: Counter<"reason">;
  /** Secrets removed before output; `sink` names the output. */
  readonly redactions: Counter<"sink">;
  /** Failed transactions, by code. */
  readonly storageErrors: Counter<"code">;
  /** Seconds by which a thread ran a timer late. */
  readonly eventLoopLagSec: Histogram<"thread">;
  /**
   * `"sent"`, or the reason for a skipped ping: `"skipped_gateway"`, `"skipped_store"`,
   * `"skipped_agent"`.
   */
  readonly watchdogPings: Counter<"result">;
  /** Sum over all accounts; set at each request. */
  readonly cacheBytes: Gauge<"cache">;
}

/** All metrics of the bot. */
export interface Metrics extends Meters {
  /** All metrics in Prometheus's text format. */
  text(snapshot: Snapshot, usage: ProcessUsage, now: number): string;
}

/** Histogram limits in seconds, from a quick commit to the time-outs. */
const BUCKETS_SEC = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** Creates the metrics, all at zero. */
export function createMetrics(build: Build): Metrics {
  const registry = createRegistry();
  const gauges = createGauges();
  registry.gauge({
    name: "barnacle_build_info",
    help: "Build information; value is always 1.",
    labels: ["version", "commit", "runtime", "sqlite"],
  }).set(1, { ...build });

  const counter = <const Name extends string = never>(
    name: string,
    help: string,
    labels: readonly Name[] = [],
  ) => registry.counter({ name: `barnacle_${name}_total`, help, labels });
  const histogram = <const Name extends string = never>(
    name: string,
    help: string,
    labels: readonly Name[] = [],
  ) => registry.histogram({ name: `barnacle_${name}_seconds`, help, labels, buckets: BUCKETS_SEC });

  return {
    heartbeatLatencySec: histogram(
      "gateway_heartbeat_latency",
      "Time from heartbeat to ACK.",
      ["shard"],
    ),
    heartbeatLateSec: histogram(
      "gateway_heartbeat_late",
      "Delay of a heartbeat behind its due time.",
      ["shard"],
    ),
    identifies: counter("gateway_identify", "IDENTIFY payloads sent."),
    resumes: counter("gateway_resume", "RESUME attempts by outcome.", ["outcome"]),
    disconnects: counter("gateway_disconnects", "Gateway disconnects by close code.", ["code"]),
    dispatches: counter("gateway_dispatch", "Dispatch events received by type.", ["type"]),
    replayedEvents: counter("gateway_replayed_events", "Events received by RESUME replay."),
    unparsable: counter("gateway_unparsable", "Gateway payloads that do not parse."),
    catchUpMessages: counter("catchup_messages", "Messages found by REST catch-up."),
    inboxMessages: counter("inbox_messages", "Messages stored, by route result.", ["result"]),
    inboxCommitSec: histogram("inbox_commit", "Time to commit an ingest batch."),
    outboxSent: counter(
      "outbox_sent",
      "Replies confirmed, by how the confirmation came.",
      ["ack"],
    ),
    outboxRetries: counter("outbox_retries", "Send attempts after the first.", ["reason"]),
    outboxOverflows: counter(
      "outbox_overflow",
      "Messages that did not fit into a channel's queue, by result.",
      ["outcome"],
    ),
    replyLatencySec: histogram(
      "reply_latency",
      "From Discord's message timestamp to the first reply created.",
    ),
    discordRequests: counter(
      "discord_requests",
      "REST requests by route template and status class.",
      ["route", "method", "status"],
    ),
    discordRequestSec: histogram("discord_request", "REST latency.", ["route"]),
    discordWaitSec: histogram("discord_ratelimit_wait", "Time spent waiting for buckets."),
    discord429s: counter("discord_429", "429 answers by scope.", ["scope"]),
    llmRequests: counter(
      "llm_requests",
      "Model calls by provider, model and outcome.",
      ["provider", "model", "outcome"],
    ),
    llmRequestSec: histogram("llm_request", "Model call duration.", ["provider", "model"]),
    llmTokens: counter("llm_tokens", "Tokens by direction.", ["provider", "model", "direction"]),
    decisions: counter(
      "decisions",
      "Messages judged, by verdict and reason.",
      ["verdict", "reason"],
    ),
    authDenied: counter("auth_denied", "Events refused by reason.", ["reason"]),
    toolRefusals: counter(
      "tool_refusals",
      "Tool calls of the model that were refused, by reason.",
      ["reason"],
    ),
    redactions: counter("redactions", "Secrets removed before output, by sink.", ["sink"]),
    storageErrors: counter("storage_errors", "SQLite errors by code.", ["code"]),
    eventLoopLagSec: histogram("event_loop_lag", "Event loop lag.", ["thread"]),
    watchdogPings: counter(
      "watchdog_pings",
      "Watchdog notifications sent; skipped ones by reason.",
      ["result"],
    ),
    cacheBytes: registry.gauge({
      name: "barnacle_cache_bytes",
      help: "Estimated memory of in-memory caches, in bytes.",
      labels: ["cache"],
    }),
    text(snapshot, usage, now) {
      gauges.set(snapshot, usage, now);
      return registry.text() + gauges.text();
    },
  };
}
