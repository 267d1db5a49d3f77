/**
 * Lists the running processes that share the partitions of a store.
 *
 * Each process renews its row with each look. So one round trip tells it the leases of all partitions
 * and the other processes, as they were at one moment.
 */

import { z } from "zod";
import type { Arrived } from "./arrivals.ts";
import type { PartitionMinute } from "../../core/discord/invalid_requests.ts";
import { type AnySql, readStates, type RemoteState } from "./tables.ts";

/**
 * Milliseconds after its last look until a process counts as gone: shorter than a lease, so that no
 * partition of a dead process is left to another dead one.
 */
export const MEMBER_MS = 6_000;

/** A running process. */
export interface FleetMember {
  /** Machine and data directory. */
  readonly place: string;
  /** Partitions that it has a whole copy of, or owns. */
  readonly copied: readonly number[];
}

/** The leases and the processes at one moment. */
export interface Meeting {
  readonly states: readonly RemoteState[];
  /** Running processes, with this one, in the order of their places. */
  readonly members: readonly FleetMember[];
  /** Number of the last change of a row that holds over all partitions; 0 before the first. */
  readonly lastChange: number;
  /** Events of hooks that wait for their partitions. */
  readonly arrived: Arrived;
  /** Partitions that waiting requests of processes are for. */
  readonly asked: readonly number[];
  /** Requests of the last minutes that Discord holds against the address. */
  readonly invalid: readonly PartitionMinute[];
}

const memberSchema = z.object({ place: z.string(), copied: z.string() });

const minutesSchema: z.ZodType<readonly PartitionMinute[]> = z.array(z.object({
  partition: z.int(),
  minute: z.number(),
  count: z.int(),
}));

const metSchema = z.object({
  members: z.string(),
  lastChange: z.number(),
  asked: z.string(),
  arrived: z.string(),
  isUnplaced: z.boolean(),
  invalid: z.string(),
});

/** Reads the running processes, without a change. */
export async function readMembers(sql: AnySql): Promise<readonly FleetMember[]> {
  const rows = await sql`
    SELECT place, copied FROM barnacle.members
    WHERE seen > clock_timestamp() - ${MEMBER_MS} * interval '1 millisecond'
      AND leaves_by IS NULL
    ORDER BY place`;
  return rows.map(toMember);
}

function toMember(row: unknown): FleetMember {
  const { place, copied } = memberSchema.parse(row);
  return { place, copied: toNumbers(copied) };
}

const toNumbers = (text: string): readonly number[] =>
  text === "" ? [] : text.split(",").map(Number);

/** Renews the row of this process, adds its new invalid requests, and reads all rows. */
export async function meet(
  sql: AnySql,
  { place, copied }: FleetMember,
  invalid: readonly PartitionMinute[] = [],
): Promise<Meeting> {
  if (invalid.length > 0) await addInvalid(sql, invalid);
  // Each process does this twice a second, so it is one statement beside the leases'.
  const [row] = await sql`
    WITH self AS (
      INSERT INTO barnacle.members (place, copied, seen)
      VALUES (${place}, ${copied.join()}, clock_timestamp())
      ON CONFLICT (place) DO UPDATE
      SET copied = excluded.copied, seen = excluded.seen, leaves_by = NULL
    ), arrived AS (
      SELECT string_agg(DISTINCT partition::text, ',') AS partitions,
             bool_or(partition IS NULL) AS unplaced
      FROM barnacle.arrivals WHERE event IS NOT NULL
    )
    SELECT coalesce((
             SELECT json_agg(json_build_object('place', place, 'copied', copied))
             FROM barnacle.members WHERE place <> ${place} AND leaves_by IS NULL
               AND seen > clock_timestamp() - ${MEMBER_MS} * interval '1 millisecond'
           ), '[]')::text AS members,
           coalesce((SELECT max(sequence) FROM barnacle.changes), 0)::float8 AS "lastChange",
           coalesce((
             SELECT string_agg(DISTINCT partition::text, ',') FROM barnacle.asks WHERE taken IS NULL
           ), '') AS asked,
           coalesce(arrived.partitions, '') AS arrived,
           coalesce(arrived.unplaced, false) AS "isUnplaced",
           coalesce((
             SELECT json_agg(json_build_object('partition', partition, 'minute', minute,
                                               'count', count))
             FROM barnacle.invalid_requests
           ), '[]')::text AS invalid
    FROM arrived`;
  const met = metSchema.parse(row);
  const others: unknown[] = z.array(z.unknown()).parse(JSON.parse(met.members));
  return {
    states: await readStates(sql),
    members: [...others.map(toMember), { place, copied }].sort(byPlace),
    lastChange: met.lastChange,
    arrived: { partitions: toNumbers(met.arrived), isUnplaced: met.isUnplaced },
    invalid: minutesSchema.parse(JSON.parse(met.invalid)),
    asked: toNumbers(met.asked),
  };
}

/** Older minutes count no more, wherever the clock of a process stands. */
const KEPT_MINUTES = 30;

async function addInvalid(sql: AnySql, invalid: readonly PartitionMinute[]): Promise<void> {
  await sql`
    INSERT INTO barnacle.invalid_requests (partition, minute, count)
    SELECT (one ->> 'partition')::int, (one ->> 'minute')::bigint, sum((one ->> 'count')::int)
    FROM json_array_elements(${JSON.stringify(invalid)}::text::json) AS one GROUP BY 1, 2
    ON CONFLICT (partition, minute) DO UPDATE
    SET count = invalid_requests.count + excluded.count`;
  await sql`
    DELETE FROM barnacle.invalid_requests
    WHERE minute < (SELECT max(minute) FROM barnacle.invalid_requests) - ${KEPT_MINUTES}`;
}

/**
 * Finds another database of this server that a process with one of these bots uses now.
 *
 * @param bots Marks, as the names of connections have them.
 */
export async function readTwin(
  sql: AnySql,
  bots: readonly string[],
): Promise<string | undefined> {
  const [row] = await sql`
    SELECT datname::text AS name FROM pg_stat_activity
    WHERE datname <> current_database() AND application_name LIKE 'barnacle %'
      AND string_to_array(substr(application_name, 10), ' ')
        && string_to_array(${bots.join()}, ',')
    LIMIT 1`;
  return row && z.object({ name: z.string() }).parse(row).name;
}

/**
 * Tells the others that this process stops. Until it has ended, it waits for their answers.
 *
 * @param withinMs Milliseconds until this process has ended at the latest; 0 deletes its row.
 */
export async function leave(sql: AnySql, place: string, withinMs: number): Promise<void> {
  await (withinMs === 0 ? sql`DELETE FROM barnacle.members WHERE place = ${place}` : sql`
    UPDATE barnacle.members
    SET leaves_by = clock_timestamp() + ${withinMs} * interval '1 millisecond'
    WHERE place = ${place}`);
}

function byPlace({ place }: FleetMember, other: FleetMember): number {
  return place < other.place ? -1 : place > other.place ? 1 : 0;
}
