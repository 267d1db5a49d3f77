/**
 * How far a shard's session has come: received, and on the disk.
 *
 * Discord is told of the second only, by heartbeats and by RESUME: it may forget
 * what it is told of, and a power cut undoes what is merely stored. What a
 * RESUME brings again of what is in the store already, the shard drops.
 *
 * @module
 */

import type { ShardStart } from "./protocol.ts";

/** What main tells of a session: sequence numbers start anew with each. */
export interface Progress {
  readonly epoch: number;
  readonly seq: number;
}

export interface Position {
  /** Of the last dispatch received. */
  readonly received: number;
  /** What RESUME goes from: the last one on the disk, or READY's, which T0 put there. */
  readonly resumeFrom: number;
  /** What a heartbeat may say. */
  readonly durable: number | undefined;
  /** READY came, with this number. */
  begin(seq: number): void;
  receive(seq: number): void;
  wasWritten(progress: Progress): void;
}

export function createPosition({ session, epoch: first, seqDurable }: ShardStart): Position {
  let epoch = first;
  let received = session?.seq ?? 0;
  let begun = received;
  let durable = seqDurable;
  return {
    get received() {
      return received;
    },
    get resumeFrom() {
      return durable ?? begun;
    },
    get durable() {
      return durable;
    },
    begin(seq) {
      epoch++;
      received = seq;
      begun = seq;
      durable = undefined;
    },
    receive(seq) {
      received = Math.max(received, seq);
    },
    wasWritten(progress) {
      if (progress.epoch === epoch) durable = Math.max(durable ?? 0, progress.seq);
    },
  };
}
