/**
 * What main knows of each shard beside its place in the session: its state, and its permits.
 *
 * A worker knows only its own life; what another one goes on from is kept here.
 *
 * @module
 */

import { SPACING_MS } from "../../../core/discord/identify_budget.ts";
import { DOWN_IDENTIFY_SPACING_MS } from "../lifecycle/state.ts";
import type { PermitAnswer, ShardOptions, ShardStart, ShardState } from "../link/protocol.ts";
import type { ShardResumePoint } from "./batch_tracker.ts";

/** A call for a permit, by the worker and the socket that it came from. */
export interface PermitRequest {
  readonly generation: number;
  readonly socket: number;
}

export interface ShardViews {
  has(shardId: number): boolean;
  /** Where each shard begins, or goes on in another worker. */
  starts(
    resumePointOf: (shardId: number) => ShardResumePoint,
    isFirst: boolean,
  ): readonly ShardStart[];
  /** The worker has told a shard's state. */
  setState(shardId: number, state: ShardState, failures: number): void;
  /** No worker holds the connections, whatever the last one said. */
  workerDown(): void;
  /** A shard has come to its end, and with it the account: so have all others. */
  ended(shardId: number): void;
  permitRequested(shardId: number, request: PermitRequest): void;
  /** @returns The shard's oldest call that had no answer; `undefined` if there is none. */
  permitAnswered(shardId: number, answer: PermitAnswer): PermitRequest | undefined;
}

/** One shard. */
interface View {
  readonly options: ShardOptions;
  state: ShardState;
  failures: number;
  /** Unix time in milliseconds of the last IDENTIFY that it was granted. */
  grantedAt: number;
  /** Calls that main has not answered. */
  readonly permitRequests: PermitRequest[];
}

/**
 * @param now Unix time in milliseconds.
 * @param onState Called with each state, which may be the same again.
 */
export function createShardViews(
  shards: readonly ShardOptions[],
  now: () => number,
  onState: (shardId: number, state: ShardState) => void,
): ShardViews {
  const views = new Map(shards.map((options): [number, View] => [options.id, {
    options,
    state: { state: "connecting", readyAt: now(), isDown: false },
    failures: 0,
    grantedAt: -Infinity,
    permitRequests: [],
  }]));

  /** A worker knows only its own life: until it is ready, `readyAt` is what it was before. */
  function set(view: View, reported: ShardState): void {
    const { readyAt } = reported.state === "ready" ? reported : view.state;
    view.state = { ...reported, readyAt };
    onState(view.options.id, view.state);
  }

  /** No worker beats for it: what was told of its heartbeats and waits is void. */
  function unserved(view: View, state: "connecting" | "fatal"): void {
    const { readyAt, isDown } = view.state;
    set(view, { state, readyAt, isDown });
  }

  return {
    has: (shardId) => views.has(shardId),
    starts: (resumePointOf, isFirst) =>
      Array.from(views.values(), (view) => {
        const identifyInMs = isFirst ? view.options.identifyInMs : identifyLeftMs(view, now());
        return toStart(view, resumePointOf(view.options.id), identifyInMs);
      }),
    setState(shardId, state, failures) {
      const view = views.get(shardId);
      if (!view) return;
      view.failures = failures;
      set(view, state);
    },
    workerDown() {
      for (const view of views.values()) unserved(view, "connecting");
    },
    ended(shardId) {
      for (const [id, view] of views) {
        if (id !== shardId) unserved(view, "fatal");
      }
    },
    permitRequested: (shardId, request) => void views.get(shardId)?.permitRequests.push(request),
    permitAnswered(shardId, answer) {
      const view = views.get(shardId);
      const request = view?.permitRequests.shift();
      if (view && request && answer.kind === "granted") view.grantedAt = now();
      return request;
    },
  };
}

/** Milliseconds until a shard may IDENTIFY again. */
function identifyLeftMs({ state, grantedAt }: View, now: number): number {
  const spacingMs = state.isDown ? DOWN_IDENTIFY_SPACING_MS : SPACING_MS;
  return Math.min(Math.max(0, grantedAt + spacingMs - now), spacingMs);
}

function toStart(
  { options: { id }, state: { isDown }, failures }: View,
  { session, epoch, seqCommitted, seqReceived, isInherited }: ShardResumePoint,
  identifyInMs: number,
): ShardStart {
  return {
    id,
    ...(session && { session }),
    identifyInMs,
    epoch,
    ...(seqCommitted !== undefined && { seqCommitted }),
    ...(seqReceived !== undefined && { seqReceived }),
    failures,
    isDown,
    mustSendPresence: isInherited,
  };
}
