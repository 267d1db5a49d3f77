/**
 * Counts the IDENTIFYs of all processes that share a bot, by the clock of the database.
 *
 * Discord spaces and counts them for each token. So each IDENTIFY of a partition is a row here before
 * it is one of the partition's own store, which opens gaps by it (G6).
 */

import { z } from "zod";
import type { Sql } from "postgres";
import {
  askIdentify,
  type IdentifyAnswer,
  type IdentifyBudget,
  identifyBudget,
  type IdentifyRecord,
  type SessionStartLimit,
  SPACING_MS,
} from "../../core/discord/identify_budget.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { GatewayRecords } from "../../core/store/gateway.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { inTransaction } from "./dial.ts";
import { RemoteError } from "./remote_error.ts";
import type { AnySql } from "./tables.ts";

/** Any constant: two processes do not count at once. */
const LOCK = 7_162_033;

/** A question about the next IDENTIFY of a shard. */
export interface SharedIdentify {
  readonly accountId: AccountId;
  readonly shardId: number;
  /** Discord's last report to the process that asks; absent: there was none. */
  readonly limit: SessionStartLimit | undefined;
  /** Whether to take it, if it is granted. */
  readonly isTaken: boolean;
}

/** The answer. Its times are the database's. */
export interface SharedIdentifyAnswer {
  readonly answer: IdentifyAnswer;
  readonly budget: IdentifyBudget;
  /** The database's clock. */
  readonly now: number;
}

const clockSchema = z.object({ now: z.number() });
const rowSchema = z.object({ shardId: z.int(), at: z.number() });

/** Decides about an IDENTIFY, and counts it if it is taken. */
export function askShared(
  sql: Sql,
  { accountId, shardId, limit, isTaken }: SharedIdentify,
): Promise<SharedIdentifyAnswer> {
  return inTransaction(sql, async (sql) => {
    await sql`SELECT pg_advisory_xact_lock(${LOCK})`;
    const { now } = clockSchema.parse(
      (await sql`
      SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now`)[0],
    );
    const record = { ...await recordOf(sql, accountId), ...(limit && { limit }) };
    const answer = askIdentify(record, shardId, now);
    const budget = identifyBudget(record, now);
    if (answer.kind !== "granted" || !isTaken) return { answer, budget, now };
    await sql`
      INSERT INTO barnacle.identifies (account, shard, at)
      VALUES (${accountId}, ${shardId}, clock_timestamp())`;
    await sql`
      DELETE FROM barnacle.identifies WHERE at < clock_timestamp() - interval '2 days'`;
    return { answer, budget, now };
  });
}

async function recordOf(sql: AnySql, accountId: AccountId): Promise<IdentifyRecord> {
  const rows = await sql`
    SELECT shard AS "shardId", extract(epoch FROM at)::float8 * 1000 AS at
    FROM barnacle.identifies
    WHERE account = ${accountId} AND at > clock_timestamp() - ${DAY_MS} * interval '1 millisecond'
    ORDER BY at`;
  return { identifies: rowSchema.array().parse(rows) };
}

/**
 * Counts the IDENTIFYs of a partition's store here, too. While PostgreSQL does not answer, none is taken:
 * the connection asks again. Forecasts and figures are those of the store then, so an account can start.
 */
export function shareIdentifies(
  gateway: GatewayRecords,
  remote: { identify(asked: SharedIdentify): Promise<SharedIdentifyAnswer> },
): GatewayRecords {
  async function ask(accountId: AccountId, shardId: number, isTaken: boolean) {
    const { limit } = await gateway.loadAccount(accountId);
    return await remote.identify({ accountId, shardId, limit, isTaken });
  }
  return {
    ...gateway,
    async takeIdentify(accountId, shardId, now) {
      const isDue = await gateway.identifyInMs(accountId, shardId, now) === 0;
      if (isDue) {
        const { answer, now: clock } = await ask(accountId, shardId, true);
        if (answer.kind === "wait") return { ...answer, untilMs: answer.untilMs - clock + now };
      }
      return await gateway.takeIdentify(accountId, shardId, now);
    },
    async identifyInMs(accountId, shardId, now) {
      const ownMs = await gateway.identifyInMs(accountId, shardId, now);
      const shared = await ask(accountId, shardId, false).catch(ifAway);
      if (!shared) return Math.max(ownMs, SPACING_MS);
      const { answer, now: clock } = shared;
      return answer.kind === "granted" ? ownMs : Math.max(ownMs, answer.untilMs - clock);
    },
    async identifyBudget(accountId, now) {
      const shared = await ask(accountId, 0, false).catch(ifAway);
      if (!shared) return await gateway.identifyBudget(accountId, now);
      const { budget: { left, heldUntil }, now: clock } = shared;
      return { left, ...(heldUntil !== undefined && { heldUntil: heldUntil - clock + now }) };
    },
  };
}

/** @throws {unknown} Any error but a failure of PostgreSQL. */
function ifAway(error: unknown): undefined {
  if (!(error instanceof RemoteError)) throw error;
}
