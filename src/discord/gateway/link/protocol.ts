/**
 * Declares the messages between the main thread and the gateway's worker.
 *
 * A dispatch crosses as its text, because a string crosses threads faster than objects do. While too
 * many dispatches are uncommitted, the worker does not read its socket: memory stays bounded, and
 * Discord keeps the unread events.
 *
 * Heartbeats and RESUME name the committed number (G5b). A power cut may undo a commit that Discord
 * knows of, and Discord may have forgotten those events. The first dispatch after a RESUME then
 * skips sequence numbers; this file detects that.
 */

import type {
  ConnectionState,
  GatewayCounts,
  OwnVoice,
  Presence,
  ResumeOutcome,
} from "../../../core/discord/gateway.ts";
import type { GatewaySession } from "../../../core/inbound/inbound.ts";
import type { OfferedForm } from "../../../core/people/question.ts";
import type { Deadlines, FinalPlan, PermitAnswer, StartFacts } from "../lifecycle/advance.ts";
import type { ReconnectRules } from "../lifecycle/close_codes.ts";
import type { SocketRules } from "../socket/socket.ts";

interface Progress {
  /** Number of the session; each READY increases it. */
  readonly epoch: number;
  /** Sequence number; it restarts with each session. */
  readonly seq: number;
}

export interface ResumePoint {
  /** The session to resume; absent: it must identify. */
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

/** One dispatch on its way to the store. */
export interface Batch {
  /** Number of the batch within its worker, from 1. */
  readonly number: number;
  /** Number of the session; each READY increases it. Sequence numbers restart with a session. */
  readonly epoch: number;
  /** Sequence number of the last received dispatch, used or not. */
  readonly seq: number;
  /** The dispatch as it arrived, in JSON; absent if only the number is told. */
  readonly text?: string;
  /** Set with the session's READY, so that the store gets both together. */
  readonly session?: GatewaySession;
  /** Set if Discord has forgotten events that belong before this batch (G5b). */
  readonly afterHole?: true;
  /** Set if the dispatch came between RESUME and RESUMED. */
  readonly isReplayed?: true;
}

export interface BatchBounds {
  /** Characters of uncommitted dispatches, plus {@link DISPATCH_OVERHEAD} for each. */
  readonly maxBytes: number;
}

/** The default. The parsed dispatches take up to five times as much memory in the main thread. */
export const BATCH_BOUNDS: BatchBounds = { maxBytes: 2 << 20 };

/** Bytes that a dispatch costs in addition to its text. */
export const DISPATCH_OVERHEAD = 256;

/**
 * Milliseconds between reports of unused dispatches' sequence numbers. Each report costs the main
 * thread a commit. Without it, a RESUME only replays more unused dispatches.
 */
const WATERMARK_MS = 30_000;

/** @param epoch Number of the current session; 0 before the first. */
export function createBatches(
  { post, onFull, after }: {
    readonly post: (batch: Batch) => void;
    /** Called when `isFull` changes. */
    readonly onFull: (isFull: boolean) => void;
    /** Calls back once, after `ms` milliseconds; returns a function that cancels. */
    readonly after: (ms: number, callback: () => void) => () => void;
  },
  epoch: number,
  { maxBytes } = BATCH_BOUNDS,
) {
  const underWay: (Progress & { readonly number: number; readonly bytes: number })[] = [];
  let number = 0;
  let seq = 0;
  let bytes = 0;
  let isFull = false;
  let session: GatewaySession | undefined;
  let afterHole: true | undefined;
  let cancelWatermark: (() => void) | undefined;

  function stopWatermark(): void {
    cancelWatermark?.();
    cancelWatermark = undefined;
  }

  function updateFullness(): void {
    if (bytes >= maxBytes === isFull) return;
    isFull = !isFull;
    onFull(isFull);
  }

  function send(text?: string, isReplayed?: true): void {
    stopWatermark();
    const cost = text === undefined ? 0 : text.length + DISPATCH_OVERHEAD;
    number++;
    bytes += cost;
    underWay.push({ number, epoch, seq, bytes: cost });
    const batch = { number, epoch, seq, text, session, afterHole, isReplayed };
    session = undefined;
    afterHole = undefined;
    updateFullness();
    post(batch);
  }

  return {
    /** @param isReplayed Whether it came between RESUME and RESUMED. */
    add(text: string, dispatchSeq: number, isReplayed = false): void {
      seq = dispatchSeq;
      send(text, isReplayed || undefined);
    },
    /** Takes the sequence number of a dispatch that Barnacle does not use. */
    skip(dispatchSeq: number): void {
      seq = dispatchSeq;
      cancelWatermark ??= after(WATERMARK_MS, send);
    },
    /** Starts a session; the next dispatch is its READY. */
    newEpoch(begun: GatewaySession): void {
      stopWatermark();
      epoch++;
      session = begun;
    },
    /** Records that events are missing before the next dispatch. */
    hole: (): void => void (afterHole = true),
    /**
     * Records that the main thread has stored everything up to this batch.
     *
     * @returns The new committed position; `undefined` without a new commit.
     */
    committed(upTo: number): Progress | undefined {
      let last: Progress | undefined;
      for (let first = underWay[0]; first && first.number <= upTo; first = underWay[0]) {
        underWay.shift();
        last = { epoch: first.epoch, seq: first.seq };
        bytes -= first.bytes;
      }
      updateFullness();
      return last;
    },
    get uncommitted(): number {
      return underWay.length;
    },
    close: stopWatermark,
  };
}

export const NO_COUNTS: GatewayCounts = {
  identifies: 0,
  resumes: { resumed: 0, invalid: 0, closed: 0, timeout: 0 },
  disconnects: {},
};

/** @param before Counters of the workers that have died. */
export function createCounters(before = NO_COUNTS) {
  const resumes = { ...before.resumes };
  const disconnects = new Map(Object.entries(before.disconnects));
  let { identifies } = before;
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
      disconnects.set(label, (disconnects.get(label) ?? 0) + 1);
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

export type { PermitAnswer };

export interface GatewayOptions extends SocketRules {
  readonly token: string;
  /** `"wss://gateway.discord.gg"`, or the URL of a simulator. */
  readonly url: string;
  /** Intents for IDENTIFY, as bits. */
  readonly intents: number;
  readonly reconnect: ReconnectRules;
  readonly presence: Presence;
  /** Session to resume; its `seq` is the last stored one. Absent if there is none. */
  readonly session?: GatewaySession;
  /** Milliseconds to wait before an IDENTIFY. */
  readonly identifyInMs: number;
  /** Base URL of Discord's REST API with its version; the worker acknowledges commands there. */
  readonly restUrl: string;
  /** Whether the worker logs every event, heartbeat and attempt (G10). */
  readonly isConnectionDebug: boolean;
  /** Types of the dispatches that the worker sends to the main thread. */
  readonly dispatches: readonly string[];
  /** Time limits of each step of connecting; for tests. */
  readonly deadlines?: Deadlines;
}

/** The state from which a worker continues, at the start or after another worker died. */
export interface WorkerStart extends ResumePoint, Required<Omit<StartFacts, "session">> {}

export type CommonOptions = Omit<GatewayOptions, "session" | "identifyInMs">;

export interface DispatchBatch extends Batch {
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
    readonly from: WorkerStart;
    /** Counters of the workers that have died. */
    readonly counts: GatewayCounts;
    /** A 64-bit counter: the worker writes Unix time in milliseconds while it runs. */
    readonly tick: SharedArrayBuffer;
    /** Forms that people may open now. */
    readonly forms: readonly OfferedForm[];
  }
  /** The main thread has stored everything up to this batch. */
  | { readonly kind: "committed"; readonly number: number }
  /** The main thread could not read an event of the session: a new one is to bring it. */
  | { readonly kind: "renew" }
  | { readonly kind: "permit"; readonly socket: number; readonly answer: PermitAnswer }
  /** Changes the URL for sessions that name none of their own. */
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "forms"; readonly forms: readonly OfferedForm[] }
  /** Takes the interactions of an owner or approver, however many others send (X4a). */
  | { readonly kind: "admit"; readonly userId: string }
  /** Changes the presence, now and after each IDENTIFY. */
  | { readonly kind: "presence"; readonly presence: Presence }
  /** Joins, moves or leaves a voice channel. */
  | ({ readonly kind: "voice" } & OwnVoice)
  | { readonly kind: "stop" };

export type FromWorker =
  /** `arrivedAt` is Unix time in milliseconds. */
  | { readonly kind: "batch"; readonly batch: Batch; readonly arrivedAt: number }
  | { readonly kind: "state"; readonly state: ConnectionState; readonly failures: number }
  /** Discord has acknowledged a heartbeat, at this Unix time in milliseconds. */
  | { readonly kind: "beat"; readonly latencyMs: number; readonly at: number }
  /** Asks for a permit to IDENTIFY. With `isPreview` it asks whether it would get one. */
  | { readonly kind: "permit_wanted"; readonly socket: number; readonly isPreview?: true }
  /** The account never connects again. */
  | { readonly kind: "final"; readonly plan: FinalPlan }
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
