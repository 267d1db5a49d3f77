/**
 * Keeps the demo's bot running: kills it on request, and restarts it.
 *
 * It also restarts a bot that ends by itself, but not forever: a bot that exits at once has a problem,
 * and the user needs to read its last lines.
 */

import type { Clock } from "../../lib/clock.ts";
import type { Env } from "../../lib/env.ts";
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
export function createSupervisor(
  env: Env,
  { start, sleep, now, tell }: Clock & {
    start(env: Env): SimulatedProcess;
    /** Waits for milliseconds. */
    readonly sleep: (ms: number) => Promise<void>;
    tell(text: string): void;
  },
) {
  const { promise: gaveUp, resolve: giveUp } = Promise.withResolvers<DemoBotEnd>();
  let bot: SimulatedProcess | undefined;
  let current = env;
  /** Milliseconds until the next start; set if the end was requested. */
  let awayMs: number | undefined;
  let isStopped = false;
  let earlyDeaths = 0;

  function run(): void {
    if (isStopped) return;
    const startedAt = now();
    const running = start(current);
    bot = running;
    running.exited.then(
      (exit) => ended(exit, running, now() - startedAt),
      (error: unknown) => giveUp({ code: null, signal: null, lines: [String(error)] }),
    );
  }

  function ended(exit: Exit, { lines }: SimulatedProcess, livedMs: number): void {
    bot = undefined;
    if (isStopped) return;
    const isRequested = awayMs !== undefined;
    earlyDeaths = !isRequested && livedMs < TOO_SOON_MS ? earlyDeaths + 1 : 0;
    if (earlyDeaths > (exit.signal === null ? 0 : MAX_EARLY_DEATHS)) {
      return giveUp({ ...exit, lines: lines.slice(-LAST_LINES) });
    }
    if (!isRequested) tell(`The bot ended by itself (${exitOf(exit)}); restarting it`);
    const waitMs = awayMs ?? AWAY_MS;
    awayMs = undefined;
    void sleep(waitMs).then(run);
  }

  function end(signal: "SIGKILL" | "SIGTERM", ms: number): boolean {
    if (!bot || awayMs !== undefined) return false;
    awayMs = ms;
    bot.kill(signal);
    return true;
  }

  run();
  return {
    /** Resolves with the bot's last end if restarting does not help. */
    gaveUp,
    /** Process id of the running bot; `undefined` while none runs. */
    pid: (): number | undefined => bot?.pid,
    /** Kills the bot with SIGKILL, and restarts it after a while. */
    kill(): void {
      const pid = bot?.pid;
      if (end("SIGKILL", AWAY_MS)) tell(`The bot is killed (kill -9 ${pid}), and restarts soon`);
    },
    /** Stops the bot with SIGTERM, and starts one with another environment. */
    restart(next: Env): void {
      current = next; // if none runs, the next start uses it
      end("SIGTERM", 0);
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
