/**
 * Restarts the bot after an upgrade: it stops as by a signal, with a session that can be resumed, and
 * then goes on as the program that its file has now.
 */

import process from "node:process";
import { isPipe } from "../shared/read_config.ts";
import { canReplace, replaceProcess, watchProgram } from "../../host/process/replace.ts";
import { type Env, isSupervised } from "../../lib/env.ts";
import { schedule } from "../../lib/clock.ts";
import { VERSION } from "../../version.ts";
import type { Ending } from "./ending.ts";

export interface RestartRequests {
  /** Asks for a restart, and answers before it begins. */
  readonly ask: () => {
    readonly version: string;
    /** Path of its program; absent if it runs from source. */
    readonly program?: string;
    /** Why it does not restart; absent if it does. */
    readonly why?: string;
  };
  /** Resolves with the first request. */
  readonly asked: Promise<Ending>;
  /** Whether there is a request, and no signal ends the process. */
  readonly isAsked: () => boolean;
  cancel(): void;
}

/** Milliseconds for the answer to leave. */
const ANSWER_MS = 50;

/**
 * Creates the requests.
 *
 * @param program Path of the running program; `undefined` if it runs from source.
 */
export function createRestarts(
  program: string | undefined,
  configFile: () => string | undefined,
  env: Env,
): RestartRequests {
  const { promise: asked, resolve } = Promise.withResolvers<Ending>();
  const isExchanged = program === undefined ? () => false : watchProgram(program);
  let isAsked = false;

  function whyNot(): string | undefined {
    if (!isExchanged()) return "its program is the same as before";
    if (isSupervised(env, process.pid)) return undefined;
    const file = configFile();
    if (file !== undefined && isPipe(file)) return "its config is a pipe";
    return canReplace() ? undefined : "this system cannot replace a process";
  }

  return {
    asked,
    isAsked: () => isAsked,
    cancel: () => isAsked = false,
    ask() {
      const why = whyNot();
      if (why === undefined) {
        isAsked = true;
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
export function restartAs(program: string, env: Env): unknown {
  return isSupervised(env, process.pid) ? undefined : replaceProcess(program);
}
