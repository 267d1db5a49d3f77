/**
 * Joins parts that are made one after the other: events whose listeners come later, and calls that
 * wait for their receiver.
 *
 * A part may use only parts that were made before it. The composition joins the events in one block of
 * lines, and the block names a handler for each event, or it does not compile.
 */

/** Creates the handlers of a part's events, which are connected once. */
export function createEmitter<Handlers extends object>() {
  let connected: Handlers | undefined;
  return {
    /**
     * The connected handlers.
     *
     * @throws {TypeError} Before they are connected: an event must not vanish.
     */
    get emit(): Handlers {
      if (!connected) throw new TypeError("An event was emitted before it was connected");
      return connected;
    },
    /** @throws {TypeError} On a second call. */
    connect(handlers: Handlers): void {
      if (connected) throw new TypeError("The events are connected already");
      connected = handlers;
    },
  };
}

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
