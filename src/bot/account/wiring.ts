/**
 * Connects the parts of an account: this block shows which part handles which event.
 *
 * @module
 */

import { TOKEN_HINT } from "../../discord/gateway/lifecycle/close_codes.ts";
import { endOf } from "../health/account_end.ts";
import type { AccountOptions, AccountPorts } from "../ports.ts";
import type { Parts } from "./parts.ts";
import { createReachability } from "./reachability.ts";

/** Connects each event of the parts with its handler. */
export function connectParts(
  parts: Parts,
  { config: { discord: { accountId, gateway } } }: AccountOptions,
  { vitals, meter, onEnd }: AccountPorts,
): void {
  const { client, connectionState, outbound, inbound, catchUp, turns, duplicates, connection } =
    parts;
  const tokenRefused = () => onEnd({ kind: "refused", hint: TOKEN_HINT });
  const noteState = createReachability(outbound.channelQueues.reachable);
  /** Shards that have begun a session in this process. */
  const begun = new Set<number>();

  parts.stopping.signal.addEventListener("abort", () => client.stop(), { once: true });
  parts.restEvents.connect({
    request(request) {
      meter.request(request);
      vitals.setRest(request.status !== undefined && request.status < 500);
    },
    served: outbound.channelQueues.served,
    tokenRefused,
    stopped: outbound.stopped,
  });
  connectionState.connect({ tokenRefused });
  inbound.connect({
    accepted(judged) {
      turns.wake();
      outbound.accepted(judged);
    },
    committed: connection.committed,
    sessionDue: catchUp.sessionDue,
    sessionStarting: catchUp.sessionStarting,
    sessionStarted(shardId) {
      // If sessions are not resumed, Barnacle itself ended the previous one.
      const { resumeSession } = gateway.reconnect;
      if (begun.has(shardId) && resumeSession) duplicates.sessionInvalidated(shardId);
      begun.add(shardId);
      catchUp.sessionStarted(shardId);
    },
    guildsChanged: catchUp.ready,
    foreign: duplicates.foreign,
  });
  catchUp.connect({ released: turns.wake });
  connection.connect({
    batch: inbound.take,
    shards(count) {
      vitals.setShardCount(count);
      catchUp.setShardCount(count);
    },
    intentsMissing: connectionState.setUngranted,
    budgetChanged: vitals.refresh,
    state(shardId, state) {
      vitals.setShard(shardId, state);
      noteState(shardId, state);
      if (state.state === "ready") inbound.ready();
    },
    beat(shardId, beat) {
      meter.beat(`${accountId}/${shardId}`, beat);
      if (beat.latencyMs !== undefined) vitals.setLatency(shardId, beat.latencyMs);
    },
    delayed: vitals.delayed,
    final(final) {
      // An account that gave up without exiting stays, so that health can report it.
      if (final.kind !== "give_up" || final.exit) onEnd(final);
    },
    failed: (error) => onEnd(endOf(error)),
  });
}
