/**
 * Claims waiting messages for turns (T2).
 *
 * One process writes to a store (`host/locks/lock.ts`), so a claim needs no lease. A row that is
 * running when a process starts was claimed by a dead process.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { type AccountId, type ChannelId, toAccountId } from "../../core/discord/ids.ts";
import type { Claim } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { ACCOUNT_MAX, SESSION_MAX, type WaitingMessage } from "../memory/backlog.ts";
import type { Memory } from "../memory/memory.ts";
import { COMMIT_OPTIONS, UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";

/** Claims messages, and gives claims back. */
export interface Claims {
  /**
   * T2: claims a waiting message of an account. Of the sessions without a running turn, it chooses
   * the one that has waited longest, and in it the message that was written first. Catch-up may
   * bring that message after a later one. Several accounts may share a session, which still has one
   * turn at a time.
   *
   * @param now Unix time in milliseconds.
   * @param blocked Channels without claims for now, because older messages of them may still
   * arrive.
   */
  claimNext(
    accountId: AccountId,
    now: number,
    blocked: "all" | readonly ChannelId[],
  ): Promise<Claim | undefined>;
  /** Makes a message wait again whose turn could not finish. */
  release(claim: Claim): Promise<void>;
  /**
   * Makes every running message wait again: of one account before its first claim, or of all
   * accounts that ever existed before any claim. Accounts share sessions, and a turn of a removed
   * account would block the others for ever.
   *
   * @returns Number of turns that were left unfinished.
   */
  voidClaims(accountId?: AccountId): Promise<number>;
}

const waitingSchema = z.object({
  id: z.number(),
  message_id: snowflakeSchema<"message">(),
  account_id: z.string().transform(toAccountId),
  channel_id: snowflakeSchema<"channel">(),
  agent_id: z.string(),
  session_key: z.string(),
  attempt: z.number(),
}).transform((row): WaitingMessage => ({
  messageId: row.message_id,
  accountId: row.account_id,
  channelId: row.channel_id,
  route: { agentId: row.agent_id, sessionKey: row.session_key },
  arrival: row.id,
  attempts: row.attempt,
  isFresh: false,
}));

const runningSchema = z.object({
  message_id: snowflakeSchema<"message">(),
  session_key: z.string(),
}).transform((row) => ({ messageId: row.message_id, sessionKey: row.session_key }));

/**
 * Creates the storage of claims.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createClaims(
  database: DatabaseSync,
  { commit, later, read }: Transactions,
  { claims: queue, outgoing }: Pick<Memory, "claims" | "outgoing">,
): Claims {
  const selectWaiting = database.prepare(
    `SELECT id, message_id, account_id, channel_id, agent_id, session_key, attempt FROM (
       SELECT *, ROW_NUMBER() OVER (PARTITION BY session_key ORDER BY id) AS in_session,
              ROW_NUMBER() OVER (PARTITION BY account_id ORDER BY id) AS in_account
       FROM inbox WHERE finished_at IS NULL AND state = 'waiting'
     )
     WHERE in_session <= ${SESSION_MAX + 1} AND in_account <= ${ACCOUNT_MAX + 1}
     ORDER BY id`,
  );
  const selectRunning = database.prepare(
    `SELECT message_id, session_key FROM inbox
     WHERE finished_at IS NULL AND state = 'running'`,
  );
  const selectMessage = database.prepare("SELECT message FROM inbox WHERE message_id = ?");
  const claim = database.prepare(
    `UPDATE inbox SET state = 'running', attempt = :attempt, claimed_at = :now
     WHERE message_id = :messageId AND state = 'waiting'`,
  );
  const release = database.prepare(
    `UPDATE inbox SET state = 'waiting'
     WHERE message_id = ? AND attempt = ? AND state = 'running'`,
  );
  const voidClaims = database.prepare(
    `UPDATE inbox SET state = 'waiting'
     WHERE finished_at IS NULL AND state = 'running' AND (:accountId IS NULL OR account_id = :accountId)`,
  );

  function fill(): void {
    queue.fill(
      selectWaiting.all().map((row) => waitingSchema.parse(row)),
      selectRunning.all().map((row) => runningSchema.parse(row)),
    );
  }

  /**
   * T2, as far as it must be stored. A turn that an earlier process began is counted before it
   * begins again. So a message that makes the process crash is given up eventually. A message that
   * this process has stored may lose its first claim in a crash: it gets one more attempt.
   */
  async function storeClaim({ messageId, attempts, isFresh }: WaitingMessage, now: number) {
    const markRunning = () => void claim.run({ messageId, attempt: attempts + 1, now });
    if (isFresh && attempts === 0) later(COMMIT_OPTIONS.T2, markRunning);
    else await commit(COMMIT_OPTIONS.T2, markRunning);
  }

  return {
    async claimNext(accountId, now, blocked) {
      if (blocked === "all") return undefined;
      if (queue.isStale) await read(() => queue.isStale && fill());
      const taken = queue.take(accountId, blocked);
      if (!taken) return undefined;
      const { messageId, route, attempts } = taken;
      try {
        const isStored = queue.isStored(messageId); // otherwise it reaches the tables as claimed
        // If nothing waits in the channel, the answer is stored with its intent (T3 and T4).
        if (!outgoing.queues.isKnown(accountId, taken.channelId)) {
          await read(() => outgoing.checkChannel(accountId, taken.channelId));
        }
        const message = taken.message ??
          await read(() => readMessage(selectMessage.get(messageId)));
        // After all reads: a stored claim that is put back would block its session.
        if (isStored) await storeClaim(taken, now);
        return { message, route, attempt: attempts + 1 };
      } catch (error) {
        queue.putBack(taken);
        throw error;
      }
    },
    async release(ended) {
      const { message, attempt } = ended;
      await commit(UNNAMED, () => void release.run(message.id, attempt));
      queue.release(ended);
    },
    async voidClaims(accountId) {
      const voided = await commit(
        UNNAMED,
        () => Number(voidClaims.run({ accountId: accountId ?? null }).changes),
      );
      queue.void(accountId);
      return voided;
    },
  };
}

const messageSchema = z.object({ message: z.string() });

/** Ours, written by `rows.ts`. */
function readMessage(row: unknown): InboundMessage {
  return JSON.parse(messageSchema.parse(row).message);
}
