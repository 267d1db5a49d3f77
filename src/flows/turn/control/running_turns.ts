/**
 * The running turns of an account, so that an edit, a deletion, a stop or a later message can end
 * one (H6, S5).
 *
 * A turn that ends this way is as one that a crash has cut: the store has its steps, and has decided
 * already whether its messages wait for another turn.
 *
 * @module
 */

import { type Claim, messagesOf } from "../../../core/inbound/inbox.ts";
import type { MessageId } from "../../../core/discord/ids.ts";

/** Why a turn must end. */
export type TurnCut =
  /** One of its messages has changed, or has lost its turn. The store has that already. */
  | "touched"
  /** A later message takes its place: it ends as `interrupted`, with its messages as context. */
  | "interrupted";

/** One running turn. */
export interface RunningTurn {
  /** The claim, with the messages that the turn has taken in since. */
  claim: Claim;
  /** Aborted with a {@link TurnCut} as its reason. */
  readonly signal: AbortSignal;
  /** Notes that the turn has ended. */
  end(): void;
}

/** The running turns of one account. */
export interface RunningTurns {
  /** Notes that a turn begins. */
  begin(claim: Claim): RunningTurn;
  /** Ends the turns that answer one of these messages. */
  touched(messageIds: readonly MessageId[]): void;
  /** The turn of a session; `undefined` if none runs. */
  inSession(sessionKey: string): RunningTurn | undefined;
  /** Ends a turn in favour of a later message. */
  interrupt(turn: RunningTurn): void;
}

/** Creates the list of running turns, which is empty. */
export function createRunningTurns(): RunningTurns {
  const turns = new Map<RunningTurn, AbortController>();
  return {
    begin(claim) {
      const controller = new AbortController();
      const turn: RunningTurn = {
        claim,
        signal: controller.signal,
        end: () => void turns.delete(turn),
      };
      turns.set(turn, controller);
      return turn;
    },
    touched(messageIds) {
      const ids = new Set(messageIds);
      for (const [turn, controller] of turns) {
        if (messagesOf(turn.claim).some(({ id }) => ids.has(id))) {
          controller.abort("touched" satisfies TurnCut);
        }
      }
    },
    inSession(sessionKey) {
      for (const [turn, { signal }] of turns) {
        if (turn.claim.route.sessionKey === sessionKey && !signal.aborted) return turn;
      }
      return undefined;
    },
    interrupt: (turn) => turns.get(turn)?.abort("interrupted" satisfies TurnCut),
  };
}
