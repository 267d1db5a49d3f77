/**
 * Runs a shard's state machine: one event at a time, with a timer for the next deadline.
 *
 * `lifecycle/advance.ts` computes the next state and its effects. The machine keeps the state, and
 * passes each effect to its handler before it takes the next event.
 */

import { createEmitter, type Emitter } from "../../../lib/emitter.ts";
import {
  type Effect,
  hasSocket,
  initialState,
  type LifecycleEvent,
  type LifecycleRules,
  type LifecycleState,
  type StartFacts,
  wakeAtMs,
} from "../lifecycle/state.ts";
import type { ShardContext } from "./report.ts";
import { advance } from "../lifecycle/advance.ts";

export interface MachineEvents {
  /** Executes an effect; `sessionId` is that of the state before the step. */
  effect(effect: Effect, sessionId: string | undefined): void;
  settled(state: LifecycleState): void;
}

export interface Machine extends Pick<Emitter<MachineEvents>, "connect"> {
  readonly state: LifecycleState;
  /** Whether this is the number of the current socket. */
  isInUse(socket: number): boolean;
  /** Takes a step for an event, and for the events that its effects cause. */
  step(event: LifecycleEvent): void;
  setUrl(url: string): void;
  /** Takes the last step, and cancels the timer. */
  stop(): void;
}

/**
 * Maximum milliseconds between ticks. Ticks notice that the machine slept, and show that the thread
 * runs. Health checks report a dead thread after three times as long. Each tick of an idle bot
 * costs CPU time.
 */
const TICK_MS = 10_000;

/** Creates the machine in its initial state; it takes no step yet. */
export function createMachine(
  facts: StartFacts,
  firstRules: LifecycleRules,
  { now, random, after, onTick, tickMs = TICK_MS }: Pick<
    ShardContext,
    "now" | "random" | "after" | "onTick" | "tickMs"
  >,
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

  /** Plans the next tick: at the next deadline, or in {@link TICK_MS}. */
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
