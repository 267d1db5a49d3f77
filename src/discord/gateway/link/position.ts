/**
 * Knows how far a shard's gateway session has come: received, and committed by main.
 *
 * Heartbeats and RESUME name the committed number (G5b). A power cut may undo a commit that Discord
 * was told of, and Discord may have forgotten those events. The first dispatch after a RESUME then
 * has a later number than the next one, and this is where that is seen.
 *
 * @module
 */

import type { GatewaySession } from "../../../core/inbound/inbound.ts";

/** A place in a session: sequence numbers start anew with each. */
export interface Progress {
  /** Raised by each READY. */
  readonly epoch: number;
  readonly seq: number;
}

/** Where a shard's session goes on. */
export interface ResumePoint {
  readonly session?: GatewaySession;
  /** Of the session: sessions are numbered. */
  readonly epoch: number;
  /** What main has committed of it, which heartbeats name. */
  readonly seqCommitted?: number;
  /** What main has of it, committed or not: a RESUME brings it again, and it counts once. */
  readonly seqReceived?: number;
}

export interface Position {
  /** Number of the last dispatch that main has, or will have. */
  readonly received: number;
  /** What a heartbeat names; `undefined` before main has committed anything of the session. */
  readonly committed: number | undefined;
  /** READY came, with this number. */
  begin(seq: number): void;
  receive(seq: number): void;
  wasCommitted(progress: Progress): void;
  /** A RESUME leaves; returns the number that it names: the committed one, or else READY's. */
  resume(): number;
  /**
   * Takes the number of a dispatch after a RESUME.
   *
   * @returns Whether it is the first one, and Discord has left out events before it.
   */
  leavesHole(seq: number): boolean;
}

export function createPosition(
  { session, epoch: firstEpoch, seqCommitted, seqReceived }: ResumePoint,
): Position {
  let epoch = firstEpoch;
  let firstSeq = session?.seq ?? 0;
  let received = seqReceived ?? firstSeq;
  let committed = seqCommitted;
  /** What the last RESUME named, until a dispatch has followed it. */
  let resumedFrom: number | undefined;
  return {
    get received() {
      return received;
    },
    get committed() {
      return committed;
    },
    begin(seq) {
      epoch++;
      received = seq;
      firstSeq = seq;
      committed = undefined;
      resumedFrom = undefined;
    },
    receive(seq) {
      received = Math.max(received, seq);
    },
    wasCommitted(progress) {
      if (progress.epoch === epoch) committed = Math.max(committed ?? 0, progress.seq);
    },
    resume: () => resumedFrom = committed ?? firstSeq,
    leavesHole(seq) {
      const isHole = resumedFrom !== undefined && seq > resumedFrom + 1;
      resumedFrom = undefined;
      return isHole;
    },
  };
}
