/**
 * Keeps requests of one process to the owner of a partition, and their answers, in PostgreSQL (O16).
 *
 * Both are gone once the asking process has the answer. Their tables are unlogged: a request costs no
 * flush of the database's disk, its words never reach the database's log or a replica, and a crash of
 * the database loses only requests, which fail then.
 */

import type { Sql } from "postgres";
import { z } from "zod";
import { ANSWER_NOTICE, ASK_NOTICE, CHANNEL, GONE_NOTICE } from "./listen.ts";
import { MEMBER_MS } from "./members.ts";

/** A request that this process is to answer. */
export interface TakenAsk {
  /** Random. */
  readonly id: string;
  /** The partition that it asks. */
  readonly partition: number;
  /** What the asking process wants, in its own form. */
  readonly question: string;
}

/** A part of an answer. */
export interface AskedPart {
  /** From 0. */
  readonly number: number;
  readonly text: string;
  /**
   * `more` parts follow, or it is the `last` one. Or the text is the reason why the request has
   * `failed`, or was `refused` before it began.
   */
  readonly kind: "more" | "last" | "failed" | "refused";
}

/** The state of a request, with new parts of its answer. */
export interface AskState {
  /**
   * `waiting` for the owner, `ownerless` as long as there is none, `taken` by the owner, or `lost`: that
   * one has gone.
   */
  readonly kind: "waiting" | "ownerless" | "taken" | "lost";
  readonly parts: readonly AskedPart[];
}

const askSchema = z.object({ id: z.string(), partition: z.int(), question: z.string() });

const stateSchema = z.object({
  isTaken: z.boolean(),
  isTheirs: z.boolean(),
  isOwned: z.boolean(),
  parts: z.string(),
});

const partsSchema: z.ZodType<readonly AskedPart[]> = z.array(z.object({
  number: z.int(),
  text: z.string(),
  kind: z.enum(["more", "last", "failed", "refused"]),
}));

/**
 * Creates the access. It is long because it is a list of statements. Each method rejects with a
 * `RemoteError`.
 *
 * @param place Names this process.
 */
export function createAsks(
  { use }: { readonly use: <T>(work: (sql: Sql) => Promise<T>) => Promise<T> },
  place: string,
) {
  return {
    /** Asks the owner of a partition. */
    add: ({ id, partition, question }: TakenAsk): Promise<void> =>
      use(async (sql) => {
        await sql`
          WITH added AS (
            INSERT INTO barnacle.asks (id, partition, place, question)
            VALUES (${id}, ${partition}, ${place}, ${question}) RETURNING 1
          )
          SELECT pg_notify(${CHANNEL}, ${ASK_NOTICE})::text FROM added`;
      }),
    /** Takes the waiting requests to these partitions, as far as this process has their leases. */
    take: (partitions: readonly number[], limit: number): Promise<readonly TakenAsk[]> =>
      use(async (sql) =>
        askSchema.array().parse(
          await sql`
            UPDATE barnacle.asks SET taken = owned.epoch
            FROM (
              SELECT asks.id AS ask, epoch FROM barnacle.asks JOIN barnacle.store USING (partition)
              WHERE taken IS NULL AND store.place = ${place} AND lease_ends > clock_timestamp()
                AND partition = ANY(string_to_array(${partitions.join()}, ',')::int[])
              LIMIT ${limit}
            ) AS owned
            WHERE asks.id = owned.ask AND asks.taken IS NULL
            RETURNING asks.id, asks.partition, asks.question`,
        )
      ),
    /** Leaves requests to the next owner: this one has taken them, and not begun. */
    giveBack: (ids: readonly string[]): Promise<void> =>
      use(async (sql) => {
        await sql`
          UPDATE barnacle.asks SET taken = NULL
          WHERE id = ANY(string_to_array(${ids.join()}, ','))`;
      }),
    /**
     * Adds a part of the answer.
     *
     * @returns Whether the asking process still waits for it.
     */
    write: (id: string, { number, text, kind }: AskedPart): Promise<boolean> =>
      use(async (sql) => {
        const [row] = await sql`
          WITH added AS (
            INSERT INTO barnacle.answers (ask, number, kind, text)
            SELECT id, ${number}::int, ${kind}, ${text} FROM barnacle.asks WHERE id = ${id}
            FOR KEY SHARE -- waits if the request is being removed
            RETURNING 1
          )
          SELECT pg_notify(${CHANNEL}, ${ANSWER_NOTICE + id})::text FROM added`;
        return row !== undefined;
      }),
    /**
     * Reads the parts of an answer behind a number.
     *
     * @returns `undefined` if the request is gone.
     */
    read: (id: string, after: number): Promise<AskState | undefined> =>
      use(async (sql) => {
        const [row] = await sql`
          SELECT asks.taken IS NOT NULL AS "isTaken",
                 asks.taken IS NOT DISTINCT FROM store.epoch AS "isTheirs",
                 store.lease_ends > clock_timestamp() AS "isOwned",
                 coalesce((
                   SELECT json_agg(json_build_object('number', number, 'kind', kind, 'text', text)
                                   ORDER BY number)
                   FROM barnacle.answers WHERE ask = asks.id AND number > ${after}
                 ), '[]')::text AS parts
          FROM barnacle.asks JOIN barnacle.store USING (partition) WHERE asks.id = ${id}`;
        if (!row) return undefined;
        const { isTaken, isTheirs, isOwned, parts } = stateSchema.parse(row);
        return {
          kind: isTaken
            ? isTheirs && isOwned ? "taken" : "lost"
            : isOwned
            ? "waiting"
            : "ownerless",
          parts: partsSchema.parse(JSON.parse(parts)),
        };
      }),
    /**
     * Removes a request with its answer: it has ended here.
     *
     * @returns Whether an owner had taken it.
     */
    remove: (id: string): Promise<boolean> =>
      use(async (sql) => {
        const [row] = await sql`
          WITH removed AS (DELETE FROM barnacle.asks WHERE id = ${id} RETURNING taken)
          SELECT taken IS NOT NULL AS "isTaken",
                 pg_notify(${CHANNEL}, ${GONE_NOTICE + id})::text AS told FROM removed`;
        return row?.["isTaken"] !== false; // an absent one may have been taken
      }),
    /**
     * Removes the requests of processes that have ended, and tells which of these still wait.
     *
     * @param own Those that this process waits for. It removes its other ones: a process of the same
     *   place died, or could not remove them.
     */
    waiting: (ids: readonly string[], own: readonly string[]): Promise<ReadonlySet<string>> =>
      use(async (sql) => {
        await sql`
          DELETE FROM barnacle.asks WHERE NOT EXISTS (
            SELECT 1 FROM barnacle.members WHERE members.place = asks.place AND
              greatest(seen + ${MEMBER_MS} * interval '1 millisecond', leaves_by)
                > clock_timestamp()
          ) OR place = ${place} AND NOT id = ANY(string_to_array(${own.join()}, ','))`;
        const rows = await sql`
          SELECT id FROM barnacle.asks WHERE id = ANY(string_to_array(${ids.join()}, ','))`;
        return new Set(z.object({ id: z.string() }).array().parse(rows).map(({ id }) => id));
      }),
  };
}

/** Requests in PostgreSQL. */
export type AskRows = ReturnType<typeof createAsks>;
