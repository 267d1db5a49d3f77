/**
 * Types of the messages between the main thread and the gateway's worker.
 *
 * One worker runs all shards of an account, so messages about a shard name it.
 */

import type {
  GatewayCounts,
  OwnVoice,
  Presence,
  ResumeOutcome,
  ShardState,
} from "../../../core/discord/gateway.ts";
import type { GatewaySession } from "../../../core/inbound/inbound.ts";
import type { OfferedForm } from "../../../core/people/question.ts";
import type { ReconnectRules } from "../lifecycle/close_codes.ts";
import type { Deadlines, FinalPlan, PermitAnswer } from "../lifecycle/state.ts";
import type { Batch, ResumePoint } from "./batches.ts";

/** Counters of a worker that has done nothing. */
export const NO_COUNTS: GatewayCounts = {
  identifies: 0,
  resumes: { resumed: 0, invalid: 0, closed: 0, timeout: 0 },
  disconnects: {},
};

export function createCounters() {
  const resumes = { ...NO_COUNTS.resumes };
  const disconnects = new Map<string, number>();
  let identifies = 0;
  let hasChanged = false;

  return {
    identified(): void {
      identifies++;
      hasChanged = true;
    },
    resumeEnded(outcome: ResumeOutcome): void {
      resumes[outcome]++;
      hasChanged = true;
    },
    /** Counts a lost connection by its cause. */
    disconnected(label: string): void {
      raise(disconnects, label);
      hasChanged = true;
    },
    /** Returns the counters if one has changed since the last call. */
    changed(): GatewayCounts | undefined {
      if (!hasChanged) return undefined;
      hasChanged = false;
      return { identifies, resumes: { ...resumes }, disconnects: Object.fromEntries(disconnects) };
    },
  };
}

/** Adds the counters of a worker that died and of its successor. */
export function addCounts(a: GatewayCounts, b: GatewayCounts): GatewayCounts {
  return {
    identifies: a.identifies + b.identifies,
    resumes: {
      resumed: a.resumes.resumed + b.resumes.resumed,
      invalid: a.resumes.invalid + b.resumes.invalid,
      closed: a.resumes.closed + b.resumes.closed,
      timeout: a.resumes.timeout + b.resumes.timeout,
    },
    disconnects: addRecords(a.disconnects, b.disconnects),
  };
}

function addRecords(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const sum = new Map(Object.entries(a));
  for (const [key, count] of Object.entries(b)) sum.set(key, (sum.get(key) ?? 0) + count);
  return Object.fromEntries(sum);
}

