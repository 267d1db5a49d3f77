/**
 * Finds the message that a thread began with, for the thread's first turn (H6).
 *
 * People open a thread on a message, or with a post in a forum. Its conversation is a session of its
 * own, which contains nothing of the channel. So the first turn gets that message as context.
 *
 * @module
 */

import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Overheard } from "../../core/inbound/transcript.ts";
import type { Log } from "../../lib/log.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { Transcripts } from "../../core/store/turns.ts";

/** Everything that finding a starter needs from outside. */
export interface ThreadStarterPorts extends Transcripts {
  /**
   * Reads the starter of a message's thread, by the same policy as live messages.
   *
   * @returns `undefined` if there is none, or if the model may not see it.
   */
  readonly read: (message: InboundMessage) => Promise<Overheard | undefined>;
  /** Timer for the longest wait. */
  readonly schedule: StartTimer;
  /** Aborted when the account ends by itself; a failed reading is expected then. */
  readonly ended: AbortSignal;
  /** Gets a warning if a starter cannot be read. */
  readonly log: Log;
}

/**
 * Finds the starter for a turn; `undefined` outside threads, and if the session has a turn already.
 * A failure or a long wait at Discord only leaves it out.
 *
 * @throws {unknown} The store's error.
 */
export type ThreadStarter = (
  message: InboundMessage,
  sessionKey: string,
) => Promise<Overheard | undefined>;

/** Milliseconds that a turn waits for the starter. */
export const STARTER_PATIENCE_MS = 2_000;

/** Creates the search of one account. */
export function createThreadStarter(
  { read, entriesOf, schedule, ended, log }: ThreadStarterPorts,
): ThreadStarter {
  async function readOrWarn(message: InboundMessage): Promise<Overheard | undefined> {
    try {
      return await read(message);
    } catch (error) {
      if (ended.aborted) return undefined;
      const { channelId } = message;
      log.warn("Cannot read a thread's first message; going on without it", { channelId, error });
      return undefined;
    }
  }

  return async (message, sessionKey) => {
    const { place, id } = message;
    if (place.kind !== "guild" || !place.thread || String(place.thread.id) === id) return undefined;
    if ((await entriesOf(sessionKey, 1)).length > 0) return undefined;
    const { promise: isLate, resolve } = Promise.withResolvers<undefined>();
    const cancel = schedule(() => resolve(undefined), STARTER_PATIENCE_MS);
    try {
      return await Promise.race([readOrWarn(message), isLate]);
    } finally {
      cancel();
    }
  };
}
