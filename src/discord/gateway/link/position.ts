/**
 * Tracks the sequence numbers of a shard's session: received, and committed by the main thread.
 *
 * Heartbeats and RESUME name the committed number (G5b). A power cut may undo a commit that Discord
 * knows of, and Discord may have forgotten those events. The first dispatch after a RESUME then
 * skips sequence numbers; this file detects that.
 */

import type { GatewaySession } from "../../../core/inbound/inbound.ts";

export interface Progress {
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
    /** Starts a session with the number of its READY. */
    begin(seq: number): void {
      epoch++;
      received = seq;
      firstSeq = seq;
      committed = undefined;
      resumedFrom = undefined;
    },
    /** Takes the number of a dispatch. */
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
