/** The commands that run now, of all agents, and their places (SEC-R22). */

import { createPlaces } from "../lib/places.ts";
import type { RunningProgram } from "./run.ts";

const MAX_COMMANDS = 4;

/** Milliseconds that a command waits, so that most of its call's time is left for it. */
const MAX_WAIT_MS = 30_000;

/** Creates them; none runs. */
export function createRunningCommands(maxWaitMs = MAX_WAIT_MS) {
  const places = createPlaces(MAX_COMMANDS);

  return {
    programs: new Set<RunningProgram>(),
    /**
     * Takes one of the places for commands, once one is free.
     *
     * @returns Gives it back: after the command's end.
     * @throws {Error} If no place is free for too long; or the signal's reason, if it is aborted before.
     */
    async takePlace(signal: AbortSignal): Promise<() => void> {
      const late = AbortSignal.timeout(maxWaitMs);
      return await places.take(AbortSignal.any([signal, late])).catch((error: unknown) => {
        if (signal.aborted || !late.aborted) throw error;
        throw new Error(
          `nothing ran: ${MAX_COMMANDS} commands may run at the same time, and no place was free ` +
            `within ${maxWaitMs / 1_000} s; try again later`,
        );
      });
    },
  };
}

export type RunningCommands = ReturnType<typeof createRunningCommands>;
