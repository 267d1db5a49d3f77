/**
 * Joins parts that are made one after the other: events whose listeners come later, and calls that
 * wait for their receiver.
 *
 * A part may use only parts that were made before it. The composition joins the events in one block of
 * lines, and the block names a handler for each event, or it does not compile.
 */

/** Handlers of a part's events, connected once. */
export interface Emitter<Handlers extends object> {
  /**
   * The connected handlers.
   *
   * @throws {TypeError} Before {@link connect}: an event must not vanish.
   */
  readonly emit: Handlers;
  /**
   * Connects the handlers, before the first event.
   *
   * @throws {TypeError} On a second call.
   */
  connect(handlers: Handlers): void;
}

export function createEmitter<Handlers extends object>(): Emitter<Handlers> {
  let connected: Handlers | undefined;
  return {
    get emit() {
      if (!connected) throw new TypeError("An event was emitted before it was connected");
      return connected;
    },
    connect(handlers) {
      if (connected) throw new TypeError("The events are connected already");
      connected = handlers;
    },
  };
}

/**
 * Calls that wait together. The gateway connects while the rest of the bot is loaded. Its events come
 * too early then, and none may be lost or overtake another.
 */
export interface Hold {
  /**
   * Wraps a function. Until {@link Hold.release}, calls of the result are held; after it, they pass
   * at once.
   */
  wrap<Args extends readonly unknown[]>(call: (...args: Args) => void): (...args: Args) => void;
  readonly isHolding: boolean;
  /** Makes the held calls, in the order in which they came. */
  release(): void;
}

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
