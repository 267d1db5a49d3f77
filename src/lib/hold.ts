/**
 * Holds calls until their receiver is ready.
 *
 * The gateway connects while the rest of the bot is loaded. Its events come too early then, and none
 * may be lost or overtake another.
 *
 * @module
 */

/** Calls that wait together. */
export interface Hold {
  /**
   * Wraps a function. Until {@link Hold.release}, calls of the result are held; after it, they pass
   * at once.
   */
  wrap<Args extends readonly unknown[]>(call: (...args: Args) => void): (...args: Args) => void;
  /** Whether calls are held. */
  readonly isHolding: boolean;
  /** Makes the held calls, in the order in which they came. */
  release(): void;
}

/** Creates a hold without calls. */
export function createHold(): Hold {
  let held: (() => void)[] | undefined = [];
  return {
    wrap: (call) => (...args) => {
      if (held) held.push(() => call(...args));
      else call(...args);
    },
    get isHolding() {
      return held !== undefined;
    },
    release() {
      // A call may cause others, which come after those that wait already.
      for (let next = held?.shift(); next; next = held?.shift()) next();
      held = undefined;
    },
  };
}
