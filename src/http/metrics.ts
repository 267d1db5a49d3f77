/**
 * What `/metrics` shows: every metric's name, once.
 *
 * Two kinds: those that are counted as things happen, handed to the parts that
 * see them happen, and those that are read off the snapshot when somebody asks.
 * No label is an id, a name or a text: a server full of people must not become a
 * memory full of series, nor a chart a list of who talks to the bot.
 *
 * @module
 */

import { type Counter, createRegistry, type Histogram } from "../lib/metrics.ts";
import { isReady, judge } from "./checks.ts";
import type { Shard, Snapshot } from "./snapshot.ts";

/** What this build is. */
export interface Build {
  readonly version: string;
  readonly commit: string;
  /** `"bun 1.4.4"`. */
  readonly runtime: string;
  readonly sqlite: string;
}

/** Of the process, read when somebody asks; absent what the system does not tell. */
export interface ProcessUsage {
  readonly cpuSec: number;
  readonly openFds?: number;
  readonly maxFds?: number;
}

/** Those that are counted as things happen. */
export interface Meters {
  readonly heartbeatLatencySec: Histogram<"shard">;
  readonly heartbeatLateSec: Histogram<"shard">;
  readonly identifies: Counter;
  readonly resumes: Counter<"outcome">;
  /** By close code; `"none"` where the connection just broke. */
  readonly disconnects: Counter<"code">;
  /** By type; whoever counts says `"other"` for those that nobody uses. */
  readonly dispatches: Counter<"type">;
  readonly replayedEvents: Counter;
  readonly unparsable: Counter;
  readonly catchUpMessages: Counter;
  readonly inboxMessages: Counter<"result">;
  readonly inboxCommitSec: Histogram;
  readonly outboxSent: Counter<"ack">;
  readonly outboxRetries: Counter<"reason">;
  /** What a full queue did with messages: `"folded"` into a file, or `"dropped"` (D4). */
  readonly outboxOverflows: Counter<"outcome">;
  readonly replyLatencySec: Histogram;
  /**
   * `route` is the template: `"/channels/{channel}/messages"`; `status` the class: `"2xx"`, or
   * `"none"` without an answer.
   */
  readonly discordRequests: Counter<"route" | "method" | "status">;
  readonly discordRequestSec: Histogram<"route">;
  readonly discordWaitSec: Histogram;
  readonly discord429s: Counter<"scope">;
  /** `outcome` is `"ok"`, a model error's kind, `"timeout"`, `"unexpected"` or `"interrupted"`. */
  readonly llmRequests: Counter<"provider" | "model" | "outcome">;
  readonly llmRequestSec: Histogram<"provider" | "model">;
  readonly llmTokens: Counter<"provider" | "model" | "direction">;
  readonly authDenied: Counter<"reason">;
  /** Secrets removed before output; `sink` is where to. */
  readonly redactions: Counter<"sink">;
  readonly storageErrors: Counter<"code">;
  readonly eventLoopLagSec: Histogram<"thread">;
  /** `"sent"`, or what kept it from being sent: `"skipped_gateway"`, `"skipped_store"`, `"skipped_agent"`. */
  readonly watchdogPings: Counter<"result">;
}

export interface Metrics extends Meters {
  /** All of it as Prometheus reads it. */
  text(snapshot: Snapshot, usage: ProcessUsage, now: number): string;
}

/** Seconds, from a quick commit to the time-outs. */
const BUCKETS_SEC = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

const STATES: readonly Shard["state"][] = [
  "connecting",
  "identifying",
  "resuming",
  "ready",
  "backoff",
  "fatal",
];

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
      "Messages that did not fit into a channel's queue, by what became of them.",
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
    authDenied: counter("auth_denied", "Events refused by reason.", ["reason"]),
    redactions: counter("redactions", "Secrets removed before output, by sink.", ["sink"]),
    storageErrors: counter("storage_errors", "SQLite errors by code.", ["code"]),
    eventLoopLagSec: histogram("event_loop_lag", "Event loop lag.", ["thread"]),
    watchdogPings: counter(
      "watchdog_pings",
      "Watchdog notifications sent; skipped ones by reason.",
      ["result"],
    ),
    text(snapshot, usage, now) {
      gauges.set(snapshot, usage, now);
      return registry.text() + gauges.text();
    },
  };
}

