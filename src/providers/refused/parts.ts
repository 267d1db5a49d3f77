/**
 * Finds the refused parts of requests, tools or pictures, by halves and over many requests (L3). A
 * taken request clears all of its parts; a refused one has a bad part among those that are not clear.
 */

/** Singles in a row after which all parts of their groups count as bad: their number is too large. */
const ROW_MAX = 3;
/** With nothing clear and no half left, this share of a group is tried next. */
const SMALL_SHARE = 1 / 8;

export interface PartSearch<Part> {
  /** The parts to send, of these. The same array if all go. */
  readonly offer: (parts: readonly Part[]) => readonly Part[];
  /** Notes a refused request with these. @returns Whether one of them may be the cause. */
  readonly refused: (parts: readonly Part[]) => boolean;
  /** Notes a request that was answered. */
  readonly taken: (parts: readonly Part[]) => void;
  /** Parts that were found and not reported yet. */
  readonly found: () => readonly Part[];
  /** Whether nothing was ever taken, and single parts were refused: all of so many, or enough. */
  readonly lacksAll: (count: number) => boolean;
  readonly isActive: () => boolean;
  readonly forget: () => void;
}

/** @param least Single refused parts, with nothing taken, after which none counts as taken. */
export function createPartSearch<Part>(
  keyOf: (part: Part) => string,
  least: number,
): PartSearch<Part> {
  const clear = new Set<string>();
  let bad = new Map<string, Part>();
  let found: Part[] = [];
  /** Each has a bad part, if all others are fine. */
  let groups: (readonly Part[])[] = [];
  let row = 0;

  const isIn = (group: readonly Part[], part: Part) =>
    group.some((one) => keyOf(one) === keyOf(part));

  function addBad(part: Part): void {
    bad.set(keyOf(part), part);
    found.push(part);
    row += 1;
    groups = groups.filter((group) => !isIn(group, part));
    if (row < ROW_MAX || clear.size === 0) return;
    for (const other of groups.flat()) {
      if (!bad.has(keyOf(other))) found.push(other);
      bad.set(keyOf(other), other);
    }
    groups = [];
  }

  const lacksAll = (count: number) => clear.size === 0 && row > 0 && row >= Math.min(least, count);

  return {
    offer(parts) {
      const open = parts.filter((part) => !bad.has(keyOf(part)));
      if (lacksAll(parts.length)) return [];
      const suspected = groups.map((group) => group.filter((part) => isIn(open, part)))
        .filter((group) => group.length > 0);
      if (suspected.length === 0) return open.length === parts.length ? parts : open;
      const isSuspect = (part: Part) => suspected.some((group) => isIn(group, part));
      const isFine = (part: Part) => clear.has(keyOf(part));
      const isNew = clear.size === 0 && suspected.length > 1;
      if (!isNew && open.some((part) => !isSuspect(part) && !isFine(part))) {
        return open.filter((part) => !isSuspect(part));
      }
      const [smallest = []] = suspected.toSorted((one, other) => one.length - other.length);
      const some = smallest.slice(0, Math.ceil(smallest.length * (isNew ? SMALL_SHARE : 1 / 2)));
      return open.filter((part) => isFine(part) && !isSuspect(part) || isIn(some, part));
    },
    refused(parts) {
      if (parts.every((part) => clear.has(keyOf(part)))) clear.clear(); // the server has changed
      const [one, ...others] = parts.filter((part) => !clear.has(keyOf(part)));
      if (!one) return false;
      if (others.length === 0) addBad(one);
      else {
        const group = [one, ...others];
        groups = groups.filter((known) => !group.every((part) => isIn(known, part)));
        groups.push(group);
      }
      return true;
    },
    taken(parts) {
      const before = clear.size;
      for (const part of parts) {
        clear.add(keyOf(part));
        bad.delete(keyOf(part));
      }
      if (clear.size > before) row = 0;
      const left = groups.map((group) => group.filter((part) => !clear.has(keyOf(part))));
      groups = left.filter((group) => group.length > 1);
      for (const [one, ...others] of left) if (one && others.length === 0) addBad(one);
    },
    found() {
      const all = found;
      found = [];
      for (const part of all) bad.delete(keyOf(part)); // its finder leaves it out
      return all;
    },
    lacksAll,
    isActive: () => groups.length > 0 || bad.size > 0,
    forget() {
      bad = new Map();
      groups = found = [];
      row = 0;
    },
  };
}
