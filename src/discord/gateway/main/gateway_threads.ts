/** Presents the gateway threads of an account, one after the other, as one gateway. */

import type { OfferedForm } from "../../../core/people/form.ts";
import type { Presence } from "../../../core/discord/presence.ts";
import type { OwnVoice } from "../../../core/discord/voice.ts";
import type { GatewayOptions, ShardOptions } from "../link/protocol.ts";
import type { SupervisorPorts } from "./supervisor.ts";
import { type Gateway, type GatewayEvents, startGateway } from "./thread.ts";
import { type GatewayStats } from "../../../core/discord/gateway.ts";
import { createPermits, type PermitsPorts } from "./identify_permits.ts";

/** Options shared by all threads of an account; the address is the first thread's. */
export type ThreadOptions = Omit<GatewayOptions, "shards" | "intents" | "proxy">;

/** Creates the account's gateway; `open` starts its first thread. */
export function createGatewayThreads(
  options: ThreadOptions,
  ports:
    & Omit<GatewayEvents, "onLog" | "onPermitWanted">
    & Omit<PermitsPorts, "answer">
    & Pick<SupervisorPorts, "workerUrl" | "takeThread" | "random">
    & {
      /** Returns the proxy for a URL, if one is configured (G15). */
      readonly proxyFor: (url: string) => string | undefined;
    },
) {
  const { store, accountId, now, isHolding, onBudget, proxyFor, log } = ports;
  const { workerUrl, takeThread, random } = ports;
  let { url, presence } = options;
  let forms: readonly OfferedForm[] = [];
  let current: Gateway | undefined;
  let committedUpTo = 0;
  let isTold = true;
  const ready = new Set<number>();
  const permits = createPermits({
    store,
    accountId,
    now,
    answer: (shardId, answer) => current?.permit(shardId, answer),
    isHolding,
    onBudget,
    log,
  });
  const events: GatewayEvents = {
    onBatch: ports.onBatch,
    onState(shardId, state) {
      if (state.state === "ready") ready.add(shardId);
      else ready.delete(shardId);
      ports.onState(shardId, state);
    },
    onBeat: ports.onBeat,
    onDelay: ports.onDelay,
    onRefused: ports.onRefused,
    onPermitWanted: permits,
    onLog: (level, event, fields) => log[level](event, fields),
    onFinal: ports.onFinal,
  };

  return {
    /** Starts a thread. The previous thread has ended, or is stopped. */
    open(shards: readonly ShardOptions[], intents: number): void {
      const proxy = proxyFor(url);
      current = startGateway(
        { ...options, url, presence, intents, proxy, shards },
        events,
        { workerUrl, takeThread, now, random },
        current?.lastTicket(),
      );
      current.setForms(forms);
    },
    isUp: (): boolean => ready.size === options.shardCount,
    url: (): string => url,
    /** Uses another address for later connections. */
    setUrl(moved: string): void {
      url = moved;
      current?.setUrl(moved);
    },
    /** Replaces the forms that people may open. */
    setForms(offered: readonly OfferedForm[]): void {
      forms = offered;
      current?.setForms(offered);
    },
    /** Takes the interactions of an owner or approver, however many others send. */
    admit: (userId: string): void => current?.admit(userId),
    /** Replaces the shard's session, because an event of it could not be read. */
    renew: (shardId: number): void => current?.renew(shardId),
    setVoice: (own: OwnVoice): void => current?.setVoice(own),
    /** Shows another presence, in later threads too. */
    setPresence(changed: Presence): void {
      presence = changed;
      current?.setPresence(changed);
    },
    /**
     * Reports that the store holds every batch up to this ticket. The thread gets to know in the next
     * turn of the event loop: on one core, waking it at once would delay the turn that just began.
     */
    committed(ticket: number): void {
      committedUpTo = Math.max(committedUpTo, ticket);
      if (!isTold) return;
      isTold = false;
      setImmediate(() => {
        isTold = true;
        current?.committed(committedUpTo);
      });
    },
    /** `undefined` before the first thread. */
    stats: (): GatewayStats | undefined => current?.stats(),
    /** Closes the gateway so that its sessions can be resumed. */
    stop: async (): Promise<void> => await current?.stop(),
  };
}

/** The current gateway thread of an account, whichever thread that is. */
export type GatewayThreads = ReturnType<typeof createGatewayThreads>;
