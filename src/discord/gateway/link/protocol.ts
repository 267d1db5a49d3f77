/**
 * What the main thread and the gateway's worker say to each other.
 *
 * One worker holds all shards of an account, so what is of a shard names it.
 * `protocol_check.ts` checks each message where it arrives.
 *
 * @module
 */

import type { GatewaySession } from "../../../core/inbound/inbound.ts";
import type { Batch } from "./batches.ts";
import type { Deadlines, FinalPlan, IdentifyWaitReason, PermitAnswer } from "../lifecycle/state.ts";
import type { ReconnectRules } from "../lifecycle/plan_reconnect.ts";
import type { ResumePoint } from "./position.ts";

export type { PermitAnswer };

/** Raised with every change; a worker of another version is a broken build. */
export const PROTOCOL_VERSION = 6;

/** How the bot is shown. */
export interface Presence {
  readonly status: "online" | "idle" | "dnd" | "invisible";
  /** The line below the name. */
  readonly activity?: string;
}

/** One of the account's connections, as it is to begin. */
export interface ShardOptions {
  /** From 0. */
  readonly id: number;
  /** To be resumed; its `seq` is the last one that is stored. */
  readonly session?: GatewaySession;
  /** Milliseconds that must pass before an IDENTIFY. */
  readonly identifyInMs: number;
}

export interface GatewayOptions {
  readonly token: string;
  /** `"wss://gateway.discord.gg"`, or a simulator's. */
  readonly url: string;
  readonly intents: number;
  /** Whether to ask for transport compression. */
  readonly compress: boolean;
  readonly tcpKeepaliveSec: number;
  readonly reconnect: ReconnectRules;
  readonly presence: Presence;
  /** `"http://user:pw@host:3128"`: what the sockets go through. */
  readonly proxy?: string;
  /** Those of the account that this process holds: all of them. */
  readonly shards: readonly ShardOptions[];
  /** How many the account has. */
  readonly shardCount: number;
  /** IDENTIFYs in five seconds, one for each `id % maxConcurrency`; 1 if absent. */
  readonly maxConcurrency?: number;
  /** Base of Discord's REST API with its version, where the thread acknowledges commands. */
  readonly restUrl: string;
  /** As Discord asks bots to name themselves. */
  readonly userAgent: string;
  /** Whether every event, beat and attempt is logged (G10). */
  readonly isConnectionDebug: boolean;
  /** Types of the dispatches that leave the worker. */
  readonly dispatches: readonly string[];
  /** Milliseconds that each step of connecting may take; for tests. */
  readonly deadlines?: Deadlines;
}

/** A shard as a worker takes it over: from the start, or from a worker that died. */
export interface ShardStart extends ShardOptions, ResumePoint {
  /** Lost connections since a session last lived. */
  readonly failures: number;
  readonly isDown: boolean;
  /** Whether the session is of a process that may have shown the bot otherwise. */
  readonly mustSendPresence: boolean;
}

/** What all shards of a worker have in common. */
export type CommonOptions = Omit<GatewayOptions, "shards">;

/** A batch as the main thread takes it. */
export interface DispatchBatch extends Batch {
  readonly shardId: number;
  /**
   * From 1 for the life of the process, whatever worker and session it is of.
   * Workers and sessions number from their own start, so nothing else tells
   * two batches apart.
   */
  readonly ticket: number;
}

/** How a shard is, as health reads it. */
export interface ShardState {
  readonly state: "connecting" | "identifying" | "resuming" | "backoff" | "ready" | "fatal";
  /** Unix time in milliseconds at which it was last ready, or else was started. */
  readonly readyAt: number;
  /** The last heartbeat that Discord acknowledged; absent before the first. */
  readonly ack?: { readonly at: number; readonly intervalMs: number };
  /** Whether `maxRetries` connections in a row have failed. */
  readonly isDown: boolean;
  /** What an IDENTIFY waits for, where nothing else is in its way. */
  readonly waits?: IdentifyWaitReason;
}

/** What became of RESUMEs. */
export type ResumeOutcome = "resumed" | "invalid" | "closed" | "timeout";

/** Counters of one worker, from its start. */
export interface GatewayCounts {
  readonly identifies: number;
  readonly resumes: Readonly<Record<ResumeOutcome, number>>;
  /** By close code, or by what took its place: `"zombie"`, `"none"`. */
  readonly disconnects: Readonly<Record<string, number>>;
  /** By type; those that are neither used nor common are `"other"`. */
  readonly dispatches: Readonly<Record<string, number>>;
  /** Dispatches between RESUME and RESUMED. */
  readonly replayed: number;
  readonly unparsable: number;
}

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogValue = string | number | boolean;

export type ToWorker =
  | {
    readonly kind: "start";
    readonly version: number;
    readonly options: CommonOptions;
    readonly shards: readonly ShardStart[];
    /** A 64-bit counter that moves while the worker does: Unix time in milliseconds. */
    readonly tick: SharedArrayBuffer;
  }
  /** Everything of the shard up to this batch is stored. */
  | { readonly kind: "committed"; readonly shardId: number; readonly number: number }
  /** To the socket that asked, and to no other. */
  | {
    readonly kind: "permit";
    readonly shardId: number;
    readonly socket: number;
    readonly answer: PermitAnswer;
  }
  /** Where to connect from now on, where no session names its own place. */
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "stop" };

/** What one shard says; the worker adds whose words they are. */
export type FromShard =
  | { readonly kind: "batch"; readonly batch: Batch }
  | { readonly kind: "state"; readonly state: ShardState; readonly failures: number }
  | { readonly kind: "beat"; readonly lateMs: number; readonly latencyMs?: number }
  /** Asks whether it may IDENTIFY on this socket; ahead, whether it might, and none is counted. */
  | { readonly kind: "permit_wanted"; readonly socket: number; readonly isPreview?: true }
  /** Nobody will try again: neither this shard nor, with it, the account. */
  | { readonly kind: "final"; readonly plan: FinalPlan };

export type FromWorker =
  /** `sentAt` is Unix time in milliseconds: how late main reads it is main's delay. */
  | (FromShard & { readonly shardId: number; readonly sentAt: number })
  | { readonly kind: "counts"; readonly counts: GatewayCounts }
  | {
    readonly kind: "log";
    readonly level: LogLevel;
    readonly event: string;
    readonly fields: Readonly<Record<string, LogValue>>;
  }
  | { readonly kind: "stopped" };
