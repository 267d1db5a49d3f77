/**
 * Gathers dispatches into batches for the main thread.
 *
 * A dispatch that comes after a pause goes at once; in the 8 ms after a batch
 * the next one gathers, unless all before it is committed sooner. What is merely
 * under way keeps nothing back: the main thread commits chatter at leisure. A
 * batch is one JSON string, since a string crosses threads faster than objects
 * do. `backlog.ts` bounds what the main thread has not committed.
 *
 * @module
 */

import type { GatewaySession } from "../../../core/inbound/inbound.ts";
import { createBacklog } from "./backlog.ts";
import type { Progress } from "./position.ts";

export interface Batch {
  /** From 1, in order. */
  readonly number: number;
  /** Raised by each READY: sequence numbers start anew with a session. */
  readonly epoch: number;
  /** Of the last dispatch received, used or not. */
  readonly seq: number;
  /** A JSON array of dispatches as they arrived, with {@link SEPARATOR} between them. */
  readonly text: string;
  /** Set where this batch begins a session: whoever has one of the two has both. */
  readonly session?: GatewaySession;
  /** Set where Discord has left out events before this batch, which it has forgotten (G5b). */
  readonly afterHole?: true;
}

/** A comma with blanks that Discord never writes: it tells texts apart if one of them is no JSON. */
export const SEPARATOR = " ,\t\n";

export interface BatchPorts {
  post(batch: Batch): void;
  /** Told when `isFull` changes. */
  onFull(isFull: boolean): void;
  /** Calls back once, after so many milliseconds; the answer calls it off. */
  after(ms: number, callback: () => void): () => void;
}

export interface BatchBounds {
  /** Characters of dispatches, each with {@link DISPATCH_OVERHEAD}. */
  readonly maxBytes: number;
}

/** What may be under way. The main thread holds it parsed, in up to five times as much memory. */
export const BATCH_BOUNDS: BatchBounds = { maxBytes: 2 << 20 };

/** Bytes that a dispatch costs beside its text, however short it is. */
export const DISPATCH_OVERHEAD = 256;

const GATHER_MS = 8;
const GATHER_COUNT = 64;
const GATHER_BYTES = 256 << 10;

/**
 * How often, at least, main hears of the sequence numbers of unused dispatches. Each time main
 * commits a number and nothing else; without it a RESUME only brings more of them again.
 */
const WATERMARK_MS = 30_000;
const WATERMARK_COUNT = 1_000;

export interface Batches {
  /** A dispatch that somebody uses. */
  add(text: string, seq: number): void;
  /** A dispatch that nobody uses: its number counts all the same. */
  skip(seq: number): void;
  /** The next dispatch begins a session: it is the session's READY. */
  newEpoch(session: GatewaySession): void;
  /** Events are missing before the next dispatch. */
  hole(): void;
  /**
   * The main thread has stored everything up to this batch.
   *
   * @returns How far that goes; `undefined` if it was known.
   */
  committed(number: number): Progress | undefined;
  readonly isFull: boolean;
  /** Dispatches that are not committed yet. */
  readonly uncommitted: number;
  /** Sends what has gathered, and waits for nothing any more. */
  close(): void;
}

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
  /** Ends the time in which dispatches gather. */
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
      ...(newSession && { session: newSession }),
      ...(isAfterHole && { afterHole: true }),
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
        cancelGather?.(); // main waits for more: what comes next goes at once
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
