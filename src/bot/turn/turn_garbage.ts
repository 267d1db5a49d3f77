/**
 * Has the garbage of many turns collected, once they have ended.
 *
 * @module
 */

import type { TurnOutcome } from "../../agent/turn.ts";
import { createFloodMemory } from "../../flows/receive/flood_memory.ts";
import { collectGarbage } from "../../host/process/collect_garbage.ts";
import { schedule } from "../../lib/schedule.ts";

/** Counts the garbage of turns. */
export interface TurnGarbage {
  /** Tells that a turn has ended. */
  turn(outcome: TurnOutcome): void;
  /** Cancels the timer, and sets none any more. */
  stop(): void;
}

/**
 * What a turn and a step of it count: 350 turns without tools, or 75 with ten calls, leave 10 to 20
 * MiB.
 */
const TURN = 24 << 10;
const STEP = 4 << 10;

/** Starts counting. */
export function createTurnGarbage(): TurnGarbage {
  const memory = createFloodMemory(schedule, collectGarbage, true);
  return {
    turn(outcome) {
      const steps = outcome.kind === "reply" ? outcome.taken?.steps.length ?? 0 : 0;
      memory.read(TURN + steps * STEP);
    },
    stop: memory.stop,
  };
}
