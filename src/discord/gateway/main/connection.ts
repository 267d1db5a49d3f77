/**
 * Keeps the account's gateway connection, from its start to its stop.
 *
 * It exists before the gateway's address is known, so that other parts can be connected to it.
 */

import type { OfferedForm } from "../../../core/people/form.ts";
import type { Presence } from "../../../core/discord/presence.ts";
import type { OwnVoice } from "../../../core/discord/voice.ts";
import type { ShardState } from "../../../core/discord/gateway.ts";
import { createEmitter, type Hold } from "../../../lib/emitter.ts";
import {
  type ConnectOptions,
  type ConnectPorts,
  type GatewayConnection as OpenConnection,
  startConnection,
} from "./start_connection.ts";

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

type GatewayHandlers = Omit<ConnectPorts, "isHolding" | keyof WithoutEvents>;

interface ConnectionEvents extends Omit<GatewayHandlers, "onBatch"> {
  /** The gateway could not be found: Discord refused the token, or Barnacle has a fault. */
  onFailed(error: unknown): void;
}

/** Creates an account's connection; it connects with `start`. */
export function createConnection(
  options: Omit<ConnectOptions, "mayResume">,
  ports: WithoutEvents & {
    /** Holds the events until their handlers are ready. */
    readonly hold: Hold;
  },
) {
  const events = createEmitter<ConnectionEvents>();
  const { promise: waiting, resolve: waits } = Promise.withResolvers<void>();
  const { hold } = ports;
  const { wrap } = hold;
  let take: ConnectPorts["onBatch"] | undefined;
  const failed = wrap((error: unknown) => events.emit.onFailed(error));
  const handlers: GatewayHandlers = {
    onBatch: wrap((batch) => {
      if (!take) throw new TypeError("A batch came before its receiver was connected");
      take(batch);
    }),
    onShards: wrap((count) => events.emit.onShards(count)),
    onIntents: wrap((missing) => events.emit.onIntents(missing)),
    onBudget: wrap((budget) => events.emit.onBudget(budget)),
    onState: wrap((shardId, state) => events.emit.onState(shardId, state)),
    onBeat: wrap((shardId, beat) => events.emit.onBeat(shardId, beat)),
    onDelay: wrap((ms) => events.emit.onDelay(ms)),
    onRefused: wrap((interactionId) => events.emit.onRefused(interactionId)),
    onFinal: wrap((final) => events.emit.onFinal(final)),
  };
  let open: OpenConnection | undefined;
  let opening: Promise<void> | undefined;
  let forms: readonly OfferedForm[] = [];
  return {
    /** Connects the main thread's way of a batch, and those who listen, before the first one. */
    connect(taking: ConnectPorts["onBatch"], listeners: ConnectionEvents): void {
      take = taking;
      events.connect(listeners);
    },
    /**
     * Starts connecting.
     *
     * @param mayResume See {@link ConnectOptions.mayResume}.
     */
    start(mayResume: ConnectOptions["mayResume"]): void {
      opening = startConnection({ ...options, mayResume }, {
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
    /**
     * Resolves once the first session is being opened, or if nothing can be opened yet: the connection
     * then waits for Discord.
     */
    waiting,
    /** Replaces the forms that people may open; their buttons may be sent then. */
    setForms(offered: readonly OfferedForm[]): void {
      forms = offered;
      open?.setForms(offered);
    },
    /** Takes the interactions of an owner or approver, however many others send. */
    admit: (userId: string): void => open?.admit(userId),
    /** Reports that the store holds every batch up to this ticket. */
    committed: (ticket: number): void => open?.committed(ticket),
    /** Replaces the shard's session, because an event of it could not be read. */
    renew: (shardId: number): void => open?.renew(shardId),
    /** Changes the forms by which the thread shortens messages. */
    /** `undefined` before the gateway is found. */
    stats: (): ReturnType<OpenConnection["stats"]> | undefined => open?.stats(),
    /** Shows another presence. Before the gateway is found, it starts with that. */
    setPresence: (presence: Presence): void => open?.setPresence(presence),
    /** Joins, moves or leaves a voice channel. Discord answers by events, or does not. */
    setVoice: (own: OwnVoice): void => open?.setVoice(own),
    /** Closes resumable. Call it after `stopping` is aborted. */
    async stop(): Promise<void> {
      await opening;
      await open?.stop();
    },
  };
}

export type Connection = ReturnType<typeof createConnection>;

/** Whether the shard's IDENTIFY or RESUME has left, so that Discord's answer comes next. */
function hasAsked({ state }: ShardState): boolean {
  return state === "resuming" || state === "ready" || state === "fatal";
}
