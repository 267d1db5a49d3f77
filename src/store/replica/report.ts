/** Reports each process that shares the store, and reads the reports of all. */

import { z } from "zod";
import type { SharedStoreState, SharingProcess } from "../../core/shared_store.ts";
import type { AnySql, RemoteState } from "./tables.ts";

/** How often a process reports, in milliseconds. */
export const REPORT_MS = 5_000;

/** For how long a process that has ended is shown. */
const SHOWN_HOURS = 24;

export interface OwnReport {
  readonly place: string;
  readonly version: string;
  /** The last change in its copy; absent while it copies, and for an owner. */
  readonly sequence?: number | undefined;
  /** Whether it could answer people; by default not. */
  readonly isFit?: boolean;
}

const rowSchema = z.object({
  place: z.string(),
  version: z.string(),
  isFit: z.boolean(),
  behind: z.number().nullable(),
  seenAt: z.number(),
});

export async function readReports(sql: AnySql): Promise<readonly SharingProcess[]> {
  const rows = await sql`
    SELECT place, version, behind::float8 AS behind, fit AS "isFit",
           extract(epoch FROM seen)::float8 * 1000 AS "seenAt"
    FROM barnacle.processes ORDER BY place`;
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
  { sequence = null, ...self }: Omit<OwnReport, "sequence"> & { sequence?: number | null },
): Promise<void> {
  await sql`
    INSERT INTO barnacle.processes (place, version, fit, behind, seen)
    SELECT ${self.place}, ${self.version}, ${self.isFit ?? false}::boolean,
           CASE WHEN ${sequence}::bigint >= 0 THEN
             (SELECT count(DISTINCT sequence) FROM barnacle.pages
              WHERE sequence > ${sequence}::bigint)
           END,
           clock_timestamp()
    ON CONFLICT (place) DO UPDATE
    SET version = excluded.version, fit = excluded.fit, behind = excluded.behind, seen = excluded.seen`;
  await sql`
    DELETE FROM barnacle.processes
    WHERE seen < clock_timestamp() - ${SHOWN_HOURS} * interval '1 hour'`;
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
