/** Reports each process that shares the store, and reads the reports of all. */

import { z } from "zod";
import type { FleetState } from "../../core/fleet.ts";
import type { SharedStoreState, SharingProcess } from "../../core/shared_store.ts";
import type { FleetMember } from "./members.ts";
import type { AnySql, RemoteState } from "./tables.ts";

/** How often a process reports, in milliseconds. */
export const REPORT_MS = 5_000;

/** For how long a process that has ended is shown. */
const SHOWN_HOURS = 24;

/** A process's report of itself. */
export interface OwnReport {
  readonly place: string;
  readonly version: string;
  /** The last change in its copy; absent while it copies, and for an owner. */
  readonly sequence?: number | undefined;
}

const rowSchema = z.object({
  place: z.string(),
  version: z.string(),
  behind: z.number().nullable(),
  seenAt: z.number(),
});

/** Reads the reports of the last day about a partition. */
export async function readReports(
  sql: AnySql,
  partition: number,
): Promise<readonly SharingProcess[]> {
  const rows = await sql`
    SELECT place, version, behind::float8 AS behind,
           extract(epoch FROM seen)::float8 * 1000 AS "seenAt"
    FROM barnacle.processes WHERE partition = ${partition} ORDER BY place`;
  return rowSchema.array().parse(rows).map(({ behind, ...rest }) => ({
    ...rest,
    ...(behind !== null && { behind }),
  }));
}

/**
 * Stores a report, and deletes those of processes that ended long ago.
 *
 * A copy lacks the changes whose pages it lacks. The store's own sequence would count renewals of the
 * lease, too.
 */
export async function writeReport(
  sql: AnySql,
  partition: number,
  { place, version, sequence = null }: Omit<OwnReport, "sequence"> & { sequence?: number | null },
): Promise<void> {
  await sql`
    INSERT INTO barnacle.processes (partition, place, version, behind, seen)
    SELECT ${partition}::int, ${place}, ${version},
           CASE WHEN ${sequence}::bigint >= 0 THEN
             (SELECT count(DISTINCT sequence) FROM barnacle.pages
              WHERE partition = ${partition} AND sequence > ${sequence}::bigint)
           END,
           clock_timestamp()
    ON CONFLICT (partition, place) DO UPDATE
    SET version = excluded.version, behind = excluded.behind, seen = excluded.seen`;
  await sql`
    DELETE FROM barnacle.members WHERE seen < clock_timestamp() - ${SHOWN_HOURS} * interval '1 hour'`;
  await sql`
    DELETE FROM barnacle.processes
    WHERE seen < clock_timestamp() - ${SHOWN_HOURS} * interval '1 hour'`;
}

/** Forms the state of all partitions and processes that all outputs show. */
export function fleetStateOf(
  states: readonly RemoteState[],
  members: readonly FleetMember[],
  self: string,
): FleetState {
  return {
    self,
    partitions: states.map((state) => {
      const { owner, isHeld, since, epoch, handOvers, lastHandOver } = sharedStateOf(
        state,
        [],
        { isOwner: false, lagMs: 0, problem: undefined },
      );
      const index = state.partition;
      const handOver = lastHandOver && { lastHandOver };
      return { index, owner, isHeld, since, epoch, handOvers, ...handOver };
    }),
    processes: members.map(({ place, copied }) => ({ place, copied: copied.length })),
  };
}

/**
 * Joins the states of the partitions of one process.
 *
 * @param problem Why PostgreSQL fails for the process; absent: it does not.
 * @returns `undefined` if it has none.
 */
export function joinedStateOf(
  all: readonly SharedStoreState[],
  problem: string | undefined,
): SharedStoreState | undefined {
  const [first, ...others] = all;
  if (!first) return undefined;
  const failing = all.find((one) => one.problem !== undefined)?.problem ?? problem;
  return {
    ...first,
    lagMs: Math.max(first.lagMs, ...others.map(({ lagMs }) => lagMs)),
    ...(failing !== undefined && { problem: failing }),
  };
}

/** Forms the state that all outputs show. */
export function sharedStateOf(
  state: RemoteState,
  processes: readonly SharingProcess[],
  { isOwner, lagMs, problem }: Pick<SharedStoreState, "isOwner" | "lagMs"> & {
    readonly problem: string | undefined;
  },
): SharedStoreState {
  const { place, isFree, ownedSince, epoch, handOvers, handedOverAt, previous, wasReleased } =
    state;
  return {
    owner: place,
    isOwner,
    isHeld: !isFree,
    since: ownedSince,
    epoch,
    handOvers,
    ...(handedOverAt !== null && {
      lastHandOver: { at: handedOverAt, from: previous, isStop: wasReleased },
    }),
    lagMs,
    processes,
    readAt: state.clockMs,
    ...(problem !== undefined && { problem }),
  };
}
