/** Joins the states of one account in the partitions of this process to one. */

import type { Partition } from "../../core/discord/partition.ts";
import { partitionNumber } from "../../core/partitions/numbers.ts";
import type { AccountSnapshot } from "../snapshot.ts";

const BREAKERS = ["closed", "slowed", "stopped"] as const;

/** The state in a partition, with the numbers that `barnacle outbox` shows. */
export function numbered(account: AccountSnapshot, partition: Partition): AccountSnapshot {
  const { delayed } = account;
  if (partition.count === 1 || delayed.length === 0) return account;
  return {
    ...account,
    delayed: delayed.map((one) => ({ ...one, row: partitionNumber(one.row, partition) })),
  };
}

/**
 * Joins them; the state of a single one stays as it is.
 *
 * @param first The state in one partition; `others` are those in the other ones.
 */
export function joinSnapshots(
  first: AccountSnapshot,
  others: readonly AccountSnapshot[],
): AccountSnapshot {
  return others.reduce(join, first);
}

function join(one: AccountSnapshot, other: AccountSnapshot): AccountSnapshot {
  const isEnded = other.state === "ended";
  return {
    ...one,
    state: isEnded || one.state === "disabled" ? other.state : one.state,
    end: one.end ?? other.end,
    gatewayTickAt: lowest(one.gatewayTickAt, other.gatewayTickAt),
    shards: [...one.shards, ...other.shards].sort((a, b) => numberOf(a) - numberOf(b)),
    compression: one.compression ?? other.compression,
    identify: one.identify && other.identify
      ? one.identify.left <= other.identify.left ? one.identify : other.identify
      : one.identify ?? other.identify,
    pairingPending: highest(one.pairingPending, other.pairingPending),
    catchUp: {
      pending: one.catchUp.pending + other.catchUp.pending,
      unreadable: [...one.catchUp.unreadable, ...other.catchUp.unreadable],
    },
    twin: one.twin ?? other.twin,
    paused: one.paused ?? other.paused,
    findings: [
      ...one.findings,
      ...other.findings.filter(({ id, why }) =>
        !one.findings.some((known) => known.id === id && known.why === why)
      ),
    ],
    parked: [...one.parked, ...other.parked],
    delayed: [...one.delayed, ...other.delayed],
    rest: {
      isUp: one.rest.isUp && other.rest.isUp,
      invalidRequests: one.rest.invalidRequests + other.rest.invalidRequests,
      breaker: BREAKERS[
        Math.max(BREAKERS.indexOf(one.rest.breaker), BREAKERS.indexOf(other.rest.breaker))
      ] ?? one.rest.breaker,
      limitedMs: highest(one.rest.limitedMs, other.rest.limitedMs),
    },
  };
}

/** The number of a shard, from its id: `"default/3"`. */
function numberOf({ id }: AccountSnapshot["shards"][number]): number {
  return Number(id.slice(id.lastIndexOf("/") + 1));
}

function lowest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? one ?? other : Math.min(one, other);
}

function highest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? one ?? other : Math.max(one, other);
}
