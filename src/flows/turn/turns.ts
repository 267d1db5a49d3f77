/**
 * Keeps turns running: claims the next message while there is room for a turn.
 *
 * Which message is next, and that a session has one turn at a time, is the
 * store's to say (T2); here is only how many run at once. Nothing awaits a
 * turn, so a slow model holds up nobody but its own session (S5).
 *
 * @module
 */

import type { Claim } from "../../core/inbound/inbox.ts";
import type { Log } from "../../lib/log.ts";
import type { Schedule } from "../../lib/schedule.ts";
import type { TurnRoom } from "./turn_room.ts";

export interface TurnsPorts {
  /** T2. */
  readonly claimNext: () => Promise<Claim | undefined>;
  /** Makes a message wait again whose turn could not be finished. */
  readonly release: (claim: Claim) => Promise<void>;
  /** Runs the turn to its end (T3). */
  readonly answer: (claim: Claim) => Promise<void>;
  /** Shared with the other accounts. */
  readonly room: TurnRoom;
  readonly schedule: Schedule;
  readonly log: Log;
}

export interface Turns {
  /** Messages may wait. */
  wake(): void;
  /** Claims nothing more, and resolves once the running turns have ended. */
  stop(): Promise<void>;
}

/** How long until a store that refused is asked again, in milliseconds. */
const RETRY_MS = 5_000;

export function createTurns(ports: TurnsPorts): Turns {
  const { claimNext, release, answer, room, schedule, log } = ports;
  const running = new Set<Promise<void>>();
  const member = room.join(wake);
  let isStopping = false;
  let claiming: Promise<void> | undefined;
  let mayWait = false;

  function wake(): void {
    mayWait = true;
    claiming ??= claimAll().catch((error: unknown) => {
      log.error("Cannot claim a message; will try again", { error });
      schedule(wake, RETRY_MS);
    }).finally(() => {
      claiming = undefined;
      if (mayWait) wake(); // asked for between the last look and here
    });
  }

  async function claimAll(): Promise<void> {
    while (mayWait) {
      mayWait = false;
      if (isStopping || !member.take()) return;
      const claim = await claimNext().catch((error: unknown) => {
        member.giveBack();
        throw error;
      });
      if (!claim) {
        member.giveBack();
        continue; // somebody may have called meanwhile
      }
      if (isStopping) {
        member.giveBack();
        return await release(claim);
      }
      mayWait = true;
      const turn = run(claim).finally(() => {
        running.delete(turn);
        member.end();
      });
      running.add(turn);
    }
  }

  /** A turn whose end cannot be stored is begun anew, later. */
  async function run(claim: Claim): Promise<void> {
    try {
      await answer(claim);
    } catch (error) {
      log.error("A turn could not be finished; it will be run again", {
        messageId: claim.message.id,
        attempt: claim.attempt,
        error,
      });
      schedule(() => void giveBack(claim), RETRY_MS);
    }
  }

  async function giveBack(claim: Claim): Promise<void> {
    try {
      await release(claim);
      wake();
    } catch (error) {
      log.error("Cannot give back a claimed message; will try again", { error });
      schedule(() => void giveBack(claim), RETRY_MS);
    }
  }

  return {
    wake,
    async stop() {
      isStopping = true;
      await claiming;
      await Promise.all(running);
      member.leave();
    },
  };
}
