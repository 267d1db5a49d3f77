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
) {
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
    /** Resolves with the first request. */
    asked,
    /** Whether there is a request, and no signal ends the process. */
    isAsked: () => isAsked,
    cancel: (): void => void (isAsked = false),
    /**
     * Asks for a restart, and answers before it begins.
     *
     * @returns `program`: path of its program; absent if it runs from source. `why`: why it does not
     * restart; absent if it does.
     */
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

export type RestartRequests = ReturnType<typeof createRestarts>;

/**
 * Goes on as the program that is installed now. A supervisor starts it itself.
 *
 * @returns Only if a supervisor does, or if the system refuses: then the reason.
 */
export function restartAs(program: string, env: Env): unknown {
  return isSupervised(env, process.pid) ? undefined : replaceProcess(program);
}
