/**
 * Remembers what one look at the leases cannot tell: for how long a partition has been free, and which
 * processes left a partition that was given up for them.
 */

import { type SharingMember, type Split, splitOf, STEP_IN_MS } from "./split.ts";

/** After an outage of the database, the time (milliseconds) for owners to renew their leases. */
const AFTER_OUTAGE_MS = 3_000;

/**
 * For how long a process that left a partition gets no other one, in milliseconds: each time twice as
 * long, up to the limit. A busy machine is slow once; another one may never take what it is given.
 */
const REFUSED_MS = { first: 10_000, limit: 5 * 60_000 };

/** One look at the rows. */
export interface Look {
  readonly members: readonly SharingMember[];
  readonly partitions: readonly {
    readonly index: number;
    /** The process whose lease holds; absent: none. */
    readonly owner?: string;
    readonly isEmpty: boolean;
  }[];
}

/** Creates the memory of the process at a place. */
export function createSharing(self: string) {
  const freeSince = new Map<number, number>();
  const refusals = new Map<string, { readonly until: number; readonly forMs: number }>();
  let gift: NonNullable<Split["giveUp"]> | undefined;
  let notBefore = -Infinity;

  /** Notes whether the process took the partition that was given up for it. */
  function settleGift({ partitions }: Look, elapsed: number): void {
    const owner = partitions.find(({ index }) => index === gift?.index)?.owner;
    if (!gift || owner === self) return; // it is being given up
    const freeMs = elapsed - (freeSince.get(gift.index) ?? elapsed);
    if (owner === undefined && freeMs < STEP_IN_MS) return;
    if (owner === gift.to) refusals.delete(gift.to);
    else refuse(gift.to, elapsed);
    gift = undefined;
  }

  function refuse(place: string, elapsed: number): void {
    const before = refusals.get(place)?.forMs;
    const forMs = before === undefined ? REFUSED_MS.first : Math.min(2 * before, REFUSED_MS.limit);
    refusals.set(place, { until: elapsed + forMs, forMs });
  }

  return {
    /**
     * Decides after a look.
     *
     * @param elapsed Milliseconds of a clock that never goes back.
     * @param kept The partition that this process never gives up, if any.
     * @param isBusy Whether it takes or gives up one now: it begins nothing else then.
     */
    decide(look: Look, elapsed: number, kept: number | undefined, isBusy: boolean): Split {
      for (const { index, owner } of look.partitions) {
        if (owner !== undefined) freeSince.delete(index);
        else if (!freeSince.has(index)) freeSince.set(index, elapsed);
      }
      settleGift(look, elapsed);
      for (const place of refusals.keys()) {
        if (!look.members.some((one) => one.place === place)) refusals.delete(place);
      }
      if (isBusy || elapsed < notBefore) return { take: [] };
      const split = splitOf({
        self,
        members: look.members,
        partitions: look.partitions.map((one) => ({
          ...one,
          freeMs: elapsed - (freeSince.get(one.index) ?? elapsed),
        })),
        ...(kept !== undefined && { kept }),
        refusing: new Set(
          [...refusals].filter(([, { until }]) => elapsed < until).map(([place]) => place),
        ),
      });
      gift = split.giveUp ?? gift;
      return split;
    },
    /** The database did not answer. Owners renew their leases first, once it does. */
    failed(elapsed: number): void {
      notBefore = elapsed + AFTER_OUTAGE_MS;
    },
  };
}

/** The memory of a process that shares partitions. */
export type Sharing = ReturnType<typeof createSharing>;
