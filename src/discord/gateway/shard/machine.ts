/**
 * Runs a shard's state machine: one event after the other, and a timer for what is due.
 *
 * `reconnect.ts` decides what follows from an event. The machine holds the state, and hands each
 * effect to its handler before it takes the next event.
 *
 * @module
 */

import { createEmitter, type Emitter } from "../../../lib/emitter.ts";
import {
  type Effect,
  hasSocket,
  initialState,
  type LifecycleEvent,
  type LifecycleRules,
  type LifecycleState,
  type Now,
  type StartFacts,
  wakeAtMs,
} from "../lifecycle/state.ts";
import { advance } from "../lifecycle/reconnect.ts";

export interface MachineEvents {
  /** @param sessionId Of the session before the step. */
  effect(effect: Effect, sessionId: string | undefined): void;
  /** All events that came are taken. */
  settled(state: LifecycleState): void;
}

export interface MachinePorts {
  now(): Now;
  /** From 0 up to, but not including, 1. */
  random(): number;
  /** Calls back once, after so many milliseconds; the answer calls it off. */
  after(ms: number, callback: () => void): () => void;
  /** Called at every tick, every {@link TICK_MS} at least: the thread moves. */
  onTick(): void;
  /** Milliseconds; for tests. */
  readonly tickMs?: number;
}

export interface Machine extends Pick<Emitter<MachineEvents>, "connect"> {
  readonly state: LifecycleState;
  /** Whether a socket is the one in use. */
  isInUse(socket: number): boolean;
  /** Takes a step, and those that its effects bring about after it. */
  step(event: LifecycleEvent): void;
  /** Where to connect from now on; a wait or a connection there is goes on. */
  setUrl(url: string): void;
  /** Takes the last step: no timer is left. */
  stop(): void;
}

/**
 * Milliseconds; a machine that has slept is noticed, and the thread seen to move, this often. Health
 * calls the thread dead after three times as long, and each tick of an idle bot costs CPU time.
 */
const TICK_MS = 10_000;

export function createMachine(
  facts: StartFacts,
  firstRules: LifecycleRules,
  { now, random, after, onTick, tickMs = TICK_MS }: MachinePorts,
): Machine {
  const emitter = createEmitter<MachineEvents>();
  let rules = firstRules;
  let state = initialState(now(), facts);
  let cancel: (() => void) | undefined;
  let armedFor = NaN;
  const events: LifecycleEvent[] = [];

  function step(event: LifecycleEvent): void {
    if (events.push(event) > 1) return;
    for (let next = events[0]; next; next = events[0]) {
      const { state: newState, effects } = advance(state, next, rules, now(), random());
      const { sessionId } = state.session ?? {};
      state = newState;
      for (const effect of effects) emitter.emit.effect(effect, sessionId);
      events.shift();
    }
    arm();
    emitter.emit.settled(state);
  }

  /** Plans the next tick: when something is due, or in {@link TICK_MS}. */
  function arm(): void {
    const wakeAt = wakeAtMs(state);
    if (wakeAt === armedFor || state.phase.kind === "stopped") return;
    armedFor = wakeAt;
    cancel?.();
    const inMs = Math.max(1, Math.min(tickMs, Math.ceil(wakeAt - now().monotonicMs)));
    cancel = after(inMs, () => {
      armedFor = NaN;
      onTick();
      step({ kind: "tick" });
    });
  }

  return {
    connect: emitter.connect,
    get state() {
      return state;
    },
    isInUse: (socket) => socket === state.socket && hasSocket(state.phase),
    step,
    setUrl(url) {
      rules = { ...rules, url };
    },
    stop() {
      cancel?.();
      step({ kind: "stop" });
    },
  };
}
