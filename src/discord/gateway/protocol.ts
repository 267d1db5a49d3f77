/**
 * What the main thread and the gateway's worker say to each other.
 *
 * Both ends check each message when it arrives: by kind and by the type of
 * every field, which costs less than a microsecond. What is inside a batch is
 * Discord's, and is checked where it is decoded.
 *
 * @module
 */

import type { GatewaySession } from "../../core/inbound.ts";
import type { Batch } from "./batches.ts";
import type { Deadlines, FinalPlan } from "./life.ts";
import type { ReconnectRules } from "./plan_reconnect.ts";

/** Raised with every change; a worker of another version is a broken build. */
export const PROTOCOL_VERSION = 2;

export interface GatewayOptions {
  readonly token: string;
  /** `"wss://gateway.discord.gg"`, or a simulator's. */
  readonly url: string;
  readonly intents: number;
  /** Whether to ask for transport compression. */
  readonly compress: boolean;
  readonly tcpKeepaliveSec: number;
  readonly reconnect: ReconnectRules;
  /** To be resumed; its `seq` is the last one that is stored. */
  readonly session?: GatewaySession;
  /** Whether every event, beat and attempt is logged (G10). */
  readonly isConnectionDebug: boolean;
  /** Types of the dispatches that leave the worker. */
  readonly dispatches: readonly string[];
  /** Milliseconds that each step of connecting may take; for tests. */
  readonly deadlines?: Deadlines;
}

/** A batch as the main thread takes it. */
export interface DispatchBatch extends Batch {
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
    readonly options: GatewayOptions;
    /** The epoch of the session that is resumed. */
    readonly epoch: number;
    /** Milliseconds that must pass before an IDENTIFY. */
    readonly identifyInMs: number;
    /** A 64-bit counter that moves while the worker does: Unix time in milliseconds. */
    readonly tick: SharedArrayBuffer;
  }
  /** Everything up to this batch is stored; `seq` is of the session of `epoch`. */
  | {
    readonly kind: "committed";
    readonly number: number;
    readonly epoch: number;
    readonly seq: number;
  }
  /** Where to connect from now on, where no session names its own place. */
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "stop" };

export type FromWorker =
  | { readonly kind: "batch"; readonly batch: Batch }
  | { readonly kind: "state"; readonly state: ShardState }
  | { readonly kind: "beat"; readonly lateMs: number; readonly latencyMs?: number }
  | { readonly kind: "counts"; readonly counts: GatewayCounts }
  | {
    readonly kind: "log";
    readonly level: LogLevel;
    readonly event: string;
    readonly fields: Readonly<Record<string, LogValue>>;
  }
  | { readonly kind: "final"; readonly plan: FinalPlan }
  | { readonly kind: "stopped" };

type FieldType = "string" | "number" | "boolean" | "object";
/** A name that ends in `?` may be absent. */
interface Fields {
  readonly [name: string]: FieldType | Fields;
}

const SESSION: Fields = { sessionId: "string", resumeUrl: "string", seq: "number" };

const TO_WORKER: Readonly<Record<ToWorker["kind"], Fields>> = {
  start: {
    version: "number",
    options: {
      token: "string",
      url: "string",
      intents: "number",
      compress: "boolean",
      tcpKeepaliveSec: "number",
      reconnect: "object",
      "session?": SESSION,
      isConnectionDebug: "boolean",
      dispatches: "object",
      "deadlines?": "object",
    },
    epoch: "number",
    identifyInMs: "number",
    tick: "object",
  },
  committed: { number: "number", epoch: "number", seq: "number" },
  url: { url: "string" },
  stop: {},
};

const FROM_WORKER: Readonly<Record<FromWorker["kind"], Fields>> = {
  batch: {
    batch: {
      number: "number",
      epoch: "number",
      seq: "number",
      text: "string",
      "session?": SESSION,
    },
  },
  state: {
    state: {
      state: "string",
      readyAt: "number",
      "ack?": { at: "number", intervalMs: "number" },
      isDown: "boolean",
    },
  },
  beat: { lateMs: "number", "latencyMs?": "number" },
  counts: {
    counts: {
      identifies: "number",
      resumes: "object",
      disconnects: "object",
      dispatches: "object",
      replayed: "number",
      unparsable: "number",
    },
  },
  log: { level: "string", event: "string", fields: "object" },
  final: { plan: { kind: "string" } },
  stopped: {},
};

/** Whether a message is one that a worker understands. */
export function isToWorker(value: unknown): value is ToWorker {
  return fits(value, TO_WORKER);
}

/** Whether a message is one that the main thread understands. */
export function isFromWorker(value: unknown): value is FromWorker {
  return fits(value, FROM_WORKER);
}

function fits(value: unknown, kinds: Readonly<Record<string, Fields>>): boolean {
  if (!isRecord(value) || typeof value["kind"] !== "string") return false;
  const { kind } = value;
  const fields = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  return fields !== undefined && hasFields(value, fields);
}

function hasFields(value: Readonly<Record<string, unknown>>, fields: Fields): boolean {
  for (const name in fields) {
    const wanted = fields[name];
    const isOptional = name.endsWith("?");
    const found = value[isOptional ? name.slice(0, -1) : name];
    if (isOptional && found === undefined) continue;
    if (typeof wanted === "string") {
      if (typeof found !== wanted || found === null) return false;
    } else if (wanted && !(isRecord(found) && hasFields(found, wanted))) {
      return false;
    }
  }
  return true;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
