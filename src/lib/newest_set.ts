/**
 * A bounded set that keeps the members added last.
 *
 * For memory that only saves work: a forgotten member costs that work once more.
 *
 * @module
 */

/** A set with a maximum size. Reading a member does not make it newer. */
export interface NewestSet<Member> {
  /** Number of members, at most the maximum. */
  readonly size: number;
  /** Whether the set still contains this member. */
  has(member: Member): boolean;
  /** Adds a member as the newest. Beyond the maximum, removes the oldest one. */
  add(member: Member): void;
  /** Removes all members. */
  clear(): void;
}

/**
 * Creates an empty set.
 *
 * @param max Maximum number of members, from 1.
 */
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
