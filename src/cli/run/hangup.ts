/**
 * SIGHUP, which asks a bot to read its config again (C9).
 *
 * It ends a process that does not take it, so it is taken before anything else is loaded: a service
 * manager may send one at any moment, and one that comes too early is not lost.
 *
 * @module
 */

import process from "node:process";

export interface Hangups {
  /**
   * Calls something at each, and at once where one has come already.
   *
   * @returns Takes no more of them; a SIGHUP then still ends nothing.
   */
  tell(call: () => void): () => void;
}

/** Takes every SIGHUP of this process from now on. */
export function createHangups(): Hangups {
  let told: (() => void) | undefined;
  let hasCome = false;
  process.on("SIGHUP", () => {
    hasCome = true;
    told?.();
  });
  return {
    tell(call) {
      told = call;
      if (hasCome) call();
      return () => void (told = () => {});
    },
  };
}
