/** Calls that wait for their receiver, which is made later. */

/**
 * Creates calls that wait together. The gateway connects while the rest of the bot is loaded. Its events come
 * too early then, and none may be lost or overtake another.
 */
export function createHold() {
  let held: (() => void)[] | undefined = [];
  return {
    /** Wraps a function. Until the release, calls of the result are held; after it, they pass at once. */
    wrap:
      <Args extends readonly unknown[]>(call: (...args: Args) => void) => (...args: Args): void => {
        if (held) held.push(() => call(...args));
        else call(...args);
      },
    get isHolding(): boolean {
      return held !== undefined;
    },
    /** Makes the held calls, in the order in which they came. */
    release(): void {
      // A call may cause others, which come after those that wait already.
      for (let next = held?.shift(); next; next = held?.shift()) next();
      held = undefined;
    },
  };
}

export type Hold = ReturnType<typeof createHold>;
