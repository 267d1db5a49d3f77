/**
 * Facts about Discord's gateway: its address and limits, the answer to a trial connection, and the
 * step of a connection.
 */

import type { Stage } from "../../lib/network/reachability.ts";
import type { SessionStartLimit } from "./identify_budget.ts";

/** The gateway's greeting on a trial connection. */
export type HelloStage = Stage<{
  /** Milliseconds until the WebSocket was open (HTTP status 101). */
  readonly openMs: number;
  /** Milliseconds between two heartbeats, as the gateway asks in HELLO. */
  readonly heartbeatIntervalMs: number;
}>;

/** The address and the limits of Discord's gateway. */
export interface GatewayInfo {
  /** WebSocket URL without query: `ws://` or `wss://`. */
  readonly url: string;
  /** Number of shards that Discord recommends. */
  readonly shards: number;
  /** The limit for new sessions, at the time of the answer. */
  readonly limit: SessionStartLimit;
}

/** All steps, in the order of the metrics. */
export const CONNECTION_STEPS = [
  "connecting",
  "identifying",
  "resuming",
  "ready",
  "backoff",
  "fatal",
] as const;

/** Why an IDENTIFY waits: the daily budget, or the spacing between two. */
export type IdentifyWaitReason = "budget" | "spacing";

export interface ShardState {
  /** A step. `backoff`: it waits before the next attempt. `fatal`: Discord refuses it for good. */
  readonly state: (typeof CONNECTION_STEPS)[number];
  /** Unix time in milliseconds at which it was last ready; before that, of its start. */
  readonly readyAt: number;
  /** The last heartbeat that Discord acknowledged; absent before the first. */
  readonly ack?: { readonly at: number; readonly intervalMs: number };
  /** Whether `maxRetries` connections in a row have failed. */
  readonly isDown: boolean;
  /** Why the next IDENTIFY waits; absent if it does not, or if something else delays it. */
  readonly waits?: IdentifyWaitReason;
}

export type ResumeOutcome = "resumed" | "invalid" | "closed" | "timeout";

/** Counters of one worker since its start. */
export interface GatewayCounts {
  /** Sent IDENTIFYs. */
  readonly identifies: number;
  readonly resumes: Readonly<Record<ResumeOutcome, number>>;
  /** Lost connections by close code, or by another cause: `"zombie"`, `"none"`. */
  readonly disconnects: Readonly<Record<string, number>>;
}

export interface GatewayStats extends GatewayCounts {
  readonly tickAt: number;
  /** Last sequence number that the main thread has committed, by shard. */
  readonly seqCommitted: ReadonlyMap<number, number>;
  /** Batches that the main thread has received and not committed yet. */
  readonly uncommitted: number;
  /** Number of workers that died. */
  readonly deaths: number;
  readonly compression: "zlib-stream" | "none";
}
