/**
 * The account's gateway threads, one after the other, as if they were one.
 *
 * Each thread counts its batches from 1; here the count goes on, so that a batch of an earlier
 * thread is not taken for one of the next.
 *
 * @module
 */

import type { AccountId } from "../../core/discord/ids.ts";
import type { GatewayOptions, ShardOptions } from "../../discord/gateway/link/protocol.ts";
import {
  type Gateway,
  type GatewayEvents,
  type GatewayPorts,
  type GatewayStats,
  startGateway,
} from "../../discord/gateway/main/thread.ts";
import type { Log } from "../../lib/log.ts";
import { createPermits, type PermitsPorts } from "./permits.ts";

/** What all threads of an account have in common; the address is the first one's. */
export type ThreadOptions = Omit<GatewayOptions, "shards" | "intents" | "proxy">;

export interface ThreadPorts
  extends
    Omit<GatewayEvents, "onLog" | "onPermitWanted">,
    Pick<PermitsPorts, "store" | "onBudget">,
    Pick<GatewayPorts, "workerUrl" | "takeThread" | "random"> {
  readonly accountId: AccountId;
  /** The proxy that leads to a URL, where one does (G15). */
  readonly proxyFor: (url: string) => string | undefined;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

export interface GatewayThreads {
  /** Starts a thread; the one before is stopped, or has come to its end. */
  open(shards: readonly ShardOptions[], intents: number): void;
  /** Whether all shards are connected. */
  isUp(): boolean;
  url(): string;
  setUrl(url: string): void;
  /** The store holds every batch up to the one with this ticket. */
  committed(ticket: number): void;
  /** `undefined` before the first thread. */
  stats(): GatewayStats | undefined;
  /** Closes resumable. */
  stop(): Promise<void>;
}

export function createGatewayThreads(options: ThreadOptions, ports: ThreadPorts): GatewayThreads {
  const { store, accountId, now, onBudget, proxyFor, log } = ports;
  const { workerUrl, takeThread, random } = ports;
  let { url } = options;
  let current: Gateway | undefined;
  /** Of the threads before this one: each counts its tickets from 1. */
  let ticketsBefore = 0;
  let lastTicket = 0;
  const ready = new Set<number>();
  const permits = createPermits({
    store,
    accountId,
    now,
    answer: (shardId, answer) => current?.permit(shardId, answer),
    onBudget,
    log,
  });
  const events: GatewayEvents = {
    onBatch(batch) {
      lastTicket = ticketsBefore + batch.ticket;
      ports.onBatch({ ...batch, ticket: lastTicket });
    },
    onState(shardId, state) {
      if (state.state === "ready") ready.add(shardId);
      else ready.delete(shardId);
      ports.onState(shardId, state);
    },
    onBeat: ports.onBeat,
    onDelay: ports.onDelay,
    onPermitWanted: permits,
    onLog: (level, event, fields) => log[level](event, fields),
    onFinal: ports.onFinal,
  };

  return {
    open(shards, intents) {
      ticketsBefore = lastTicket;
      const proxy = proxyFor(url);
      current = startGateway(
        { ...options, url, intents, ...(proxy !== undefined && { proxy }), shards },
        events,
        { workerUrl, ...(takeThread && { takeThread }), now, random },
      );
    },
    isUp: () => ready.size === options.shardCount,
    url: () => url,
    setUrl(moved) {
      url = moved;
      current?.setUrl(moved);
    },
    committed: (ticket) => current?.committed(ticket - ticketsBefore),
    stats: () => current?.stats(),
    stop: async () => await current?.stop(),
  };
}
