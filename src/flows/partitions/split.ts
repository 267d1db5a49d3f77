/**
 * Decides which partitions of a store a process takes and gives up, so that all processes have equally
 * many.
 *
 * Each process decides for itself, by rows that it reads in one statement. Equal rows lead to equal
 * plans. If two processes have read different rows, the lease of a partition goes to one of them, and
 * a later look corrects the rest. A partition moves only if that makes the numbers more equal, so it
 * never moves back and forth.
 */

/** Milliseconds after which any process takes a free partition that the chosen one has left. */
export const STEP_IN_MS = 4_000;

/** A running process. */
export interface SharingMember {
  /** Identifies it. */
  readonly place: string;
  /** Partitions that it can go on with at once. */
  readonly copied: readonly number[];
}

/** One partition, as a process sees it. */
export interface SharedPartition {
  /** From 0. */
  readonly index: number;
  /** The process whose lease holds; absent: none. */
  readonly owner?: string;
  /** Milliseconds for which no lease has held; 0 while one does. */
  readonly freeMs: number;
  /** Whether it is empty, so that no process needs a copy of it. */
  readonly isEmpty: boolean;
}

/** The facts of a decision. */
export interface SplitFacts {
  /** The process that decides. */
  readonly self: string;
  /** All running processes, in an order that all of them share. */
  readonly members: readonly SharingMember[];
  readonly partitions: readonly SharedPartition[];
  /** The partition that this process never gives up, if any. */
  readonly kept?: number;
  /** Processes that left a partition which was given up for them. */
  readonly refusing: ReadonlySet<string>;
}

/** What a process does next. */
export interface Split {
  /** Free partitions to take. */
  readonly take: readonly number[];
  /** A partition to give up, and the process that takes it then. */
  readonly giveUp?: { readonly index: number; readonly to: string };
}

/** Decides. */
export function splitOf(facts: SplitFacts): Split {
  const { self, members, partitions } = facts;
  const homes = homesOf(facts);
  const own = members.find(({ place }) => place === self);
  const take = partitions.filter((one) =>
    one.owner === undefined && own && mayTake(own, one) &&
    (homes.get(one.index) === self || one.freeMs >= STEP_IN_MS)
  ).map(({ index }) => index);
  const giveUp = take.length > 0 ? undefined : giftOf(facts, homes);
  return giveUp ? { take, giveUp } : { take };
}

function mayTake({ copied }: SharingMember, { index, isEmpty }: SharedPartition): boolean {
  return isEmpty || copied.includes(index);
}

/** The owner of each partition; of a free one, the process that is to take it. */
function homesOf({ members, partitions }: SplitFacts): Map<number, string> {
  const homes = new Map(
    partitions.flatMap(({ index, owner }): [number, string][] =>
      owner === undefined ? [] : [[index, owner]]
    ),
  );
  for (const one of partitions) {
    if (one.owner !== undefined) continue;
    const candidates = members.filter((member) => mayTake(member, one));
    const home = leastOf(candidates, countsOf(members, homes));
    if (home) homes.set(one.index, home.place);
  }
  return homes;
}

/** Moves partitions from the process with most to the one with fewest, until one is this process's. */
function giftOf(
  { self, members, partitions, kept, refusing }: SplitFacts,
  given: ReadonlyMap<number, string>,
): Split["giveUp"] {
  const homes = new Map(given);
  let receivers = members.filter(({ place }) => !refusing.has(place));
  for (;;) {
    const counts = countsOf(members, homes);
    const countOf = ({ place }: SharingMember) => counts.get(place) ?? 0;
    const least = leastOf(receivers, counts);
    if (!least) return undefined;
    const giver = leastOf(members.toReversed(), new Map([...counts].map(([at, n]) => [at, -n])));
    if (!giver || countOf(giver) - countOf(least) < 2) return undefined;
    const gift = partitions.findLast(({ index, owner }) =>
      owner === giver.place && homes.get(index) === giver.place &&
      !(giver.place === self && index === kept) && least.copied.includes(index)
    );
    if (!gift) receivers = receivers.filter((one) => one !== least); // it still copies
    else if (giver.place === self) return { index: gift.index, to: least.place };
    else homes.set(gift.index, least.place);
  }
}

/** The first member with the lowest count. */
function leastOf(
  members: readonly SharingMember[],
  counts: ReadonlyMap<string, number>,
): SharingMember | undefined {
  const countOf = ({ place }: SharingMember) => counts.get(place) ?? 0;
  return members.reduce<SharingMember | undefined>(
    (least, one) => least && countOf(least) <= countOf(one) ? least : one,
    undefined,
  );
}

/** Number of partitions of each running process. */
function countsOf(
  members: readonly SharingMember[],
  homes: ReadonlyMap<number, string>,
): ReadonlyMap<string, number> {
  const counts = new Map(members.map(({ place }) => [place, 0]));
  for (const place of homes.values()) {
    const count = counts.get(place);
    if (count !== undefined) counts.set(place, count + 1);
  }
  return counts;
}
