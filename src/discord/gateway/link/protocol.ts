/**
 * Declares the messages between the main thread and the gateway's worker.
 *
 * One worker runs all shards of an account, so messages about a shard name it.
 *
 * Gathers dispatches into batches: one after a pause is sent at once. After each batch, dispatches
 * gather for 8 ms, or until the main thread has committed all earlier batches. Uncommitted batches
 * delay nothing: the main thread commits unimportant events late. A batch is one JSON string, because
 * a string crosses threads faster than objects do. While too many dispatches are uncommitted, the
 * shard does not read its socket: memory stays bounded, and Discord keeps the unread events.
 *
 * Heartbeats and RESUME name the committed number (G5b). A power cut may undo a commit that Discord
 * knows of, and Discord may have forgotten those events. The first dispatch after a RESUME then
 * skips sequence numbers; this file detects that.
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
import type { Deadlines, FinalPlan, PermitAnswer } from "../lifecycle/advance.ts";
import type { ReconnectRules } from "../lifecycle/close_codes.ts";

interface Progress {
  /** Number of the session; each READY increases it. */
  readonly epoch: number;
  /** Sequence number; it restarts with each session. */
  readonly seq: number;
}

export interface ResumePoint {
  /** The session to resume; absent if the shard must identify. */
  readonly session?: GatewaySession;
  /** Number of the session. */
  readonly epoch: number;
  /** Sequence number that the main thread has committed; heartbeats name it. */
  readonly seqCommitted?: number;
  /** Last number that the main thread has received. A RESUME may replay it; it counts once. */
  readonly seqReceived?: number;
}

export function createPosition(
  { session, epoch: firstEpoch, seqCommitted, seqReceived }: ResumePoint,
) {
  let epoch = firstEpoch;
  let firstSeq = session?.seq ?? 0;
  let received = seqReceived ?? firstSeq;
  let committed = seqCommitted;
  /** The number that the last RESUME named, until the next dispatch. */
  let resumedFrom: number | undefined;
  return {
    /** Number of the last dispatch that the main thread has or will get. */
    get received(): number {
      return received;
    },
    /** The number for heartbeats; `undefined` before the first commit of the session. */
    get committed(): number | undefined {
      return committed;
    },
    begin(seq: number): void {
      epoch++;
      received = seq;
      firstSeq = seq;
      committed = undefined;
      resumedFrom = undefined;
    },
    receive(seq: number): void {
      received = Math.max(received, seq);
    },
    /** Records a commit; one of an earlier session is ignored. */
    wasCommitted(progress: Progress): void {
      if (progress.epoch === epoch) committed = Math.max(committed ?? 0, progress.seq);
    },
    /** Starts a RESUME; returns the number for it: the committed one, or else READY's. */
    resume: (): number => resumedFrom = committed ?? firstSeq,
    /**
     * Checks the number of a dispatch after a RESUME.
     *
     * @returns Whether it is the first dispatch after the RESUME, and Discord has left out events.
     */
    leavesHole(seq: number): boolean {
      const isHole = resumedFrom !== undefined && seq > resumedFrom + 1;
      resumedFrom = undefined;
      return isHole;
    },
  };
}

export interface Batch {
  /** Number of the batch within its shard and worker, from 1. */
  readonly number: number;
  /** Number of the session; each READY increases it. Sequence numbers restart with a session. */
  readonly epoch: number;
  /** Sequence number of the last received dispatch, used or not. */
  readonly seq: number;
  /** A JSON array of dispatches as they arrived, with {@link SEPARATOR} between them. */
  readonly text: string;
  /** Set if the batch starts with the session's READY, so that the store gets both together. */
  readonly session?: GatewaySession;
  /** Set if Discord has forgotten events that belong before this batch (G5b). */
  readonly afterHole?: true;
  /** Set if its dispatches came between RESUME and RESUMED. */
  readonly isReplayed?: true;
}

/** A comma with blanks that Discord never writes. It separates the texts even if one is no JSON. */
export const SEPARATOR = " ,\t\n";

export interface BatchBounds {
  /** Characters of uncommitted dispatches, plus {@link DISPATCH_OVERHEAD} for each. */
  readonly maxBytes: number;
}

/** The default. The parsed dispatches take up to five times as much memory in the main thread. */
export const BATCH_BOUNDS: BatchBounds = { maxBytes: 2 << 20 };

/** Bytes that a dispatch costs in addition to its text. */
export const DISPATCH_OVERHEAD = 256;

const GATHER_MS = 8;
const GATHER_COUNT = 64;
const GATHER_BYTES = 256 << 10;

/**
 * Maximum milliseconds and dispatches between reports of unused dispatches' sequence numbers. Each
 * report costs the main thread a commit. Without it, a RESUME only replays more unused dispatches.
 */
const WATERMARK_MS = 30_000;
const WATERMARK_COUNT = 1_000;

/**
 * Creates the batching of one shard.
 *
 * @param epoch Number of the current session; 0 before the first.
 */
