/**
 * Keeps the demo's bot alive: kills it on request, and starts it again.
 *
 * A bot that ends by itself is started again too, but not for ever: one that
 * dies at once has a reason, and that reason is what the visitor needs to read.
 *
 * @module
 */

import type { Exit } from "../../host/process/own_process.ts";
import type { Env } from "../terminal/io.ts";
import type { StagedBot } from "./stage/stage.ts";

export interface Keeper {
  /** Of the bot that runs; `undefined` while none does. */
  pid(): number | undefined;
  /** `kill -9`, and another one after a while. */
  kill(): void;
  /** Ends the bot as an operator does, and starts one with another environment. */
  restart(env: Env): void;
  /** Nothing is started any more; the stage ends what still runs. */
  stop(): void;
  /** Resolves if the bot cannot be kept alive, with its last end. */
  readonly gaveUp: Promise<BotEnd>;
}

export interface BotEnd extends Exit {
  /** The last that it wrote. */
  readonly lines: readonly string[];
}

export interface KeeperPorts {
  start(env: Env): StagedBot;
  readonly sleep: (ms: number) => Promise<void>;
  readonly now: () => number;
  /** Told what was done, in a sentence. */
  tell(text: string): void;
}

/** Milliseconds for which a killed bot stays away, so that one can write to it meanwhile. */
const AWAY_MS = 2_500;

/** A bot that exits earlier than this many milliseconds after its start will do so again. */
const TOO_SOON_MS = 10_000;

/** How often in a row one may be killed so soon, by whoever does it, before that is a reason too. */
const MAX_EARLY_DEATHS = 3;

const LAST_LINES = 12;

export function createKeeper(env: Env, { start, sleep, now, tell }: KeeperPorts): Keeper {
  const { promise: gaveUp, resolve: giveUp } = Promise.withResolvers<BotEnd>();
  let bot: StagedBot | undefined;
  let current = env;
  /** Milliseconds until the next start; set where the end is wanted. */
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

  function ended(exit: Exit, { lines }: StagedBot, livedMs: number): void {
    bot = undefined;
    if (isStopped) return;
    const isWanted = awayMs !== undefined;
    earlyDeaths = !isWanted && livedMs < TOO_SOON_MS ? earlyDeaths + 1 : 0;
    if (earlyDeaths > (exit.signal === null ? 0 : MAX_EARLY_DEATHS)) {
      return giveUp({ ...exit, lines: lines.slice(-LAST_LINES) });
    }
    if (!isWanted) tell(`The bot ended by itself (${exitOf(exit)}); it is started again`);
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
    gaveUp,
    pid: () => bot?.pid,
    kill() {
      const pid = bot?.pid;
      if (end("SIGKILL", AWAY_MS)) tell(`kill -9 ${pid}: the bot is gone, and comes back soon`);
    },
    restart(next) {
      current = next; // the one that is about to start takes it, if none runs
      end("SIGTERM", 0);
    },
    stop() {
      isStopped = true;
    },
  };
}

export function exitOf({ code, signal }: Exit): string {
  return code === null ? signal ?? "no reason given" : `exit code ${code}`;
}
