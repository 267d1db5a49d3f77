/** The ends of a bot: a signal, or a reason of its own, each with its log line and exit code. */

import process from "node:process";
import type { AccountEnd, RunningBot } from "../../bot.ts";
import type { Log } from "../../lib/log.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import { toStartError } from "../shared/start_error.ts";

/** How the bot ended, or the signal that stops it. */
export type Ending =
  | AccountEnd
  | { readonly kind: "signal"; readonly signal: string };

/**
 * Milliseconds within which signals count as one. `timeout` and some shells signal a process and
 * then its group.
 */
const SAME_SIGNAL_MS = 100;

/** Signals that stop a bot, with the exit code of a second one. */
export type StopSignal = readonly [
  signal: "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGBREAK",
  code: number,
];

/**
 * The signals of a platform. Windows has only events of the console: Ctrl-C, Ctrl-Break, and its closing,
 * which the runtime calls SIGHUP. After a closing, the system gives a process five seconds.
 */
function stopSignals(platform: string = process.platform): readonly StopSignal[] {
  return platform === "win32"
    ? [["SIGINT", 130], ["SIGBREAK", 149], ["SIGHUP", 129]]
    : [["SIGTERM", 143], ["SIGINT", 130]];
}

/** The first signal stops the bot; the second one ends the process at once, without data loss. */
export function firstSignal(): Promise<Ending> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    for (const [signal, code] of stopSignals()) {
      process.on(signal, () => {
        const at = performance.now();
        if (firstAt !== undefined && at - firstAt >= SAME_SIGNAL_MS) process.exit(code);
        firstAt ??= at;
        resolve({ kind: "signal", signal });
      });
    }
  });
}

/** Logs the work that a stop waits for, if there is any, and how to leave at once. */
export function logWait(
  { turns, unsent }: {
    /** Running turns. */
    readonly turns: number;
    /** Answers that Discord does not have yet. */
    readonly unsent: number;
  },
  graceSec: number,
  log: Log,
): void {
  if (turns + unsent === 0) return;
  log.info(
    "Waiting for running turns and their answers. A second signal, such as Ctrl+C, ends the " +
      "process at once; the next start continues them",
    { turns, unsent, atMostSec: graceSec },
  );
}

export function endingOf(end: Ending, log: Log): ExitCode {
  switch (end.kind) {
    case "signal":
      log.info("Stopping", { signal: end.signal });
      return EXIT.done;
    case "refused":
      log.error("Discord refused the bot", { hint: end.hint });
      return EXIT.refused;
    case "stop":
      log.error("Discord refused the bot", { closeCode: end.code, hint: end.hint });
      return EXIT.refused;
    case "give_up":
      log.error(
        "Gave up connecting to Discord (channels.discord.gateway.reconnect.exitOnGiveUp); " +
          "run `barnacle doctor`, then start Barnacle again",
      );
      return EXIT.tryAgain;
    case "fault": {
      const { message, code } = toStartError(end.error);
      log.error(message);
      return code;
    }
    case "worker_died":
      log.error(
        "The gateway thread died too often; start Barnacle again, and if it recurs, report it " +
          "with the lines above",
        { deaths: end.deaths },
      );
      return EXIT.tryAgain;
  }
}

/** Logs the work that the stop waits for, unless the stop is faster. */
export async function logOpenWork(
  bot: Pick<RunningBot, "refresh" | "snapshot">,
  stopped: Promise<void>,
  graceSec: number,
  log: Log,
): Promise<void> {
  let isStopped = false;
  void stopped.finally(() => isStopped = true);
  await bot.refresh();
  if (isStopped) return;
  const { inbox, outbox } = bot.snapshot();
  logWait(
    { turns: inbox.running, unsent: outbox.pending + outbox.sending },
    graceSec,
    log,
  );
}
