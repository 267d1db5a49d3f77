/**
 * Runs the account's shards in the worker, by messages of the main thread.
 *
 * An unexpected error of any shard ends the thread. The main thread then starts another worker from
 * the stored state, which is safer than a shard in an unknown state.
 *
 * Discord accepts one IDENTIFY in five seconds for each `id % maxConcurrency`. The main thread alone
 * decides, by the stored record (`core/discord/gateway.ts`). This file only keeps shards
 * from opening a socket that would have to wait.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#rate-limiting}
 */

import { openPayloadSocket } from "../socket/payload_socket.ts";
import { createCounters } from "../link/protocol.ts";
import type { FromShard, FromWorker, ShardStart, ToWorker } from "../link/protocol.ts";
import { shardOf } from "../../../core/discord/ids.ts";
import { SPACING_MS } from "../../../core/discord/gateway.ts";
import {
  createAcknowledge,
  createCallback,
  createForms,
  createInteractionLimit,
  type Forms,
  type InteractionLimit,
} from "./acknowledge.ts";
import { type Shard, startShard } from "./shard.ts";

/**
 * Runs shards until the thread ends.
 */
export function serveGateway(port: {
  /** Sends a message to the main thread. */
  postMessage(message: FromWorker): void;
  /** Listens to the main thread. */
  on(event: "message", listener: (message: ToWorker) => void): unknown;
}): void {
  const shards = new Map<number, Shard>();
  let maxConcurrency = 1;
  let shardCount = 1;
  let forms: Forms | undefined;
  let limit: InteractionLimit | undefined;
  let isOver = false;

  function start(
    { options, shards: starts, tick, forms: offered }: Extract<ToWorker, { kind: "start" }>,
  ): void {
    maxConcurrency = Math.max(1, options.maxConcurrency ?? 1);
    ({ shardCount } = options);
    const counters = createCounters();
    const callback = createCallback(options, fetch, (outcome, isDone, interactionId) => {
      if (outcome === "403") port.postMessage({ kind: "refused", interactionId });
      if (isDone && !options.isConnectionDebug) return;
      const level = isDone ? "debug" : "warn";
      const event = isDone
        ? "Interaction acknowledged"
        : "Discord did not accept the first answer to an interaction";
      port.postMessage({ kind: "log", level, event, fields: { outcome } });
    });
    forms = createForms(callback, Date.now);
    forms.set(offered);
    limit = createInteractionLimit(
      { steadyNow: () => performance.now(), schedule: (run, ms) => after(ms, run) },
      (fields) => {
        const event = "Dropped presses and commands: their people sent too many";
        port.postMessage({ kind: "log", level: "warn", event, fields });
      },
    );
    const acknowledge = createAcknowledge(callback, forms.pressed, limit.take);
    const tickAt = new BigInt64Array(tick);
    const onTick = () => void Atomics.store(tickAt, 0, BigInt(Date.now()));
    onTick();
    for (const shard of spaceIdentifies(starts, maxConcurrency)) {
      if (isOver) return;
      const { id } = shard;
      const ports = {
        now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }),
        random: Math.random,
        after,
        post: (message: FromShard) => postFromShard(id, message),
        postFromWorker: (message: FromWorker) => port.postMessage(message),
        onTick,
        connect: openPayloadSocket,
        acknowledge,
        counters,
      };
      shards.set(id, startShard({ options, shard }, ports));
    }
  }

  function postFromShard(shardId: number, message: FromShard): void {
    port.postMessage({ ...message, shardId, sentAt: Date.now() });
    if (message.kind !== "final") return;
    isOver = true;
    void endAll(); // if one shard cannot go on, neither can its account
  }

  function permit({ shardId, socket, answer }: Extract<ToWorker, { kind: "permit" }>): void {
    shards.get(shardId)?.permit(socket, answer);
    if (answer.kind !== "granted") return;
    const others = [...shards].map(([id, { wantsIdentify }]) => ({
      id,
      wantsIdentify: wantsIdentify(),
    }));
    for (const [id, forMs] of identifyDelays(shardId, others, maxConcurrency)) {
      shards.get(id)?.delayIdentify(forMs);
    }
  }

  /** Stops all shards. If that fails, the error ends the thread, which is the purpose. */
  function endAll(): Promise<unknown> {
    return Promise.all([...shards.values()].map((shard) => shard.stop())).catch(
      (error: unknown) => {
        queueMicrotask(() => {
          throw error;
        });
      },
    );
  }

  port.on("message", (message) => {
    switch (message.kind) {
      case "start":
        return start(message);
      case "committed":
        return shards.get(message.shardId)?.committed(message);
      case "renew":
        return shards.get(message.shardId)?.renew();
      case "permit":
        return permit(message);
      case "url":
        return shards.forEach((shard) => shard.setUrl(message.url));
      case "forms":
        return forms?.set(message.forms);
      case "admit":
        return limit?.admit(message.userId);
      case "presence":
        return shards.forEach((shard) => shard.setPresence(message.presence));
      case "voice":
        return shards.get(shardOf(message.guildId, shardCount))?.setVoice(message);
      case "stop":
        return void endAll().then(() => port.postMessage({ kind: "stopped" }));
    }
  });
}

function after(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
}

/** Delays the shards that identify at the start, so that they do so one after the other. */
export function spaceIdentifies(
  shards: readonly ShardStart[],
  maxConcurrency: number,
): readonly ShardStart[] {
  const freeAt = new Map<number, number>();
  return shards.map((shard) => {
    if (shard.session) return shard;
    const key = shard.id % maxConcurrency;
    const identifyInMs = Math.max(shard.identifyInMs, freeAt.get(key) ?? 0);
    freeAt.set(key, identifyInMs + SPACING_MS);
    return { ...shard, identifyInMs };
  });
}

/** A shard that may have to wait for another one's IDENTIFY. */
interface IdentifyCandidate {
  readonly id: number;
  readonly wantsIdentify: boolean;
}

/**
 * Computes how long other shards wait after a shard got its permit.
 *
 * @param granted Number of the shard that got the permit.
 * @returns Milliseconds by shard. Shards that want to identify wait one after the other.
 */
export function identifyDelays(
  granted: number,
  shards: readonly IdentifyCandidate[],
  maxConcurrency: number,
): ReadonlyMap<number, number> {
  const isSameKey = ({ id }: IdentifyCandidate) =>
    id !== granted && id % maxConcurrency === granted % maxConcurrency;
  let forMs = 0;
  return new Map(
    shards.filter(isSameKey).map(({ id, wantsIdentify }) => [
      id,
      wantsIdentify ? forMs += SPACING_MS : SPACING_MS,
    ]),
  );
}
