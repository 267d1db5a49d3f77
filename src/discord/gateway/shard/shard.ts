/**
 * One gateway connection: makes its parts, and joins them.
 *
 * `reconnect.ts` decides, and `machine.ts` takes its steps. The socket brings texts to the receiver,
 * which sorts them into events of the machine and dispatches for the main thread.
 *
 * @module
 */

import { DEADLINES, wantsIdentify } from "../lifecycle/state.ts";
import { type BatchBounds, createBatches } from "../link/batches.ts";
import { createPosition } from "../link/position.ts";
import type { CommonOptions, PermitAnswer, ShardStart } from "../link/protocol.ts";
import type { openConnection } from "../socket/connection.ts";
import { createConnector } from "./connector.ts";
import { createEffects } from "./effects.ts";
import { createMachine, type MachinePorts } from "./machine.ts";
import { createReceiver } from "./receiver.ts";
import { createShardReport, type ReportPorts } from "./report.ts";

export interface ShardPorts extends ReportPorts, MachinePorts {
  readonly connect: typeof openConnection;
  /** Takes an INTERACTION_CREATE as it came: Discord waits three seconds for an answer. */
  readonly acknowledge: (dispatch: string) => void;
  readonly bounds?: BatchBounds;
}

export interface Shard {
  /** The main thread has stored everything up to this batch. */
  committed(batch: { readonly number: number }): void;
  /** Main's answer to the socket that asked for an IDENTIFY; to another one it is void. */
  permit(socket: number, answer: PermitAnswer): void;
  /** Another shard has the turn to IDENTIFY, for so many milliseconds. */
  delayIdentify(forMs: number): void;
  wantsIdentify(): boolean;
  /** Where to connect from now on; a wait or a connection there is goes on. */
  setUrl(url: string): void;
  /** Closes the socket so that the session can be resumed; a second at most. */
  stop(): Promise<void>;
}

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
  const parts = { machine, connector, position, batches, report, counters, post, acknowledge };

  machine.connect({
    effect: createEffects(options, shard.id, parts),
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
    async stop() {
      machine.stop();
      await connector.closed();
      batches.close();
      report.update(machine.state);
    },
  };
}