export function createBatches(
  ports: {
    post(batch: Batch): void;
    /** Called when `isFull` changes. */
    onFull(isFull: boolean): void;
    /** Calls back once, after `ms` milliseconds; returns a function that cancels. */
    after(ms: number, callback: () => void): () => void;
  },
  epoch: number,
  bounds = BATCH_BOUNDS,
) {
  const backlog = createBacklog(bounds.maxBytes, ports.onFull);
  let texts: string[] = [];
  let bytes = 0;
  let seq = 0;
  let skipped = 0;
  let newSession: GatewaySession | undefined;
  let isAfterHole = false;
  let isReplayed = false;
  let number = 0;
  let cancelWatermark: (() => void) | undefined;
  let cancelGather: (() => void) | undefined;

  function flush(): void {
    cancelWatermark?.();
    cancelWatermark = undefined;
    if (texts.length === 0 && skipped === 0) return;
    number++;
    backlog.sent({ number, count: texts.length, bytes, epoch, seq });
    const text = `[${texts.join(SEPARATOR)}]`;
    const batch: Batch = {
      number,
      epoch,
      seq,
      text,
      session: newSession,
      afterHole: isAfterHole || undefined,
      isReplayed: isReplayed || undefined,
    };
    const hadDispatches = texts.length > 0;
    texts = [];
    bytes = 0;
    skipped = 0;
    newSession = undefined;
    isAfterHole = false;
    ports.post(batch);
    if (hadDispatches) gather();
  }

  function gather(): void {
    cancelGather?.();
    cancelGather = ports.after(GATHER_MS, () => {
      cancelGather = undefined;
      if (texts.length > 0) flush();
    });
  }

  return {
    add(text: string, dispatchSeq: number): void {
      texts.push(text);
      seq = dispatchSeq;
      const cost = text.length + DISPATCH_OVERHEAD;
      bytes += cost;
      backlog.add(cost);
      if (!cancelGather || texts.length >= GATHER_COUNT || bytes >= GATHER_BYTES) flush();
    },
    flush,
    /** Takes the sequence number of a dispatch that Barnacle does not use. */
    skip(dispatchSeq: number): void {
      seq = dispatchSeq;
      skipped++;
      if (skipped >= WATERMARK_COUNT) flush();
      else cancelWatermark ??= ports.after(WATERMARK_MS, flush);
    },
    /** Starts a session; the next dispatch is its READY. */
    newEpoch(session: GatewaySession): void {
      flush();
      epoch++;
      newSession = session;
    },
    /** Records that events are missing before the next dispatch. */
    hole(): void {
      flush();
      isAfterHole = true;
    },
    /** Records whether the next dispatches come between RESUME and RESUMED. */
    replayed(is: boolean): void {
      if (is === isReplayed) return;
      flush();
      isReplayed = is;
    },
    /**
     * Records that the main thread has stored everything up to this batch.
     *
     * @returns The new committed position; `undefined` without a new commit.
     */
    committed(upTo: number): Progress | undefined {
      const last = backlog.committed(upTo);
      if (backlog.isEmpty) {
        cancelGather?.(); // the main thread is idle: the next dispatch is sent at once
        cancelGather = undefined;
        if (texts.length > 0) flush();
      }
      return last;
    },
    /** Whether the uncommitted dispatches have reached their bound. */
    get isFull(): boolean {
      return backlog.isFull;
    },
    get uncommitted(): number {
      return backlog.uncommitted;
    },
    /** Sends the gathered dispatches and cancels all timers. */
    close(): void {
      flush();
      cancelGather?.();
      cancelGather = undefined;
    },
  };
}

interface SentBatch extends Progress {
  /** Number of the batch, from 1. */
  readonly number: number;
  readonly count: number;
  readonly bytes: number;
}

/**
 * Creates an empty backlog.
 *
 * @param maxBytes Bytes from which on it is full.
 * @param onFull Called when `isFull` changes.
 */
export function createBacklog(maxBytes: number, onFull: (isFull: boolean) => void) {
  const underWay: SentBatch[] = [];
  let uncommitted = 0;
  let bytes = 0;
  let isFull = false;

  function updateFullness(): void {
    const isNow = bytes >= maxBytes;
    if (isNow === isFull) return;
    isFull = isNow;
    onFull(isFull);
  }

  return {
    /** Counts a dispatch that will be part of a batch. */
    add(cost: number): void {
      uncommitted++;
      bytes += cost;
      updateFullness();
    },
    /** Records that the counted dispatches were sent as a batch. */
    sent: (batch: SentBatch): void => void underWay.push(batch),
    /**
     * Removes the batches that the main thread has committed.
     *
     * @returns The new committed position; `undefined` without a new commit.
     */
    committed(upTo: number): Progress | undefined {
      let last: Progress | undefined;
      for (let first = underWay[0]; first && first.number <= upTo; first = underWay[0]) {
        underWay.shift();
        last = { epoch: first.epoch, seq: first.seq };
        uncommitted -= first.count;
        bytes -= first.bytes;
      }
      updateFullness();
      return last;
    },
    get isEmpty(): boolean {
      return underWay.length === 0;
    },
    get isFull(): boolean {
      return isFull;
    },
    get uncommitted(): number {
      return uncommitted;
    },
  };
}

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
