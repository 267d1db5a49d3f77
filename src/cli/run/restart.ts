/**
 * Restarts the bot after an upgrade: it stops as by a signal, with a session that can be resumed, and
 * then goes on as the program that its file has now.
 */

import process from "node:process";
import { filesOf, hasPrevious } from "../../host/files/program_file.ts";
import { isPipe } from "../shared/read_config.ts";
import { canReplace, replaceProcess, watchProgram } from "../../host/process/replace.ts";
import { isSupervised } from "../../flows/interactions/switches.ts";
import type { Env } from "../../lib/env.ts";
import { schedule } from "../../lib/clock.ts";
import { VERSION } from "../../version.ts";
import type { Ending } from "./ending.ts";

/** What the restart is for: a program that has been installed, or the one before this version. */
export type RestartKind = "restart" | "back";

/** The bot's answer to a request. */
export interface RestartAnswer {
  readonly version: string;
  /** Path of its program; absent if it runs from source. */
  readonly program?: string;
  /** Why it does not restart; absent if it does. */
  readonly why?: string;
}

/** Requests for a restart. */
export interface RestartRequests {
  /** Asks for a restart, and answers before it begins. */
  readonly ask: (kind: RestartKind) => RestartAnswer;
  /** Resolves with the first request. */
  readonly asked: Promise<Ending>;
  /** The request; `undefined` if there is none, or a signal ends the process. */
  readonly kind: () => RestartKind | undefined;
  /** Takes the request back. */
  cancel(): void;
}

/** Milliseconds for the answer to leave. */
const ANSWER_MS = 50;

/**
 * Creates the requests.
 *
 * @param program Path of the running program; `undefined` if it runs from source.
 * @param mayGoBack Whether the version is on trial.
 */
export function createRestarts(
  program: string | undefined,
  configFile: () => string | undefined,
  mayGoBack: () => boolean,
  env: Env,
): RestartRequests {
  const { promise: asked, resolve } = Promise.withResolvers<Ending>();
  const isExchanged = program === undefined ? () => false : watchProgram(program);
  let wanted: RestartKind | undefined;

  function whyNot(kind: RestartKind): string | undefined {
    if (kind === "back" && !mayGoBack()) return "it has accepted events";
    if (kind === "restart" && !isExchanged()) return "its program is the same as before";
    if (isSupervised(env, process.pid)) return undefined;
    const file = configFile();
    if (file !== undefined && isPipe(file)) return "its config is a pipe";
    return canReplace() ? undefined : "this system cannot replace a process";
  }

  return {
    asked,
    kind: () => wanted,
    cancel: () => wanted = undefined,
    ask(kind) {
      const why = whyNot(kind);
      if (why === undefined) {
        wanted = kind;
        schedule(() => resolve({ kind: "restart" }), ANSWER_MS);
      }
      return { version: VERSION, program, why };
    },
  };
}

/**
 * Goes on as the program that is installed now. A supervisor starts it itself.
 *
 * @returns Only if a supervisor does, or if the system refuses: then the reason.
 */
export async function restartAs(program: string, dataDir: string, env: Env): Promise<unknown> {
  if (isSupervised(env, process.pid)) return undefined;
  const files = filesOf(program);
  // Not after a way back: then the program before it has its place again.
  if (hasPrevious(files)) {
    const { startWatch } = await import("../../extras/upgrade/watch.ts");
    await startWatch(files.previous, dataDir, program);
  }
  return replaceProcess(program);
}
