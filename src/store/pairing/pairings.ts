/**
 * Stores paired people and requests to be paired (P3).
 *
 * The running bot and `barnacle pairing approve` are two processes with one store. So memory keeps
 * nothing between two calls, and a second decision on a request finds the first one.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import { type AccountId, toAccountId } from "../../core/discord/ids.ts";
import {
  type Paired,
  type PairingDecision,
  type PairingOutcome,
  type PairingRequest,
  readCode,
} from "../../core/inbound/pairing.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { prepareKeepDirectChannel } from "../received/direct_channels.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import { createOutgoing, type Outgoing } from "../memory/outgoing.ts";
import { prepareCountWrongCodes } from "./wrong_codes.ts";
import { IS_FRESH, toPairingRequest } from "./rows.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import { createUngroupedTransactions, type Transactions } from "../database/transact.ts";
import type { Pairings } from "../../core/store/pairing.ts";

const pairedSchema = z.object({
  account_id: z.string().transform(toAccountId),
  user_id: snowflakeSchema<"user">(),
  username: column.text,
  paired_at: column.number,
  paired_by: column.text,
}).transform((row): Paired => ({
  accountId: row.account_id,
  userId: row.user_id,
  username: row.username,
  pairedAt: row.paired_at,
  pairedBy: row.paired_by,
}));

const matchSchema = z.object({
  state: z.enum(["pending", "approved", "denied", "expired"]),
  is_fresh: column.number,
  approve_button: column.text,
});

/**
 * Creates the storage of pairings.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createPairings(
  database: DatabaseSync,
  { commit, read }: Transactions = createUngroupedTransactions(database),
  outgoing: Outgoing = createOutgoing(database),
): Pairings {
  const find = prepareFind(database);
  const settle = prepareSettle(database, outgoing);
  const wrongCodes = prepareCountWrongCodes(database);
  const selectRequests = database.prepare(
    `SELECT * FROM pairing_request
     WHERE account_id = :accountId AND state = 'pending' AND ${IS_FRESH}
       AND (:isUnreported = 0 OR is_reported = 0)
     ORDER BY id`,
  );
  const selectPaired = database.prepare(
    "SELECT * FROM paired WHERE account_id = ? ORDER BY paired_at, user_id",
  );
  const selectPairing = database.prepare(
    "SELECT 1 FROM paired WHERE account_id = ? AND user_id = ?",
  );
  const revoke = database.prepare(
    "DELETE FROM paired WHERE account_id = ? AND user_id = ? RETURNING *",
  );
  const markReported = database.prepare("UPDATE pairing_request SET is_reported = 1 WHERE id = ?");

  function decideByCode(asked: PairingDecision, text: string): PairingOutcome {
    const { accountId, how, now } = asked;
    const until = wrongCodes.closedUntil(accountId, now);
    if (until !== undefined) return { kind: "closed", until };
    const code = readCode(text);
    const match = code === undefined ? undefined : find({ accountId, code, now });
    if (!match || match.state === "approved" || match.state === "denied") {
      return { kind: "unknown", wrongInRow: wrongCodes.addWrong(accountId, now) };
    }
    if (match.state === "expired") return { kind: "expired", request: match.request };
    wrongCodes.forget(accountId);
    return settle(match.request, how, asked);
  }

  function decideByButton(asked: PairingDecision, button: string): PairingOutcome {
    const { accountId, now } = asked;
    const match = find({ accountId, button, now });
    if (!match) return { kind: "unknown", wrongInRow: 0 };
    const { request, state } = match;
    if (state !== "pending") return { kind: state === "expired" ? state : "already", request };
    return settle(request, button === request.buttons.approve ? "approve" : "deny", asked);
  }

  return {
    isPaired: (accountId, userId) => read(() => selectPairing.get(accountId, userId) !== undefined),
    requests: (accountId, now) =>
      read(() => selectRequests.all({ accountId, now, isUnreported: 0 }).map(toPairingRequest)),
    paired: (accountId) =>
      read(() => selectPaired.all(accountId).map((row) => pairedSchema.parse(row))),
    decide: (asked) =>
      commit(
        COMMIT_OPTIONS.BY_HAND,
        () =>
          "code" in asked.by
            ? decideByCode(asked, asked.by.code)
            : decideByButton(asked, asked.by.button),
      ),
    revoke: (accountId, userId) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        const row = revoke.get(accountId, userId);
        return row && pairedSchema.parse(row);
      }),
    unreported: (accountId, now) =>
      read(() => selectRequests.all({ accountId, now, isUnreported: 1 }).map(toPairingRequest)),
    markReported: (id) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        markReported.run(id);
      }),
  };
}

type Key =
  & { readonly accountId: AccountId; readonly now: number }
  & ({ readonly code: string } | { readonly button: string });

interface Match {
  readonly request: PairingRequest;
  readonly state: "pending" | "approved" | "denied" | "expired";
}

function prepareFind(database: DatabaseSync): (key: Key) => Match | undefined {
  const select = `SELECT *, ${IS_FRESH} AS is_fresh FROM pairing_request`;
  const byCode = database.prepare(
    `${select} WHERE account_id = :accountId AND code = :code`,
  );
  const byButton = database.prepare(
    `${select}
     WHERE account_id = :accountId AND :button IN (approve_button, deny_button)
     ORDER BY id DESC LIMIT 1`,
  );
  return (key) => {
    const row = "code" in key ? byCode.get({ ...key }) : byButton.get({ ...key });
    if (!row) return undefined;
    const { state, is_fresh } = matchSchema.parse(row);
    return {
      request: toPairingRequest(row),
      state: state === "pending" && is_fresh === 0 ? "expired" : state,
    };
  };
}

/** Prepares the statements that decide a waiting request, within a transaction of the caller's. */
function prepareSettle(database: DatabaseSync, outgoing: Outgoing) {
  const addOnce = prepareAddOnce(database, outgoing);
  const keepDirectChannel = prepareKeepDirectChannel(database);
  const end = database.prepare(
    `UPDATE pairing_request SET state = :state, decided_at = :now, decided_by = :decidedBy
     WHERE id = :id`,
  );
  const pair = database.prepare(
    `INSERT INTO paired (account_id, user_id, username, paired_at, paired_by)
     VALUES (:accountId, :userId, :username, :now, :decidedBy)
     ON CONFLICT (account_id, user_id) DO UPDATE SET
       username = excluded.username,
       paired_at = excluded.paired_at,
       paired_by = excluded.paired_by`,
  );
  return (
    request: PairingRequest,
    how: "approve" | "deny",
    { decidedBy, now, notify }: PairingDecision,
  ): PairingOutcome => {
    const { id, accountId, userId, username, channelId } = request;
    const state = how === "approve" ? "approved" : "denied";
    end.run({ id, state, now, decidedBy });
    if (state === "approved") {
      pair.run({ accountId, userId, username, now, decidedBy });
      for (const frozen of notify(request)) addOnce(frozen, now);
      const place = { kind: "dm" } as const;
      // Catch-up then reads this channel after a gap.
      keepDirectChannel({ accountId, channelId, sentAt: now, place });
    }
    return { kind: state, request };
  };
}
