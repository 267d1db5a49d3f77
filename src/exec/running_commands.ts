/**
 * The commands that run now, of all agents, and their places (SEC-R22).
 *
 * A command waits for a place: most end within seconds, and an action that a person has pressed must not
 * fail because others were pressed at the same time. A job may take an hour, so one place is for
 * commands only, and a job without a place is refused.
 */

import type { HostCommands } from "../core/exec/command.ts";
import { createPlaces } from "../lib/places.ts";
import type { RunningProgram } from "./run.ts";

/** Maximum number of commands at the same time. */
const MAX_COMMANDS = 4;
/** Maximum number of them that are jobs. */
const MAX_JOBS = 3;

/** Milliseconds that a command waits, so that most of its call's time is left for it. */
const MAX_WAIT_MS = 30_000;

export interface RunningCommands extends Pick<HostCommands, "takePlace"> {
  readonly programs: Set<RunningProgram>;
}

/** Creates them; none runs. */
export function createRunningCommands(maxWaitMs = MAX_WAIT_MS): RunningCommands {
  const places = createPlaces(MAX_COMMANDS);
  let jobs = 0;

  async function take(signal: AbortSignal): Promise<() => void> {
    const late = AbortSignal.timeout(maxWaitMs);
    return await places.take(AbortSignal.any([signal, late])).catch((error: unknown) => {
      if (signal.aborted || !late.aborted) throw error;
      throw new Error(
        `nothing ran: ${MAX_COMMANDS} commands may run at the same time, and no place was free ` +
          `within ${maxWaitMs / 1_000} s; try again later`,
      );
    });
  }

  async function takeForJob(signal: AbortSignal): Promise<() => void> {
    if (jobs >= MAX_JOBS) {
      throw new Error(`there are ${jobs} jobs already; end one of them, or try again later`);
    }
    jobs++;
    try {
      const free = await take(signal);
      return () => {
        jobs--;
        free();
      };
    } catch (error) {
      jobs--;
      throw error;
    }
  }

  return {
    programs: new Set(),
    takePlace: (isJob, signal) => isJob ? takeForJob(signal) : take(signal),
  };
}
