/**
 * What a start must know of an account: who we are, where the gateway is, and
 * the session that may be resumed.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId } from "../core/ids.ts";
import type { GatewaySession, Self } from "../core/inbound.ts";
import { snowflakeSchema } from "../core/snowflake_schema.ts";
import { UNNAMED } from "./terms.ts";
import type { Transactions } from "./transact.ts";

/** All of it absent before the account's first start. */
export interface StoredAccount {
  readonly self?: Self;
  /** As Discord named it last; `at` is Unix time in milliseconds. */
  readonly gateway?: { readonly url: string; readonly at: number };
  readonly session?: StoredSession;
  /**
   * Set while what was missed is still to be fetched: Unix time in milliseconds
   * at which the newest message was sent that was stored before the gap.
   */
  readonly catchUpFrom?: number;
  /**
   * Set with `catchUpFrom`: Unix time in milliseconds at which the newest loss was discovered, when
   * another session began than the one before. A gap may begin long before that, and have been
   * made larger by it.
   */
  readonly lostAt?: number;
}

/** Times are Unix time in milliseconds. */
export interface StoredSession extends GatewaySession {
  readonly startedAt: number;
  /** When the gateway was last heard in it. */
  readonly aliveAt: number;
}

export interface Accounts {
  loadAccount(accountId: AccountId): Promise<StoredAccount>;
  /**
   * Says whom the account talks to, before anything is read of it. What is known
   * from another server, or of another bot, is forgotten: a session of the
   * simulator's must not be resumed at Discord. What waits there for a turn, or
   * to be sent, is over: to answer it here would be to answer strangers.
   *
   * @param peer Server and bot in one text without a secret.
   * @returns Whether it is another than before.
   */
  adoptPeer(accountId: AccountId, peer: string): Promise<boolean>;
  /** @param now Unix time in milliseconds. */
  saveGatewayUrl(accountId: AccountId, url: string, now: number): Promise<void>;
}

const selfSchema = z.object({
  user_id: snowflakeSchema<"user">(),
  application_id: snowflakeSchema<"application">(),
  username: z.string(),
}).transform((row): Self => ({
  userId: row.user_id,
  applicationId: row.application_id,
  username: row.username,
}));

const gatewaySchema = z
  .object({ gateway_url: z.string(), gateway_url_at: z.number() })
  .transform((row) => ({ url: row.gateway_url, at: row.gateway_url_at }));

const sessionSchema = z.object({
  session_id: z.string(),
  resume_url: z.string(),
  seq: z.number(),
  started_at: z.number(),
  alive_at: z.number(),
}).transform((row): StoredSession => ({
  sessionId: row.session_id,
  resumeUrl: row.resume_url,
  seq: row.seq,
  startedAt: row.started_at,
  aliveAt: row.alive_at,
}));

const gapSchema = z
  .object({ catch_up_from: z.number(), started_at: z.number() })
  .transform((row) => ({ catchUpFrom: row.catch_up_from, lostAt: row.started_at }));

/** For the operator, at what is over because the account talks to another server or bot now. */
const OTHER_PEER = "the account has moved to another server or bot";

/** @param database Open, migrated, and owned by the caller. */
export function createAccounts(
  database: DatabaseSync,
  { commit, read }: Transactions,
): Accounts {
  const selectAccount = database.prepare("SELECT * FROM account WHERE account_id = ?");
  const selectSession = database.prepare("SELECT * FROM gateway_session WHERE account_id = ?");
  const saveUrl = database.prepare(
    `INSERT INTO account (account_id, gateway_url, gateway_url_at) VALUES (?, ?, ?)
     ON CONFLICT (account_id) DO UPDATE SET
       gateway_url = excluded.gateway_url,
       gateway_url_at = excluded.gateway_url_at`,
  );

  function load(accountId: AccountId): StoredAccount {
    const account = selectAccount.get(accountId);
    const session = selectSession.get(accountId);
    return {
      ...(isSet(account?.["user_id"]) && { self: selfSchema.parse(account) }),
      ...(isSet(account?.["gateway_url"]) && { gateway: gatewaySchema.parse(account) }),
      ...(isSet(session?.["session_id"]) && { session: sessionSchema.parse(session) }),
      ...(isSet(session?.["catch_up_from"]) && gapSchema.parse(session)),
    };
  }

  const selectOther = database.prepare(
    "SELECT 1 FROM account WHERE account_id = ? AND peer IS NOT NULL AND peer <> ?",
  );
  const forget = ["account", "gateway_session", "guild"].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE account_id = ?`)
  );
  const giveUp = [
    // Nobody is told, so there is no failure id; it was over when it was last looked at.
    `UPDATE inbox
     SET state = 'failed', failure = :reason, finished_at = COALESCE(claimed_at, accepted_at)
     WHERE account_id = :accountId AND state IN ('waiting', 'running')`,
    `UPDATE outbox SET state = 'dead', refusal = :reason
     WHERE account_id = :accountId AND state IN ('pending', 'sending', 'uncertain')`,
  ].map((sql) => database.prepare(sql));
  const savePeer = database.prepare(
    `INSERT INTO account (account_id, peer) VALUES (?, ?)
     ON CONFLICT (account_id) DO UPDATE SET peer = excluded.peer`,
  );

  return {
    adoptPeer: (accountId, peer) =>
      commit(UNNAMED, () => {
        const isOther = selectOther.get(accountId, peer) !== undefined;
        if (isOther) {
          for (const statement of forget) statement.run(accountId);
          for (const statement of giveUp) statement.run({ accountId, reason: OTHER_PEER });
        }
        savePeer.run(accountId, peer);
        return isOther;
      }),
    loadAccount: (accountId) => read(() => load(accountId)),
    saveGatewayUrl: (accountId, url, now) =>
      commit(UNNAMED, () => {
        saveUrl.run(accountId, url, now);
      }),
  };
}

function isSet(column: unknown): boolean {
  return column !== undefined && column !== null;
}
