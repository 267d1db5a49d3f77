/**
 * Events of a part, whose listeners are made after it.
 *
 * The composition makes parts one after the other and then joins them in one block of lines. A part
 * may use only parts that were made before it, and the block names a handler for each event, or it
 * does not compile.
 *
 * @module
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

/** Creates an emitter without handlers. */
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
