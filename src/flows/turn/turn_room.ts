/**
 * How many turns run at once, whatever the account (`agents.maxConcurrentTurns`).
 *
 * A place is taken before a message is claimed, and most claims find none. Who gives a place back
 * unused wakes only those who found the room full meanwhile: two accounts that wake each other for
 * nothing would never rest. The end of a turn wakes all of them, for accounts share sessions too.
 *
 * @module
 */

export interface TurnRoom {
  /** @param wake Called when there may be a place, or a session may be free, again. */
  join(wake: () => void): RoomMember;
}

export interface RoomMember {
  /** @returns Whether there was a place; if not, it is told once there may be one. */
  take(): boolean;
  /** Nobody was there to take a turn for. */
  giveBack(): void;
  /** A turn has ended. */
  end(): void;
  leave(): void;
}

/** @param size How many places there are, as of now; it may change. */
export function createTurnRoom(size: () => number): TurnRoom {
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
    join(wake) {
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
