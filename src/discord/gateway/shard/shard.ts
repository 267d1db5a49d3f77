/**
 * Runs one gateway connection: creates its parts and connects them.
 *
 * `lifecycle/advance.ts` decides, and `machine.ts` executes its steps. The socket passes payloads
 * to the receiver. The receiver sorts them into events for the machine and dispatches for the main
 * thread.
 *
 * @module
 */

import { DEADLINES, wantsIdentify } from "../lifecycle/state.ts";
import { type BatchBounds, createBatches } from "../link/batches.ts";
import { createPosition } from "../link/position.ts";
import type { Presence } from "../../../core/discord/presence.ts";
import type { CommonOptions, PermitAnswer, ShardStart } from "../link/protocol.ts";
import type { openConnection } from "../socket/connection.ts";
import { createConnector } from "./connector.ts";
import { createEffects } from "./effects.ts";
import { createMachine, type MachinePorts } from "./machine.ts";
import { createReceiver } from "./receiver.ts";
import { createShardReport, type ReportPorts } from "./report.ts";

/** What a shard needs. */
export interface ShardPorts extends ReportPorts, MachinePorts {
  /** Opens a connection. */
  readonly connect: typeof openConnection;
  /** Takes an INTERACTION_CREATE as JSON. Discord waits three seconds for an answer. */
  readonly acknowledge: (dispatch: string) => void;
  /** Bounds of the uncommitted dispatches; absent for the default. */
  readonly bounds?: BatchBounds;
}

/** A running shard. */
export interface Shard {
  /** Records that the main thread has stored everything up to this batch. */
  committed(batch: { readonly number: number }): void;
  /** Takes the answer to a permit request of this socket; one for an earlier socket is ignored. */
  permit(socket: number, answer: PermitAnswer): void;
  /** Delays an IDENTIFY, because another shard is about to send one. */
  delayIdentify(forMs: number): void;
  /** Whether its next step is an IDENTIFY. */
  wantsIdentify(): boolean;
  /** Sets the URL of the next connection. */
  setUrl(url: string): void;
  /** Shows another presence, also after each reconnect. */
  setPresence(presence: Presence): void;
  /** Closes the socket so that the session stays resumable; takes a second at most. */
  stop(): Promise<void>;
}

/** Starts a shard; it connects at once. */
export function startShard(
  { options, shard }: { readonly options: CommonOptions; readonly shard: ShardStart },
  ports: ShardPorts,
): Shard {
  const { counters, post, connect, acknowledge } = ports;
  const { url, reconnect, deadlines = DEADLINES } = options;
  const report = createShardReport(options, shard.id, ports);
  const { debug } = report;
  const position = createPosition(shard);
  const machine = createMachine(shard, { url, reconnect, deadlines }, ports);
  const connector = createConnector(options, { connect, isInUse: machine.isInUse, debug });
  const batches = createBatches(
    {
      post: (batch) => post({ kind: "batch", batch }),
      after: ports.after,
      onFull(isFull) {
        connector.setPaused(isFull);
        debug(isFull ? "Congested: the socket is not read" : "Drained: the socket is read again", {
          held: batches.uncommitted,
        });
        machine.step({ kind: isFull ? "congested" : "drained" });
      },
    },
    shard.epoch,
    ports.bounds,
  );
  let { presence } = options;
  const parts = { machine, connector, position, batches, report, counters, post, acknowledge };

  machine.connect({
    effect: createEffects(options, shard.id, { ...parts, presence: () => presence }),
    settled: report.update,
  });
  connector.connect({
    event: machine.step,
    text: createReceiver(options.dispatches, parts),
  });
  machine.step({ kind: "start" });

  return {
    committed({ number }) {
      const progress = batches.committed(number);
      if (progress) position.wasCommitted(progress);
    },
    permit(socket, answer) {
      const { socket: inUse, phase } = machine.state;
      const isAwaited = phase.kind === "permitting" || (phase.kind === "ready" && phase.isAsking);
      const isVoid = socket !== inUse || !isAwaited;
      debug(isVoid ? "A permit came too late" : "A permit was answered", { answer: answer.kind });
      machine.step({ socket, kind: "permit", answer });
    },
    delayIdentify: (forMs) => machine.step({ kind: "identify_delayed", forMs }),
    wantsIdentify: () => wantsIdentify(machine.state),
    setUrl: machine.setUrl,
    setPresence(changed) {
      presence = changed;
      machine.step({ kind: "presence_changed" });
    },
    async stop() {
      machine.stop();
      await connector.closed();
      batches.close();
      report.update(machine.state);
    },
  };
}
