/**
 * Executes the effects that the lifecycle's state machine decides on.
 *
 * @module
 */

import { GatewayOpcodes as Op } from "@discordeno/types";
import { SESSION_LOST } from "../lifecycle/close_line.ts";
import { isOfSession, type LifecycleState } from "../lifecycle/state.ts";
import type { Effect } from "../lifecycle/step.ts";
import type { Counters } from "../link/counts.ts";
import type { Position } from "../link/position.ts";
import type { Presence } from "../../../core/discord/presence.ts";
import type { CommonOptions, FromShard } from "../link/protocol.ts";
import { identifyPayload, presencePayload, resumePayload } from "../socket/wire.ts";
import type { Connector } from "./connector.ts";
import type { ShardReport } from "./report.ts";

/** The parts of the shard that effects act on. */
export interface EffectPorts {
  /** The socket. */
  readonly connector: Omit<Connector, "connect" | "closed" | "setPaused">;
  /** The state machine. */
  readonly machine: { readonly state: LifecycleState };
  /** The sequence numbers. */
  readonly position: Pick<Position, "committed" | "resume">;
  /** Log and reports. */
  readonly report: Pick<ShardReport, "log" | "debug" | "beat" | "identifyWait" | "lost">;
  /** The counters of the worker. */
  readonly counters: Pick<Counters, "identified">;
  /** The current presence. */
  readonly presence: () => Presence;
  /** Sends a message of this shard to the main thread. */
  post(message: FromShard): void;
}

/**
 * Creates the executor of a shard's effects.
 *
 * @returns A function that executes one effect; `sessionId` is that of the state before the step.
 */
export function createEffects(
  options: CommonOptions,
  shardId: number,
  { connector, machine, position, report, counters, presence, post }: EffectPorts,
): (effect: Effect, sessionId: string | undefined) => void {
  const { log, debug } = report;

  return (effect, sessionId) => {
    switch (effect.kind) {
      case "open":
        return connector.open(effect);
      case "drop":
        return connector.drop();
      case "close":
        debug("Closing, to begin a new session", {});
        return connector.beginClose();
      case "ask_permit":
        debug("Asking for a permit to IDENTIFY", {});
        return post({ ...effect, kind: "permit_wanted" });
      case "identify":
        counters.identified();
        debug("IDENTIFY sent, waiting for READY", {});
        return connector.send(
          Op.Identify,
          identifyPayload({ ...options, presence: presence() }, shardId),
        );
      case "resume": {
        const seq = position.resume();
        debug("RESUME sent, waiting for RESUMED", { seq });
        return connector.send(Op.Resume, resumePayload(options.token, effect.sessionId, seq));
      }
      case "send_presence":
        return connector.send(Op.PresenceUpdate, presencePayload(presence()));
      case "heartbeat": {
        const seq = isOfSession(machine.state.phase) ? position.committed : undefined;
        return connector.send(Op.Heartbeat, seq ?? null);
      }
      case "report_heartbeat": {
        const { kind: _, ...beat } = effect;
        report.beat(beat);
        return post({ kind: "beat", ...beat });
      }
      case "report_flood":
        return log("warn", "Discord asks for more heartbeats than may be sent", {});
      case "report_identify_wait":
        return report.identifyWait(effect.reason, effect.waitMs);
      case "report_lost":
        return report.lost(effect.lost, sessionId);
      case "report_stale":
        return log("warn", SESSION_LOST, { why: "no sign of the session for too long" });
    }
  };
}
