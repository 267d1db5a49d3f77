/**
 * Describes all processes that share the partitions of a bot (O16), as every output shows them.
 *
 * Each process reads it from PostgreSQL, so all processes show the same, also one without a partition.
 */

import { countText, durationText, timeText } from "../lib/text/units.ts";

/** A lease of a store or of a partition. Times are by the clock of the database. */
export interface SharedLease {
  /** Machine and data directory of its last owner; empty if there was none. */
  readonly owner: string;
  /** Whether the owner's lease holds. */
  readonly isHeld: boolean;
  /** Unix time in milliseconds since which it is the owner. */
  readonly since: number;
  /** Counts the leases. */
  readonly epoch: number;
  /** Number of owners after another one. */
  readonly handOvers: number;
  /** The last of them; absent if there was none. */
  readonly lastHandOver?: {
    /** Unix time in milliseconds. */
    readonly at: number;
    /** The owner before it. */
    readonly from: string;
    /** Whether that one had ended its lease by itself. */
    readonly isStop: boolean;
  };
}

/** A partition of the bot's guilds. */
export interface FleetPartition extends SharedLease {
  /** From 0. */
  readonly index: number;
}

/** A running process. */
export interface FleetProcess {
  /** Machine and data directory. */
  readonly place: string;
  /** Number of partitions that it owns, or has a whole copy of. */
  readonly copied: number;
}

/** The partitions and the running processes at one moment. */
export interface FleetState {
  /** Machine and data directory of the process that says so. */
  readonly self: string;
  /** In their order. */
  readonly partitions: readonly FleetPartition[];
  /** In the order of their places. */
  readonly processes: readonly FleetProcess[];
}

/** The partitions that no process runs. */
export function ownerless({ partitions }: FleetState): readonly FleetPartition[] {
  return partitions.filter(({ isHeld }) => !isHeld);
}

/** The partitions of a process. */
export function partitionsOf(
  { partitions }: FleetState,
  place: string,
): readonly FleetPartition[] {
  return partitions.filter(({ owner, isHeld }) => isHeld && owner === place);
}

/** `"host:/data (this process): partition 0 since …, partition 2 since …"`. */
function processText(fleet: FleetState, { place, copied }: FleetProcess): string {
  const own = partitionsOf(fleet, place);
  const who = place === fleet.self ? `${place} (this process)` : place;
  const all = fleet.partitions.length;
  if (own.length === 0) {
    const copies = copied === all ? "copies of all" : `copies of ${copied} of ${all}`;
    return `${who}: no partition, ${copies}`;
  }
  const texts = own.map(({ index, since }) => `partition ${index} since ${timeText(since)}`);
  const copies = copied === all ? "" : `; it lacks ${countText(all - copied, "copy", "copies")}`;
  return `${who}: ${texts.join(", ")}${copies}`;
}

/** The partitions without an owner: `"partitions 1, 3: no process runs them"`. */
function ownerlessText(fleet: FleetState): string | undefined {
  const free = ownerless(fleet);
  if (free.length === 0) return undefined;
  const numbers = free.map(({ index }) => index).join(", ");
  return free.length === 1
    ? `partition ${numbers}: no process runs it`
    : `partitions ${numbers}: no process runs them`;
}

/** The last hand-over of any partition, and the number of all. */
function handOversText({ partitions }: FleetState): string {
  const count = partitions.reduce((sum, { handOvers }) => sum + handOvers, 0);
  const times = partitions.map(({ lastHandOver }) => lastHandOver?.at ?? -Infinity);
  const last = partitions[times.indexOf(Math.max(...times))];
  if (!last?.lastHandOver) return "none yet";
  const { index, owner, lastHandOver: { at, from, isStop } } = last;
  return `${timeText(at)}, partition ${index} from ${from}, which ${
    isStop ? "had given it up" : "had died"
  }, to ${owner}; ${count} in all`;
}

/** The fleet in one line, for checks. */
export function fleetText(fleet: FleetState): string {
  const own = partitionsOf(fleet, fleet.self).map(({ index }) => index);
  const all = countText(fleet.partitions.length, "partition");
  const processes = countText(fleet.processes.length, "process", "processes");
  const here = own.length === 0 ? "none of them here" : `here: ${own.join(", ")}`;
  return [`${all} on ${processes}, ${here}`, ownerlessText(fleet)]
    .filter((text) => text !== undefined).join("; ");
}

/** The whole state, as rows of a title and a text. */
export function fleetRows(
  fleet: FleetState,
): readonly (readonly [what: string, text: string])[] {
  const free = ownerlessText(fleet);
  return [
    ...fleet.processes.map((one) => ["Process", processText(fleet, one)] as const),
    ...(free === undefined ? [] : [["No owner", free] as const]),
    ["Hand-over", handOversText(fleet)],
  ];
}

/** How old the oldest change is that PostgreSQL lacks, over the partitions of a process. */
export function fleetLagText(lagMs: number): string {
  if (lagMs === 0) return "PostgreSQL has all changes of this process";
  const lag = lagMs < 1_000 ? `${Math.round(lagMs)} ms` : durationText(lagMs);
  return `PostgreSQL lacks the changes of ${lag}`;
}
