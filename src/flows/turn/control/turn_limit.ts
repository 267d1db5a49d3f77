/**
 * Bounds how many turns run at once, over all accounts (`agents.maxConcurrentTurns`).
 *
 * A person has one running turn, and one place is kept for owners. So people with slow questions can
 * take neither the places of others nor that of an owner, however many questions they have (X4a). One
 * more is kept for sessions without a running turn, so that a lively channel does not keep others
 * waiting.
 *
 * An account takes a place before it claims a message, and most claims find none. One account claims
 * at a time: two at once would both find the last place for others free, and one person's messages to
 * both would both begin. If an account gives the place back unused, it wakes only accounts that found
 * no free place meanwhile. Otherwise, two accounts would wake each other for ever. The end of a turn
 * wakes all accounts, because they share sessions, too.
 */

import type { UserId } from "../../../core/discord/ids.ts";

export interface TurnPerson {
  /** The person, who has one turn at a time; absent: they do not wait for this turn. */
  readonly id: UserId | undefined;
  readonly isOwner: () => boolean;
}

/**
 * Creates the limit without taken places.
 *
 * @param size Returns the current number of places; it may change.
 */
export function createTurnLimit(size: () => number) {
  const members = new Set<() => void>();
  const refused = new Set<() => void>();
  /** Number of running turns of each person who is no owner. */
  const running = new Map<UserId, number>();
  let taken = 0;
  /** Whether an account has a place and no turn for it yet. */
  let isClaiming = false;
  /** Number of places with turns of people who are no owners. */
  let others = 0;

  function wakeAll(woken: ReadonlySet<() => void>): void {
    const now = [...woken];
    refused.clear();
    for (const wake of now) wake();
  }

  function count(id: UserId | undefined, by: number): void {
    others += by;
    if (id === undefined) return;
    const turns = (running.get(id) ?? 0) + by;
    if (turns > 0) running.set(id, turns);
    else running.delete(id);
  }

  return {
    /**
     * Adds an account.
     *
     * @param wake Called when a place, or a session, may be free again.
     */
    join(wake: () => void) {
      members.add(wake);
      return {
        /**
         * Takes a place, until `giveBack` or `begin`.
         *
         * @returns Whether there was one, and no account is claiming. If not, `wake` is called once
         * that may be so.
         */
        take(): boolean {
          if (isClaiming || taken >= size()) {
            refused.add(wake);
            return false;
          }
          isClaiming = true;
          taken++;
          return true;
        },
        /**
         * Whether a turn of a person may begin in the taken place.
         *
         * @param isBeside Whether other turns of its session run.
         */
        admits: ({ id, isOwner }: TurnPerson, isBeside = false): boolean =>
          others < Math.max(1, size() - (isBeside ? 2 : 1)) &&
            (id === undefined || !running.has(id)) || isOwner(),
        /** Gives a place back without a turn, because no message waits. */
        giveBack(): void {
          isClaiming = false;
          taken--;
          wakeAll(refused);
        },
        /**
         * Notes whose turn begins in the taken place.
         *
         * @returns Gives the place back. Call it once the turn needs it no more, and after the turn.
         */
        begin({ id, isOwner }: TurnPerson): () => void {
          const isCounted = !isOwner();
          if (isCounted) count(id, 1);
          isClaiming = false;
          wakeAll(refused);
          let isFree = false;
          return () => {
            if (!isFree) {
              if (isCounted) count(id, -1);
              taken--;
              isFree = true;
            }
            wakeAll(members);
          };
        },
        /** Ends the calls of `wake`. Taken places stay taken. */
        leave(): void {
          members.delete(wake);
          refused.delete(wake);
        },
      };
    },
  };
}

export type TurnLimit = ReturnType<typeof createTurnLimit>;
