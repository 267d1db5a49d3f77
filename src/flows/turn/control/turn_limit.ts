/**
 * Bounds how many turns run at once, over all accounts (`agents.maxConcurrentTurns`).
 *
 * An account takes a place before it claims a message, and most claims find none. If it gives the
 * place back unused, it wakes only accounts that found no free place meanwhile. Otherwise, two
 * accounts would wake each other for ever. The end of a turn wakes all accounts, because they share
 * sessions, too.
 */

/** One account's access to the limit. */
export interface AccountTurnLimit {
  /**
   * Takes a place.
   *
   * @returns Whether there was one. If not, `wake` is called once there may be one.
   */
  take(): boolean;
  /** Gives a place back without a turn, because no message waits. */
  giveBack(): void;
  /** Gives a place back after a turn. */
  end(): void;
  /** Ends the calls of `wake`. Taken places stay taken. */
  leave(): void;
}

/**
 * Creates the limit without taken places.
 *
 * @param size Returns the current number of places; it may change.
 */
export function createTurnLimit(size: () => number) {
  const members = new Set<() => void>();
  const refused = new Set<() => void>();
  let taken = 0;

  function free(woken: ReadonlySet<() => void>): void {
    taken--;
    const now = [...woken];
    refused.clear();
    for (const wake of now) wake();
  }

  return {
    /**
     * Adds an account.
     *
     * @param wake Called when a place, or a session, may be free again.
     */
    join(wake: () => void): AccountTurnLimit {
      members.add(wake);
      return {
        take() {
          if (taken >= size()) {
            refused.add(wake);
            return false;
          }
          taken++;
          return true;
        },
        giveBack: () => free(refused),
        end: () => free(members),
        leave() {
          members.delete(wake);
          refused.delete(wake);
        },
      };
    },
  };
}

/** The places of all accounts. */
export type TurnLimit = ReturnType<typeof createTurnLimit>;
