/**
 * Shares a request's room between the history and the steps of the running turn.
 *
 * The history has all the room while no tool is used. Results then push the oldest turns out. The
 * history shrinks in few large pieces, so the beginning of the request mostly stays the same, and
 * providers can cache it.
 *
 * @module
 */

import type { Entry } from "../core/inbound/transcript.ts";
import { charsOf } from "./fold.ts";
import { selectEntries } from "./history.ts";

/** Number of pieces of the room that the history gives up, one after another. */
const PIECES = 8;
/** Share of the room that the steps may take. Beyond it, their oldest results are cleared. */
const STEPS_SHARE = 0.75;

/** The room of one request. */
export interface Room {
  /** The entries that the model sees, oldest first. */
  readonly entries: readonly Entry[];
  /** UTF-16 units that the steps may take. */
  readonly stepChars: number;
}

/**
 * Shares the room.
 *
 * @param freeChars UTF-16 units for history and steps together.
 * @param stepChars UTF-16 units of all steps so far; 0 before the first.
 * @param userTurns Maximum number of user turns; as many as fit if absent.
 */
export function shareRoom(
  history: readonly Entry[],
  { freeChars, stepChars, userTurns }: {
    readonly freeChars: number;
    readonly stepChars: number;
    readonly userTurns?: number;
  },
): Room {
  const piece = Math.max(1, Math.floor(freeChars / PIECES));
  const taken = Math.min(
    Math.ceil(stepChars / piece) * piece,
    Math.floor(freeChars * STEPS_SHARE),
  );
  const entries = selectEntries(history, {
    maxChars: freeChars - taken,
    ...(userTurns !== undefined && { userTurns }),
  });
  return { entries, stepChars: Math.max(0, freeChars - charsOf(entries)) };
}
