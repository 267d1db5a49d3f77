/**
 * Takes what the gateway sends: dispatches go into batches, all else to the state machine.
 *
 * A payload that cannot be read is counted and passed over, for the session goes
 * on without it; only a broken stream ends a connection.
 *
 * @module
 */

import { isOfSession } from "../lifecycle/state.ts";
import type { Batches } from "../link/batches.ts";
import type { Counters } from "../link/counts.ts";
import type { Position } from "../link/position.ts";
import { type DispatchFrame, readFrame } from "../socket/frame.ts";
import { INTERACTION_CREATE } from "./acknowledge.ts";
import type { Machine } from "./machine.ts";
import type { ShardReport } from "./report.ts";

export interface ReceiverPorts {
  readonly machine: Pick<Machine, "state" | "isInUse" | "step">;
  readonly position: Position;
  readonly batches: Pick<Batches, "add" | "skip" | "hole" | "newEpoch">;
  readonly report: Pick<ShardReport, "log" | "debug" | "passedOver" | "hole">;
  readonly counters: Pick<Counters, "dispatched" | "resumeEnded">;
  /** Takes an INTERACTION_CREATE as it came: Discord waits three seconds for an answer. */
  readonly acknowledge: (dispatch: string) => void;
}

/**
 * @param types Of the dispatches that are used; of others only the sequence number counts.
 * @returns Takes a text that a socket brought; one of an earlier socket is void.
 */
export function createReceiver(
  types: readonly string[],
  { machine, position, batches, report, counters, acknowledge }: ReceiverPorts,
): (text: string, socket: number) => void {
  const wanted = new Set(types);

  function receive(text: string, socket: number): void {
    if (!machine.isInUse(socket)) return;
    const { phase } = machine.state;
    const frame = readFrame(text, wanted);
    switch (frame.kind) {
      case "dispatch":
        if (isOfSession(phase)) return dispatch(frame);
        return report.passedOver("a dispatch before READY", text);
      case "event": {
        const { event } = frame;
        if (event.kind === "hello") report.debug("HELLO", { intervalMs: event.intervalMs });
        return machine.step({ socket, ...event });
      }
      case "ready":
        if (phase.kind !== "identifying") return report.passedOver("READY out of turn", text);
        position.begin(frame.seq);
        batches.newEpoch(frame.session);
        machine.step({ socket, kind: "ready", ...frame.session });
        report.log("info", "Discord began a new session: the bot is online", {});
        return dispatch(frame);
      case "resumed":
        if (phase.kind !== "resuming") {
          if (isOfSession(phase)) return dispatch(frame); // an earlier one, replayed
          return report.passedOver("RESUMED out of turn", text);
        }
        noteHole(frame.seq);
        counters.resumeEnded("resumed");
        machine.step({ socket, kind: "resumed" });
        report.log("info", "Discord resumed the session: the bot is online", {});
        return dispatch(frame);
      case "unreadable":
        return report.passedOver(frame.why, text);
    }
  }

  function noteHole(seq: number): void {
    if (!position.leavesHole(seq)) return;
    batches.hole();
    report.hole();
    machine.step({ socket: machine.state.socket, kind: "hole" });
  }

  function dispatch({ type, seq, text }: DispatchFrame): void {
    const isReplayed = machine.state.phase.kind === "resuming";
    counters.dispatched(type, isReplayed);
    report.debug("Dispatch", { type, seq });
    noteHole(seq);
    if (isReplayed && seq <= position.received) return; // it is in a batch already
    position.receive(seq);
    if (type === INTERACTION_CREATE && text !== undefined) acknowledge(text);
    if (text === undefined) batches.skip(position.received);
    else batches.add(text, position.received);
  }

  return receive;
}
