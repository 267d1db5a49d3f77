/** Keeps the state of modules for each account, so that no composition has to make and pass it. */

import type { BotAccount } from "./account.ts";

/**
 * State of a module: made at its first use in an account, and kept across reloads.
 *
 * @param part Names the part in the log.
 */
export function perAccount<State extends object>(
  part: string,
  make: (account: BotAccount) => State,
): (account: BotAccount) => State {
  return (account) => {
    const known = account.live.get(make);
    if (known !== undefined) return known as State;
    const made = make(account.forPart(part));
    account.live.set(make, made);
    return made;
  };
}

/** Work of an account that goes on by itself, from a start to a stop. */
export interface Loop<Running = unknown> {
  /** Begins it. Later calls do nothing, also after the end. */
  start(account: BotAccount): void;
  /** Ends what runs and begins anew, by another config; before its start, it does nothing. */
  restart(account: BotAccount): Promise<void>;
  /** Ends it for good, and resolves once nothing of it runs. */
  stop(account: BotAccount): Promise<void>;
  /** What runs now, also for a turn that began before the last reload; `undefined`: nothing. */
  of(account: BotAccount): Running | undefined;
}

interface Slot<Running> {
  running?: Running;
  isBegun?: true;
  isEnded?: true;
}

/**
 * Declares such work.
 *
 * @param begin Begins it. Not called again before what it returned has stopped.
 */
export function loop<Running extends { stop(): Promise<void> | void }>(
  part: string,
  begin: (account: BotAccount) => Running,
): Loop<Running> {
  const slotOf = perAccount(part, (): Slot<Running> => ({}));
  const start = (account: BotAccount) => {
    const slot = slotOf(account);
    if (slot.isBegun) return;
    slot.isBegun = true;
    if (!slot.isEnded) slot.running = begin(account.forPart(part));
  };
  return {
    start,
    of: (account) => slotOf(account).running,
    async restart(account) {
      const slot = slotOf(account);
      const { running } = slot;
      if (!running) return;
      slot.running = undefined;
      await running.stop();
      if (!slot.isEnded) slot.running = begin(account.forPart(part));
    },
    async stop(account) {
      const slot = slotOf(account);
      slot.isEnded = true;
      await slot.running?.stop();
      slot.running = undefined;
    },
  };
}
