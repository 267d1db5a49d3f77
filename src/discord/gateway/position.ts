/**
 * How far a shard's session has come: received, stored, on the disk.
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
  /** What RESUME goes from: the last one stored, or READY's before one is. */
  readonly resumeFrom: number;
  /** What a heartbeat may say. */
  readonly durable: number | undefined;
  /** READY came, with this number. */
  begin(seq: number): void;
  receive(seq: number): void;
  committed(progress: Progress): void;
  wasWritten(progress: Progress): void;
}

export function createPosition({ session, epoch: first, seqDurable }: ShardStart): Position {
  let epoch = first;
  let received = session?.seq ?? 0;
  let begun = received;
  let committed = session?.seq;
  let durable = seqDurable;
  return {
    get received() {
      return received;
    },
    get resumeFrom() {
      return committed ?? begun;
    },
    get durable() {
      return durable;
    },
    begin(seq) {
      epoch++;
      received = seq;
      begun = seq;
      committed = undefined;
      durable = undefined;
    },
    receive(seq) {
      received = Math.max(received, seq);
    },
    committed(progress) {
      if (progress.epoch === epoch) committed = Math.max(committed ?? 0, progress.seq);
    },
    wasWritten(progress) {
      if (progress.epoch === epoch) durable = Math.max(durable ?? 0, progress.seq);
    },
  };
}
