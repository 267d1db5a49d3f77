/**
 * Sorts the gateway's payloads: dispatches go into batches, all others to the state machine.
 *
 * A payload that cannot be read is counted and skipped, because the session continues without it.
 * Only a broken stream ends a connection.
 */

import { isOfSession } from "../lifecycle/state.ts";
import type { createBatches } from "../link/batches.ts";
import type { createPosition } from "../link/position.ts";
import { type DispatchFrame, readFrame } from "../socket/frame.ts";
import { INTERACTION_CREATE } from "./acknowledge.ts";
import type { Machine } from "./machine.ts";
import type { ShardContext, ShardReport } from "./report.ts";

/**
 * Maximum length of a dispatch, except those that describe guilds. A message at all of Discord's
 * limits has a tenth of it. In both threads together, a text of 15 MiB would take 250 MiB.
 */
const MAX_CHARS = 1 << 20;

/** The parts of a shard that payloads and effects go to. */
export interface ShardParts extends Pick<ShardContext, "counters" | "acknowledge" | "post"> {
  readonly machine: Machine;
  readonly position: ReturnType<typeof createPosition>;
  readonly batches: ReturnType<typeof createBatches>;
  readonly report: ShardReport;
}

/**
 * Creates the function that takes the socket's payloads.
 *
 * @param types Types of the dispatches that Barnacle uses. Of others only the number counts.
 * @returns A function that takes a payload. Payloads of earlier sockets are ignored.
 */
export function createReceiver(
  types: readonly string[],
  { machine, position, batches, report, counters, acknowledge }: ShardParts,
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
          if (isOfSession(phase)) return dispatch(frame); // a replayed RESUMED
          return report.passedOver("RESUMED out of turn", text);
        }
        recordHole(frame.seq);
        counters.resumeEnded("resumed");
        machine.step({ socket, kind: "resumed" });
        report.log("info", "Discord resumed the session: the bot is online", {});
        return dispatch(frame);
      case "unreadable":
        return report.passedOver(frame.why, text);
    }
  }

  function recordHole(seq: number): void {
    if (!position.leavesHole(seq)) return;
    batches.hole();
    report.hole();
    machine.step({ kind: "hole" });
  }

  function dispatch({ type, seq, text }: DispatchFrame): void {
    const isReplayed = machine.state.phase.kind === "resuming";
    report.debug("Dispatch", { type, seq });
    recordHole(seq);
    if (isReplayed && seq <= position.received) return; // an earlier batch has it
    position.receive(seq);
    batches.replayed(isReplayed);
    const isTooLarge = text !== undefined && text.length > MAX_CHARS &&
      !type.startsWith("GUILD_") &&
      type !== "READY";
    if (isTooLarge) report.passedOver(`a ${type} of more than 1 MiB`, text);
    const isDropped = !isTooLarge && type === INTERACTION_CREATE && text !== undefined &&
      !acknowledge(text);
    if (text === undefined || isTooLarge || isDropped) return batches.skip(position.received);
    batches.add(text, position.received);
  }

  return receive;
}
