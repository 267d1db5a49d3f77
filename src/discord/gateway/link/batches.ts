/**
 * Gathers dispatches into batches for the main thread.
 *
 * A dispatch after a pause is sent at once. After each batch, dispatches gather for 8 ms, or until
 * the main thread has committed all earlier batches. Uncommitted batches delay nothing: the main
 * thread commits unimportant events late. A batch is one JSON string, because a string crosses
 * threads faster than objects do. While too
 * many dispatches are uncommitted, the shard does not read its socket: memory stays bounded, and
 * Discord keeps the unread events.
 *
 * @module
 */

import type { GatewaySession } from "../../../core/inbound/inbound.ts";
import type { Progress } from "./position.ts";

/** Dispatches that a shard sends to the main thread together. */
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
}

/**
 * A comma with blanks that Discord never writes. It separates the texts even if one is no JSON.
 */
export const SEPARATOR = " ,\t\n";

/** Effects of the batching. */
export interface BatchPorts {
  /** Sends a batch to the main thread. */
  post(batch: Batch): void;
  /** Called when `isFull` changes. */
  onFull(isFull: boolean): void;
  /** Calls back once, after `ms` milliseconds; returns a function that cancels. */
  after(ms: number, callback: () => void): () => void;
}

/** Bounds of the uncommitted dispatches. */
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

/** The batching of one shard. */
export interface Batches {
  /** Takes a dispatch that Barnacle uses. */
  add(text: string, seq: number): void;
  /** Takes the sequence number of a dispatch that Barnacle does not use. */
  skip(seq: number): void;
  /** Starts a session; the next dispatch is its READY. */
  newEpoch(session: GatewaySession): void;
  /** Records that events are missing before the next dispatch. */
  hole(): void;
  /**
   * Records that the main thread has stored everything up to this batch.
   *
   * @returns The new committed position; `undefined` without a new commit.
   */
  committed(number: number): Progress | undefined;
  /** Whether the uncommitted dispatches have reached their bound. */
  readonly isFull: boolean;
  /** Number of dispatches that are not committed yet. */
  readonly uncommitted: number;
  /** Sends the gathered dispatches and cancels all timers. */
  close(): void;
}

/**
 * Creates the batching of one shard.
 *
 * @param epoch Number of the current session; 0 before the first.
 */
export function createBatches(ports: BatchPorts, epoch: number, bounds = BATCH_BOUNDS): Batches {
  const backlog = createBacklog(bounds.maxBytes, ports.onFull);
  let texts: string[] = [];
  let bytes = 0;
  let seq = 0;
  let skipped = 0;
  let newSession: GatewaySession | undefined;
  let isAfterHole = false;
  let number = 0;
  let cancelWatermark: (() => void) | undefined;
  /** Set while dispatches gather. */
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
    };
    texts = [];
    bytes = 0;
    skipped = 0;
    newSession = undefined;
    isAfterHole = false;
    ports.post(batch);
    gather();
  }

  function gather(): void {
    cancelGather?.();
    cancelGather = ports.after(GATHER_MS, () => {
      cancelGather = undefined;
      if (texts.length > 0) flush();
    });
  }

  return {
    add(text, dispatchSeq) {
      texts.push(text);
      seq = dispatchSeq;
      const cost = text.length + DISPATCH_OVERHEAD;
      bytes += cost;
      backlog.add(cost);
      if (!cancelGather || texts.length >= GATHER_COUNT || bytes >= GATHER_BYTES) flush();
    },
    skip(dispatchSeq) {
      seq = dispatchSeq;
      skipped++;
      if (skipped >= WATERMARK_COUNT) flush();
      else cancelWatermark ??= ports.after(WATERMARK_MS, flush);
    },
    newEpoch(session) {
      flush();
      epoch++;
      newSession = session;
    },
    hole() {
      flush();
      isAfterHole = true;
    },
    committed(upTo) {
      const last = backlog.committed(upTo);
      if (backlog.isEmpty) {
        cancelGather?.(); // the main thread is idle: the next dispatch is sent at once
        cancelGather = undefined;
        if (texts.length > 0) flush();
      }
      return last;
    },
    get isFull() {
      return backlog.isFull;
    },
    get uncommitted() {
      return backlog.uncommitted;
    },
    close() {
      flush();
      cancelGather?.();
      cancelGather = undefined;
    },
  };
}

/** A batch that main has not committed yet. */
export interface SentBatch extends Progress {
  /** Number of the batch, from 1. */
  readonly number: number;
  /** Dispatches in the batch. */
  readonly count: number;
  /** Bytes of those dispatches. */
  readonly bytes: number;
}

/** The uncommitted dispatches of one shard. */
export interface Backlog {
  /** Counts a dispatch that will be part of a batch. */
  add(bytes: number): void;
  /** Records that the counted dispatches were sent as a batch. */
  sent(batch: SentBatch): void;
  /**
   * Removes the batches that the main thread has committed.
   *
   * @param number Number of the last committed batch.
   * @returns The new committed position; `undefined` without a new commit.
   */
  committed(number: number): Progress | undefined;
  /** Whether the main thread has committed every batch. */
  readonly isEmpty: boolean;
  /** Whether the bound is reached. */
  readonly isFull: boolean;
  /** Number of dispatches that are not committed yet. */
  readonly uncommitted: number;
}

/**
 * Creates an empty backlog.
 *
 * @param maxBytes Bytes from which on it is full.
 * @param onFull Called when `isFull` changes.
 */
export function createBacklog(maxBytes: number, onFull: (isFull: boolean) => void): Backlog {
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
    add(cost) {
      uncommitted++;
      bytes += cost;
      updateFullness();
    },
    sent: (batch) => void underWay.push(batch),
    committed(upTo) {
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
    get isEmpty() {
      return underWay.length === 0;
    },
    get isFull() {
      return isFull;
    },
    get uncommitted() {
      return uncommitted;
    },
  };
}
