/**
 * Keeps each shard's state and its requests for permits in the main thread.
 *
 * A worker starts without a past. This file keeps what its predecessor reported.
 */

import type { Clock } from "../../../lib/clock.ts";
import { SPACING_MS } from "../../../core/discord/identify_budget.ts";
import { DOWN_IDENTIFY_SPACING_MS } from "../lifecycle/state.ts";
import type { PermitAnswer, ShardOptions, ShardStart } from "../link/protocol.ts";
import type { ShardState } from "../../../core/discord/gateway.ts";
import type { ShardResumePoint } from "./batch_tracker.ts";

interface PermitRequest {
  /** Number of the worker that asked. */
  readonly generation: number;
  /** Number of the socket that asked. */
  readonly socket: number;
}

interface ShardView {
  readonly options: ShardOptions;
  state: ShardState;
  failures: number;
  grantedAt: number;
  /** Open requests, oldest first. */
  readonly permitRequests: PermitRequest[];
}

/**
 * Creates the views of an account's shards.
 *
 * @param now Returns the Unix time in milliseconds.
 * @param onState Called with each reported state, which may be the same again.
 */
export function createShardViews(
  shards: readonly ShardOptions[],
  now: Clock["now"],
  onState: (shardId: number, state: ShardState) => void,
) {
  const views = new Map(shards.map((options): [number, ShardView] => [options.id, {
    options,
    state: { state: "connecting", readyAt: now(), isDown: false },
    failures: 0,
    grantedAt: -Infinity,
    permitRequests: [],
  }]));

  /** Keeps the time at which the shard was last ready, which a worker that is not ready cannot tell. */
  function set(view: ShardView, reported: ShardState): void {
    const readyAt = view.state.state === "ready" ? now() : view.state.readyAt;
    view.state = reported.state === "ready" ? reported : { ...reported, readyAt };
    onState(view.options.id, view.state);
  }

  /** Drops heartbeats and waits, because no worker runs. */
  function unserved(view: ShardView, state: "connecting" | "fatal"): void {
    const { readyAt, isDown } = view.state;
    set(view, { state, readyAt, isDown });
  }

  return {
    has: (shardId: number): boolean => views.has(shardId),
    /** Returns the state from which a worker starts each shard; `isFirst` for the first worker. */
    starts: (
      resumePointOf: (shardId: number) => ShardResumePoint,
      isFirst: boolean,
    ): readonly ShardStart[] =>
      Array.from(views.values(), (view) => {
        const identifyInMs = isFirst ? view.options.identifyInMs : identifyLeftMs(view, now());
        return toStart(view, resumePointOf(view.options.id), identifyInMs);
      }),
    setState(shardId: number, state: ShardState, failures: number): void {
      const view = views.get(shardId);
      if (!view) return;
      view.failures = failures;
      set(view, state);
    },
    /** Records that no worker runs, so that no shard is connected. */
    workerDown(): void {
      for (const view of views.values()) unserved(view, "connecting");
    },
    /** Records that a shard will not connect again, and so neither will the others. */
    ended(shardId: number): void {
      for (const [id, view] of views) {
        if (id !== shardId) unserved(view, "fatal");
      }
    },
    permitRequested: (shardId: number, request: PermitRequest): void =>
      void views.get(shardId)?.permitRequests.push(request),
    /**
     * Takes the answer to a shard's oldest open request.
     *
     * @returns That request; `undefined` if there is none.
     */
    permitAnswered(shardId: number, answer: PermitAnswer): PermitRequest | undefined {
      const view = views.get(shardId);
      const request = view?.permitRequests.shift();
      if (view && request && answer.kind === "granted") view.grantedAt = now();
      return request;
    },
  };
}

/** Milliseconds until a shard may IDENTIFY again. */
function identifyLeftMs({ state, grantedAt }: ShardView, now: number): number {
  const spacingMs = state.isDown ? DOWN_IDENTIFY_SPACING_MS : SPACING_MS;
  return Math.min(Math.max(0, grantedAt + spacingMs - now), spacingMs);
}

function toStart(
  { options: { id }, state: { isDown }, failures }: ShardView,
  { session, epoch, seqCommitted, seqReceived, isInherited }: ShardResumePoint,
  identifyInMs: number,
): ShardStart {
  return {
    id,
    session,
    identifyInMs,
    epoch,
    seqCommitted,
    seqReceived,
    failures,
    isDown,
    mustSendPresence: isInherited,
  };
}
