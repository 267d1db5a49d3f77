/** The commands that run now, of all agents, and their places (SEC-R22). */

import type { HostCommands } from "../core/exec/command.ts";
import { createPlaces } from "../lib/places.ts";
import type { RunningProgram } from "./run.ts";

const MAX_COMMANDS = 4;

/** Milliseconds that a command waits, so that most of its call's time is left for it. */
const MAX_WAIT_MS = 30_000;

export interface RunningCommands extends Pick<HostCommands, "takePlace"> {
  readonly programs: Set<RunningProgram>;
}

/** Creates them; none runs. */
export function createRunningCommands(maxWaitMs = MAX_WAIT_MS): RunningCommands {
  const places = createPlaces(MAX_COMMANDS);

  return {
    programs: new Set(),
    async takePlace(signal) {
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
