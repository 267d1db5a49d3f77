/**
 * The account's gateway connection, from its start to its stop.
 *
 * It exists before the gateway is found, so that other parts can be joined to it.
 *
 * @module
 */

import type { GatewayFinal } from "../../discord/gateway/main/thread.ts";
import { createEmitter } from "../../lib/emitter.ts";
import {
  connect,
  type Connection as OpenConnection,
  type ConnectOptions,
  type ConnectPorts,
} from "./connect.ts";

export interface ConnectionEvents {
  batch: ConnectPorts["onBatch"];
  /** How many shards there are to be. */
  shards: ConnectPorts["onShards"];
  /** Intents that are wanted and that Discord does not grant. */
  intentsMissing: ConnectPorts["onIntents"];
  budgetChanged: ConnectPorts["onBudget"];
  state: ConnectPorts["onState"];
  beat: ConnectPorts["onBeat"];
  delayed: ConnectPorts["onDelay"];
  /** The gateway cannot go on. */
  final(final: GatewayFinal): void;
  /** The gateway could not be found: Discord refused the token, or a fault of ours. */
  failed(error: unknown): void;
}

export interface Connection {
  connect(events: ConnectionEvents): void;
  /** @param mayResume Whether all that a resumed session will not tell again is known. */
  start(mayResume: boolean): void;
  /** The store holds every batch up to the one with this ticket. */
  committed(ticket: number): void;
  /** `undefined` before the gateway is found. */
  stats(): ReturnType<OpenConnection["stats"]> | undefined;
  /** Closes resumable; to be called after `stopping` is aborted. */
  stop(): Promise<void>;
}

/** What {@link createConnection} needs besides the events. */
export type ConnectionPorts = Pick<
  ConnectPorts,
  "directory" | "readFlags" | "proxyFor" | "store" | "stopping" | "now" | "log"
>;

export function createConnection(
  options: Omit<ConnectOptions, "mayResume">,
  ports: ConnectionPorts,
): Connection {
  const events = createEmitter<ConnectionEvents>();
  let open: OpenConnection | undefined;
  let opening: Promise<void> | undefined;
  return {
    connect: events.connect,
    start(mayResume) {
      const { emit } = events;
      opening = connect({ ...options, mayResume }, {
        ...ports,
        onBatch: emit.batch,
        onShards: emit.shards,
        onIntents: emit.intentsMissing,
        onBudget: emit.budgetChanged,
        onState: emit.state,
        onBeat: emit.beat,
        onDelay: emit.delayed,
        onFinal: emit.final,
      }).then((connected) => void (open = connected), (error: unknown) => {
        if (!ports.stopping.aborted) emit.failed(error);
      });
    },
    committed: (ticket) => open?.committed(ticket),
    stats: () => open?.stats(),
    async stop() {
      await opening;
      await open?.stop();
    },
  };
}