function raise(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

export function createTotals() {
  let past = NO_COUNTS;
  let current = NO_COUNTS;
  return {
    /** Replaces the counters of the running worker. */
    set: (counts: GatewayCounts): void => void (current = counts),
    /** Records that the worker died; its successor counts from zero. */
    died(): void {
      past = addCounts(past, current);
      current = NO_COUNTS;
    },
    sum: (): GatewayCounts => addCounts(past, current),
  };
}

export type { PermitAnswer };

export interface ShardOptions {
  readonly id: number;
  /** Session to resume; its `seq` is the last stored one. Absent if there is none. */
  readonly session?: GatewaySession;
  /** Milliseconds to wait before an IDENTIFY. */
  readonly identifyInMs: number;
}

export interface GatewayOptions {
  readonly token: string;
  /** `"wss://gateway.discord.gg"`, or the URL of a simulator. */
  readonly url: string;
  /** Intents for IDENTIFY, as bits. */
  readonly intents: number;
  /** Whether Discord compresses its payloads. */
  readonly compress: boolean;
  /** Idle seconds before TCP keepalive probes; 0 disables them. */
  readonly tcpKeepaliveSec: number;
  readonly reconnect: ReconnectRules;
  readonly presence: Presence;
  /** Proxy for the sockets, such as `"http://user:pw@host:3128"`; absent for none. */
  readonly proxy?: string;
  readonly shards: readonly ShardOptions[];
  readonly shardCount: number;
  /** IDENTIFYs allowed in five seconds, one for each `id % maxConcurrency`; 1 if absent. */
  readonly maxConcurrency?: number;
  /** Base URL of Discord's REST API with its version; the worker acknowledges commands there. */
  readonly restUrl: string;
  /** User-Agent in the form that Discord requires. */
  readonly userAgent: string;
  /** Whether the worker logs every event, heartbeat and attempt (G10). */
  readonly isConnectionDebug: boolean;
  /** Types of the dispatches that the worker sends to the main thread. */
  readonly dispatches: readonly string[];
  /** Time limits of each step of connecting; for tests. */
  readonly deadlines?: Deadlines;
}

/** The state from which a worker continues a shard, at the start or after another worker died. */
export interface ShardStart extends ShardOptions, ResumePoint {
  /** Lost connections since the last session that lived. */
  readonly failures: number;
  /** Whether `maxRetries` connections in a row have failed. */
  readonly isDown: boolean;
  /** Whether another process or thread may have set a different presence for this session. */
  readonly mustSendPresence: boolean;
}

export type CommonOptions = Omit<GatewayOptions, "shards">;

export interface DispatchBatch extends Batch {
  readonly shardId: number;
  /**
   * Number of the batch for the life of the process, from 1. Workers and sessions restart their own
   * numbers, so only the ticket is unique.
   */
  readonly ticket: number;
  /** Unix time in milliseconds at which the worker sent it; the main thread may read it later. */
  readonly arrivedAt: number;
}

export type ThreadLogLevel = "debug" | "info" | "warn" | "error";
export type LogValue = string | number | boolean;

export type ToWorker =
  | {
    readonly kind: "start";
    readonly options: CommonOptions;
    readonly shards: readonly ShardStart[];
    /** A 64-bit counter: the worker writes Unix time in milliseconds while it runs. */
    readonly tick: SharedArrayBuffer;
    /** Forms that people may open now. */
    readonly forms: readonly OfferedForm[];
  }
  /** The main thread has stored everything of the shard up to this batch. */
  | { readonly kind: "committed"; readonly shardId: number; readonly number: number }
  /** The main thread could not read an event of the shard's session: a new one is to bring it. */
  | { readonly kind: "renew"; readonly shardId: number }
  | {
    readonly kind: "permit";
    readonly shardId: number;
    readonly socket: number;
    readonly answer: PermitAnswer;
  }
  /** Changes the URL for sessions that name none of their own. */
  | { readonly kind: "url"; readonly url: string }
  /** Replaces the forms that people may open. */
  | { readonly kind: "forms"; readonly forms: readonly OfferedForm[] }
  /** Takes the interactions of an owner or approver, however many others send (X4a). */
  | { readonly kind: "admit"; readonly userId: string }
  /** Changes the presence of all shards, now and after each IDENTIFY. */
  | { readonly kind: "presence"; readonly presence: Presence }
  /** Joins, moves or leaves a voice channel, by the shard of its guild. */
  | ({ readonly kind: "voice" } & OwnVoice)
  | { readonly kind: "stop" };

/** Messages of one shard; the worker adds the shard's id. */
export type FromShard =
  | { readonly kind: "batch"; readonly batch: Batch }
  | { readonly kind: "state"; readonly state: ShardState; readonly failures: number }
  | { readonly kind: "beat"; readonly lateMs: number; readonly latencyMs?: number }
  /** Asks for a permit to IDENTIFY. With `isPreview` it asks whether it would get one. */
  | { readonly kind: "permit_wanted"; readonly socket: number; readonly isPreview?: true }
  /** The shard does not reconnect any more, and neither does its account. */
  | { readonly kind: "final"; readonly plan: FinalPlan };

export type FromWorker =
  /** `sentAt` is Unix time in milliseconds, so that the main thread can measure its delay. */
  | (FromShard & { readonly shardId: number; readonly sentAt: number })
  | { readonly kind: "counts"; readonly counts: GatewayCounts }
  /** Discord forbids an answer to this interaction in its place. */
  | { readonly kind: "refused"; readonly interactionId: string }
  | {
    readonly kind: "log";
    readonly level: ThreadLogLevel;
    readonly event: string;
    readonly fields: Readonly<Record<string, LogValue>>;
  }
  | { readonly kind: "stopped" };
