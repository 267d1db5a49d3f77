/**
 * Keeps the demo's bot running: kills it on request, and restarts it.
 *
 * It also restarts a bot that ends by itself, but not forever: a bot that exits at once has a problem,
 * and the user needs to read its last lines.
 */

import type { Clock } from "../../lib/clock.ts";
import type { Exit } from "../../host/process/own_process.ts";
import type { SimulatedProcess } from "./simulation/simulation.ts";

export interface DemoBotEnd extends Exit {
  readonly lines: readonly string[];
}

/** Milliseconds until a killed bot restarts, so that the user can write to it meanwhile. */
const AWAY_MS = 2_500;

/** Milliseconds: a bot that exits earlier after its start would exit again. */
const TOO_SOON_MS = 10_000;

/** Maximum number of early deaths by a signal in a row. */
const MAX_EARLY_DEATHS = 3;

const LAST_LINES = 12;

/** Starts the bot, and keeps it running. */
export function createSupervisor({ start, sleep, now }: Clock & {
  start(): SimulatedProcess;
  /** Waits for milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;
}) {
  const { promise: gaveUp, resolve: giveUp } = Promise.withResolvers<DemoBotEnd>();
  let bot: SimulatedProcess | undefined;
  let isKilled = false;
  let isStopped = false;
  let earlyDeaths = 0;

  function run(): void {
    if (isStopped) return;
    const startedAt = now();
    const running = start();
    bot = running;
    running.exited.then(
      (exit) => ended(exit, running, now() - startedAt),
      (error: unknown) => giveUp({ code: null, signal: null, lines: [String(error)] }),
    );
  }

  function ended(exit: Exit, { lines }: SimulatedProcess, livedMs: number): void {
    bot = undefined;
    if (isStopped) return;
    earlyDeaths = !isKilled && livedMs < TOO_SOON_MS ? earlyDeaths + 1 : 0;
    if (earlyDeaths > (exit.signal === null ? 0 : MAX_EARLY_DEATHS)) {
      return giveUp({ ...exit, lines: lines.slice(-LAST_LINES) });
    }
    isKilled = false;
    void sleep(AWAY_MS).then(run);
  }

  run();
  return {
    /** Resolves with the bot's last end if restarting does not help. */
    gaveUp,
    /** Process id of the running bot; `undefined` while none runs. */
    pid: (): number | undefined => bot?.pid,
    /** Kills the bot with SIGKILL, and restarts it after a while. */
    kill(): void {
      if (!bot || isKilled) return;
      isKilled = true;
      bot.kill("SIGKILL");
    },
    /** Stops restarting; the simulation ends a bot that still runs. */
    stop(): void {
      isStopped = true;
    },
  };
}

/** Starts, kills and restarts the bot. */
export type DemoSupervisor = ReturnType<typeof createSupervisor>;

export function exitOf({ code, signal }: Exit): string {
  return code === null ? signal ?? "unknown reason" : `exit code ${code}`;
}
