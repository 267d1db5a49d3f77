/**
 * Handles SIGHUP, which makes a bot read its config again (C9).
 *
 * Without a handler SIGHUP ends the process, and a service manager may send it at any time. So the
 * handler is set before other modules are loaded, and an early signal is not lost. On Windows, it means
 * that the console was closed, which stops the bot (`run.ts`).
 */

import process from "node:process";

/** Handles every SIGHUP of this process from now on. */
export function createHangups() {
  let listener: (() => void) | undefined;
  let hasArrived = false;
  const onHangup = () => {
    hasArrived = true;
    listener?.();
  };
  if (process.platform !== "win32") process.on("SIGHUP", onHangup);
  return {
    /**
     * Calls a function at each SIGHUP. If a SIGHUP has arrived before, it also calls it at once.
     *
     * @returns A function that stops the calls. A later SIGHUP still does not end the process.
     */
    onHangup(call: () => void): () => void {
      listener = call;
      if (hasArrived) call();
      return () => void (listener = () => {});
    },
  };
}

export type Hangups = ReturnType<typeof createHangups>;
