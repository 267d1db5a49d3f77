/**
 * Runs one gateway connection: creates its parts and connects them.
 *
 * `lifecycle/advance.ts` decides, and `machine.ts` executes its steps. The socket passes payloads
 * to the receiver. The receiver sorts them into events for the machine and dispatches for the main
 * thread.
 */

import { GatewayOpcodes as Op } from "@discordeno/types";
import { DEADLINES, type Effect, isOfSession, wantsIdentify } from "../lifecycle/state.ts";
import { createBatches } from "../link/batches.ts";
import { createPosition } from "../link/position.ts";
import type { Presence } from "../../../core/discord/presence.ts";
import type { OwnVoice } from "../../../core/discord/voice.ts";
import type { CommonOptions, PermitAnswer, ShardStart } from "../link/protocol.ts";
import { SESSION_LOST } from "../lifecycle/close_line.ts";
import { identifyPayload, presencePayload, resumePayload, voicePayload } from "../socket/wire.ts";
import { createShardSocket, type ShardSocket } from "./shard_socket.ts";
import { createMachine } from "./machine.ts";
import { createReceiver, type ShardParts } from "./receiver.ts";
import { createVoiceSender } from "./voice_sender.ts";
import { createShardReport, type ShardContext } from "./report.ts";

/** Starts a shard; it connects at once. */
export function startShard(
  { options, shard }: { readonly options: CommonOptions; readonly shard: ShardStart },
  context: ShardContext,
) {
  const { post } = context;
  const { url, reconnect, deadlines = DEADLINES } = options;
  const report = createShardReport(options, shard.id, context);
  const { debug } = report;
  const position = createPosition(shard);
  const machine = createMachine(shard, { url, reconnect, deadlines }, context);
  const batches = createBatches(
    {
      post: (batch) => post({ kind: "batch", batch }),
      after: context.after,
      onFull(isFull) {
        shardSocket.setPaused(isFull);
        debug(isFull ? "Congested: the socket is not read" : "Drained: the socket is read again", {
          held: batches.uncommitted,
        });
        machine.step({ kind: isFull ? "congested" : "drained" });
      },
    },
    shard.epoch,
    context.bounds,
  );
  let { presence } = options;
  const parts = { ...context, machine, position, batches, report };
  const receive = createReceiver(options.dispatches, parts);
  const shardSocket = createShardSocket(options, context, machine, report, receive);
  const voice = createVoiceSender({
    after: context.after,
    isReady: () => machine.state.phase.kind === "ready",
    send: (own) => shardSocket.send(Op.VoiceStateUpdate, voicePayload(own)),
  });

  machine.connect({
    effect: createEffects(options, shard.id, { ...parts, shardSocket, presence: () => presence }),
    settled(state) {
      report.update(state);
      voice.flush();
    },
  });
  machine.step({ kind: "start" });

  return {
    /** Records that the main thread has stored everything up to this batch. */
    committed({ number }: { readonly number: number }): void {
      const progress = batches.committed(number);
      if (progress) position.wasCommitted(progress);
    },
    /** Takes the answer to a permit request of this socket; one for an earlier socket is ignored. */
    permit(socket: number, answer: PermitAnswer): void {
      const { socket: inUse, phase } = machine.state;
      const isAwaited = phase.kind === "permitting" || (phase.kind === "ready" && phase.isAsking);
      const isVoid = socket !== inUse || !isAwaited;
      debug(isVoid ? "A permit came too late" : "A permit was answered", { answer: answer.kind });
      machine.step({ socket, kind: "permit", answer });
    },
    /** Delays an IDENTIFY, because another shard is about to send one. */
    delayIdentify: (forMs: number): void => machine.step({ kind: "identify_delayed", forMs }),
    wantsIdentify: (): boolean => wantsIdentify(machine.state),
    /** Begins a new session, as soon as it may IDENTIFY: this one lacks an event. */
    renew(): void {
      const event = "Barnacle will open a new session, which may bring what it could not read";
      report.log("warn", event, {});
      machine.step({ kind: "hole" });
    },
    setUrl: machine.setUrl,
    /** Shows another presence, also after each reconnect. */
    setPresence(changed: Presence): void {
      presence = changed;
      machine.step({ kind: "presence_changed" });
    },
    /** Joins or leaves a voice channel, once the session is ready. */
    setVoice: (own: OwnVoice): void => voice.add(own),
    /** Closes the socket so that the session stays resumable; takes a second at most. */
    async stop(): Promise<void> {
      voice.stop();
      machine.stop();
      await shardSocket.closed();
      batches.close();
      report.update(machine.state);
    },
  };
}

export type Shard = ReturnType<typeof startShard>;

/**
 * Creates the executor of a shard's effects.
 *
 * @returns A function that executes one effect; `sessionId` is that of the state before the step.
 */
function createEffects(
  options: CommonOptions,
  shardId: number,
  { shardSocket, machine, position, report, counters, presence, post }: ShardParts & {
    readonly shardSocket: ShardSocket;
    readonly presence: () => Presence;
  },
): (effect: Effect, sessionId: string | undefined) => void {
  const { log, debug } = report;

  return (effect, sessionId) => {
    switch (effect.kind) {
      case "open":
        return shardSocket.open(effect);
      case "drop":
        return shardSocket.drop();
      case "close":
        debug("Closing, to begin a new session", {});
        return shardSocket.beginClose();
      case "ask_permit":
        debug("Asking for a permit to IDENTIFY", {});
        return post({ ...effect, kind: "permit_wanted" });
      case "identify":
        counters.identified();
        debug("IDENTIFY sent, waiting for READY", {});
        return shardSocket.send(
          Op.Identify,
          identifyPayload({ ...options, presence: presence() }, shardId),
        );
      case "resume": {
        const seq = position.resume();
        debug("RESUME sent, waiting for RESUMED", { seq });
        return shardSocket.send(Op.Resume, resumePayload(options.token, effect.sessionId, seq));
      }
      case "send_presence":
        return shardSocket.send(Op.PresenceUpdate, presencePayload(presence()));
      case "heartbeat": {
        const seq = isOfSession(machine.state.phase) ? position.committed : undefined;
        return shardSocket.send(Op.Heartbeat, seq ?? null);
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
