/** Keeps events of hooks in PostgreSQL, until the owner of their partition has stored them (O16). */

import type { Sql } from "postgres";
import { z } from "zod";
import { toAccountId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import {
  type ArrivedEvent,
  HOOK_WAITING_MAX,
  type StoredHookEvent,
} from "../../core/hooks/hook.ts";
import type { Arrival, UnplacedChannel } from "../../core/partitions/arrivals.ts";
import { CHANNEL, notify } from "./listen.ts";
import type { AnySql } from "./tables.ts";

/** Events of each hook to read at once. */
const AT_ONCE = 100;

/** For how long an event counts as known; a store keeps them equally long. */
const KEPT_DAYS = 30;

/** Channels to place at once. */
const CHANNELS_AT_ONCE = 20;

/** The partitions that waiting events are for. */
export interface Arrived {
  readonly partitions: readonly number[];
  /** Whether the partition of some is not known yet. */
  readonly isUnplaced: boolean;
}

const idSchema = snowflakeSchema<"message">();
const accountSchema = z.string().transform(toAccountId);

const acceptedSchema = z.object({
  known: idSchema.nullable(),
  added: idSchema.nullable(),
  hasRoom: z.boolean(),
});

const eventSchema: z.ZodType<ArrivedEvent> = z.object({
  accountId: accountSchema,
  hook: z.string(),
  senderId: z.string().optional(),
  key: z.string(),
  title: z.string(),
  text: z.string(),
  post: z.string(),
  isEnd: z.boolean(),
  messageId: idSchema,
  receivedAt: z.number(),
});

const unplacedSchema: z.ZodType<UnplacedChannel> = z.object({
  accountId: accountSchema,
  channelId: snowflakeSchema<"channel">(),
});

/**
 * Creates the access. It is long because it is a list of statements. Each method rejects with a
 * `RemoteError`.
 *
 * @param mostWaiting Maximum number of events of a hook that wait here.
 */
export function createArrivals(
  { use }: { readonly use: <T>(work: (sql: Sql) => Promise<T>) => Promise<T> },
  mostWaiting: number = HOOK_WAITING_MAX,
) {
  /** Also places earlier events of the channel, so that they stay in their order. */
  async function add(
    sql: AnySql,
    { event, ...place }: Arrival,
  ) {
    const { messageId, accountId, hook, senderId = null } = event;
    const channelId: string = place.channelId ?? "";
    const partition = place.partition ?? null;
    const [row] = await sql`
      WITH known AS (
        SELECT message_id FROM barnacle.arrivals WHERE hook = ${hook} AND sender = ${senderId}
      ), room AS (
        SELECT count(*) < ${mostWaiting} AS yes FROM barnacle.arrivals
        WHERE hook = ${hook} AND account = ${accountId} AND event IS NOT NULL
      ), placed AS (
        UPDATE barnacle.arrivals SET partition = ${partition}::int
        WHERE hook = ${hook} AND event IS NOT NULL AND partition IS NULL
          AND channel = ${channelId} AND ${partition}::int IS NOT NULL
      ), added AS (
        INSERT INTO barnacle.arrivals
          (message_id, account, hook, sender, channel, partition, event, at)
        SELECT ${messageId}, ${accountId}, ${hook}, ${senderId}, ${channelId}, ${partition}::int,
               ${JSON.stringify(event)}, clock_timestamp()
        FROM room WHERE yes AND NOT EXISTS (SELECT 1 FROM known)
        ON CONFLICT (hook, sender) DO NOTHING
        RETURNING message_id
      )
      SELECT (SELECT message_id FROM known) AS known, (SELECT message_id FROM added) AS added,
             (SELECT yes FROM room) AS "hasRoom",
             (SELECT pg_notify(${CHANNEL}, '')::text FROM added) AS told`;
    return acceptedSchema.parse(row);
  }

  return {
    /**
     * Stores an event, once for each id of its sender.
     *
     * @returns `undefined` if too many events of the hook wait.
     */
    accept: (arrival: Arrival): Promise<StoredHookEvent | undefined> =>
      use(async (sql) => {
        for (;;) {
          const { known, added, hasRoom } = await add(sql, arrival);
          if (known !== null) return { messageId: known, isRepeated: true };
          if (added !== null) return { messageId: added, isRepeated: false };
          if (!hasRoom) return undefined;
          // Another process has stored it at this moment: the next statement sees it.
        }
      }),
    /** The next events of a partition, oldest first. No hook can keep those of others waiting. */
    waiting: (partition: number): Promise<readonly ArrivedEvent[]> =>
      use(async (sql) => {
        const rows = await sql`
          SELECT event FROM (
            SELECT event, sequence, row_number() OVER (PARTITION BY hook ORDER BY sequence) AS place
            FROM barnacle.arrivals WHERE event IS NOT NULL AND partition = ${partition}
          ) AS waiting
          WHERE place <= ${AT_ONCE} ORDER BY sequence`;
        return z.object({ event: z.string() }).array().parse(rows)
          .map(({ event }) => eventSchema.parse(JSON.parse(event)));
      }),
    /** The next events of all partitions behind a number, oldest first, with their numbers. */
    waitingAfter: (
      sequence: number,
    ): Promise<readonly { readonly sequence: number; readonly event: ArrivedEvent }[]> =>
      use(async (sql) => {
        const rows = await sql`
          SELECT sequence::float8 AS sequence, event FROM barnacle.arrivals
          WHERE event IS NOT NULL AND sequence > ${sequence} ORDER BY sequence LIMIT ${AT_ONCE}`;
        return z.object({ sequence: z.number(), event: z.string() }).array().parse(rows)
          .map(({ sequence, event }) => ({
            sequence,
            event: eventSchema.parse(JSON.parse(event)),
          }));
      }),
    /** The partition has stored these events: only their ids stay, to know repeated ones. */
    stored: (ids: readonly string[]): Promise<void> =>
      use(async (sql) => {
        await sql`
          UPDATE barnacle.arrivals SET event = NULL
          WHERE message_id = ANY(string_to_array(${ids.join()}, ','))`;
        await sql`
          DELETE FROM barnacle.arrivals
          WHERE event IS NULL AND at < clock_timestamp() - ${KEPT_DAYS} * interval '1 day'`;
      }),
    /** The channels of events whose partition is not known yet. */
    unplaced: (): Promise<readonly UnplacedChannel[]> =>
      use(async (sql) =>
        unplacedSchema.array().parse(
          await sql`
            SELECT account AS "accountId", channel AS "channelId" FROM barnacle.arrivals
            WHERE event IS NOT NULL AND partition IS NULL
            GROUP BY account, channel ORDER BY min(sequence) LIMIT ${CHANNELS_AT_ONCE}`,
        )
      ),
    /** Sets the partition of such events. */
    place: ({ accountId, channelId }: UnplacedChannel, partition: number): Promise<void> =>
      use(async (sql) => {
        await sql`
          UPDATE barnacle.arrivals SET partition = ${partition}
          WHERE event IS NOT NULL AND partition IS NULL
            AND account = ${accountId} AND channel = ${channelId}`;
        await notify(sql);
      }),
  };
}

/** Events of hooks in PostgreSQL. */
export type Arrivals = ReturnType<typeof createArrivals>;
