/**
 * A set of the members that were added last, up to a number of them.
 *
 * For memory that only saves work: a member that is forgotten costs that work once more.
 *
 * @module
 */

export interface NewestSet<Member> {
  readonly size: number;
  has(member: Member): boolean;
  /** Adds a member as the newest. Beyond the maximum, the oldest one goes. */
  add(member: Member): void;
  clear(): void;
}

/** @param max Maximum number of members, from 1. */
export function createNewestSet<Member>(max: number): NewestSet<Member> {
  const members = new Set<Member>();
  return {
    get size() {
      return members.size;
    },
    has: (member) => members.has(member),
    add(member) {
      members.delete(member);
      members.add(member);
      for (const oldest of members) {
        if (members.size <= max) break;
        members.delete(oldest);
      }
    },
    clear: () => members.clear(),
  };
}
