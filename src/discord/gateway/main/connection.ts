/**
 * Keeps the account's gateway connection, from its start to its stop.
 *
 * It exists before the gateway's address is known, so that other parts can be connected to it.
 *
 * @module
 */

import type { GatewayFinal } from "./thread.ts";
import type { OfferedForm } from "../../../core/people/form.ts";
import type { Presence } from "../../../core/discord/presence.ts";
import type { ShardState } from "../../../core/discord/gateway.ts";
import { createEmitter, type Hold } from "../../../lib/emitter.ts";
import {
  connect,
  type ConnectOptions,
  type ConnectPorts,
  type GatewayConnection as OpenConnection,
} from "./connect.ts";

/** The events of an account's connection. */
export interface ConnectionEvents {
  /** A batch of dispatches arrived. */
  batch: ConnectPorts["onBatch"];
  /** The number of shards is known. */
  shards: ConnectPorts["onShards"];
  /** Reports wanted intents that Discord does not grant. */
  intentsMissing: ConnectPorts["onIntents"];
  /** The number of IDENTIFYs of the day has changed. */
  budgetChanged: ConnectPorts["onBudget"];
  /** A shard has another state. */
  state: ConnectPorts["onState"];
  /** A heartbeat was sent, or acknowledged. */
  beat: ConnectPorts["onBeat"];
  /** Discord ended a session. */
  sessionEnded: ConnectPorts["onSessionEnded"];
  /** A shard waits before its next attempt. */
  delayed: ConnectPorts["onDelay"];
  /** The gateway has ended for good. */
  final(final: GatewayFinal): void;
  /** The gateway could not be found: Discord refused the token, or Barnacle has a fault. */
  failed(error: unknown): void;
}

/** An account's gateway connection. */
export interface Connection {
  /** Connects the events, before the first one. */
  connect(events: ConnectionEvents): void;
  /**
   * Starts connecting.
   *
   * @param mayResume See {@link ConnectOptions.mayResume}.
   */
  start(mayResume: ConnectOptions["mayResume"]): void;
  /**
   * Resolves once the first session is being opened, or if nothing can be opened yet: the connection
   * then waits for Discord.
   */
  readonly waiting: Promise<void>;
  /** Reports that the store holds every batch up to this ticket. */
  committed(ticket: number): void;
  /** Replaces the forms that people may open; their buttons may be sent then. */
  setForms(forms: readonly OfferedForm[]): void;
  /** `undefined` before the gateway is found. */
  stats(): ReturnType<OpenConnection["stats"]> | undefined;
  /** Shows another presence. Before the gateway is found, it starts with that. */
  setPresence(presence: Presence): void;
  /** Closes resumable. Call it after `stopping` is aborted. */
  stop(): Promise<void>;
}

/** The connection's dependencies, without its events. */
type WithoutEvents = Pick<
  ConnectPorts,
  | "locate"
  | "readGatewayInfo"
  | "readApplication"
  | "isTokenRefused"
  | "proxyFor"
  | "presence"
  | "store"
  | "stopping"
  | "now"
  | "log"
>;

/** Creates an account's connection; it connects with `start`. */
export function createConnection(
  options: Omit<ConnectOptions, "mayResume">,
  ports: WithoutEvents & {
    /** Holds the events until their handlers are ready. */
    readonly hold: Hold;
  },
): Connection {
  const events = createEmitter<ConnectionEvents>();
  const { promise: waiting, resolve: waits } = Promise.withResolvers<void>();
  const { hold } = ports;
  const { wrap } = hold;
  const failed = wrap((error: unknown) => events.emit.failed(error));
  const handlers: Omit<ConnectPorts, "isHolding" | keyof WithoutEvents> = {
    onBatch: wrap((batch) => events.emit.batch(batch)),
    onShards: wrap((count) => events.emit.shards(count)),
    onIntents: wrap((missing) => events.emit.intentsMissing(missing)),
    onBudget: wrap((budget) => events.emit.budgetChanged(budget)),
    onState: wrap((shardId, state) => events.emit.state(shardId, state)),
    onBeat: wrap((shardId, beat) => events.emit.beat(shardId, beat)),
    onSessionEnded: wrap((shardId) => events.emit.sessionEnded(shardId)),
    onDelay: wrap((ms) => events.emit.delayed(ms)),
    onFinal: wrap((final) => events.emit.final(final)),
  };
  let open: OpenConnection | undefined;
  let opening: Promise<void> | undefined;
  let forms: readonly OfferedForm[] = [];
  return {
    connect: events.connect,
    start(mayResume) {
      opening = connect({ ...options, mayResume }, {
        ...ports,
        ...handlers,
        isHolding: () => hold.isHolding,
        onBudget(budget) {
          waits(); // the IDENTIFY leaves now, or waits for its turn
          handlers.onBudget(budget);
        },
        onState(shardId, state) {
          if (hasAsked(state)) waits();
          handlers.onState(shardId, state);
        },
      }).then((connected) => {
        open = connected;
        open.setForms(forms);
      }, (error: unknown) => {
        waits();
        if (!ports.stopping.aborted) failed(error);
      });
    },
    waiting,
    setForms(offered) {
      forms = offered;
      open?.setForms(offered);
    },
    committed: (ticket) => open?.committed(ticket),
    stats: () => open?.stats(),
    setPresence: (presence) => open?.setPresence(presence),
    async stop() {
      await opening;
      await open?.stop();
    },
  };
}

/** Whether the shard's IDENTIFY or RESUME has left, so that Discord's answer comes next. */
function hasAsked({ state }: ShardState): boolean {
  return state === "resuming" || state === "ready" || state === "fatal";
}