/** Those that are read off the snapshot. */
function createGauges() {
  const registry = createRegistry();
  const gauge = <const Name extends string = never>(
    name: string,
    help: string,
    labels: readonly Name[] = [],
  ) => registry.gauge({ name, help, labels });

  const ready = gauge("barnacle_up_ready", "1 if /readyz is 200.");
  const started = gauge("barnacle_start_time_seconds", "Unix time of process start.");
  const state = gauge(
    "barnacle_gateway_state",
    "Shard state, one series per state, 1 for the current one.",
    ["shard", "state"],
  );
  const seq = gauge(
    "barnacle_gateway_seq_committed",
    "Last sequence number stored durably.",
    ["shard"],
  );
  const identifyLeft = gauge(
    "barnacle_gateway_identify_remaining",
    "IDENTIFYs left in the 24 h budget.",
  );
  const catchUpPending = gauge(
    "barnacle_catchup_pending",
    "Channels still to be checked after a lost session.",
  );
  const inboxDepth = gauge("barnacle_inbox_depth", "Messages waiting or running.", ["state"]);
  const inboxAge = gauge(
    "barnacle_inbox_oldest_age_seconds",
    "Age of the oldest unclaimed message.",
  );
  const outboxDepth = gauge("barnacle_outbox_depth", "Replies by state.", ["state"]);
  const outboxAge = gauge("barnacle_outbox_oldest_age_seconds", "Age of the oldest unsent reply.");
  const parkedChannels = gauge(
    "barnacle_outbox_parked_channels",
    "Channels that Discord does not let the bot post in.",
  );
  const invalidRequests = gauge(
    "barnacle_discord_invalid_requests",
    "Invalid requests in the last 10 minutes.",
  );
  const rss = gauge("process_resident_memory_bytes", "Resident memory size in bytes.");
  const openFds = gauge("process_open_fds", "Number of open file descriptors.", []);
  const maxFds = gauge("process_max_fds", "Maximum number of open file descriptors.", []);
  const cpu = registry.counter({
    name: "process_cpu_seconds_total",
    help: "Total user and system CPU time spent in seconds.",
  });
  let cpuSec = 0;

  const set = (snapshot: Snapshot, usage: ProcessUsage, now: number) => {
    const { shards, identify, catchUp, inbox, outbox, startedAt, rssBytes } = snapshot;
    ready.set(isReady(judge(snapshot, now)) ? 1 : 0);
    started.set(startedAt / 1_000);
    state.clear();
    seq.clear();
    for (const { id: shard, state: current, seqCommitted } of shards) {
      for (const each of STATES) state.set(each === current ? 1 : 0, { shard, state: each });
      if (seqCommitted !== undefined) seq.set(seqCommitted, { shard });
    }
    identifyLeft.clear();
    if (identify) identifyLeft.set(identify.left);
    catchUpPending.set(catchUp.pending);
    inboxDepth.set(inbox.waiting, { state: "waiting" });
    inboxDepth.set(inbox.running, { state: "running" });
    inboxAge.set(inbox.oldestMs / 1_000);
    outboxDepth.set(outbox.pending, { state: "pending" });
    outboxDepth.set(outbox.sending, { state: "sending" });
    outboxDepth.set(outbox.uncertain, { state: "uncertain" });
    outboxDepth.set(outbox.dead, { state: "dead" });
    outboxDepth.set(outbox.parked, { state: "parked" });
    parkedChannels.set(snapshot.parked.length);
    invalidRequests.set(snapshot.rest.invalidRequests);
    outboxAge.set(outbox.oldestMs / 1_000);
    rss.set(rssBytes);
    cpu.add(Math.max(0, usage.cpuSec - cpuSec));
    cpuSec = Math.max(cpuSec, usage.cpuSec);
    openFds.clear();
    if (usage.openFds !== undefined) openFds.set(usage.openFds);
    maxFds.clear();
    if (usage.maxFds !== undefined) maxFds.set(usage.maxFds);
  };
  return { set, text: registry.text };
}
