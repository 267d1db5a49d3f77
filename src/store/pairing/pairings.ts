/**
 * Stores paired people and requests to be paired (P3).
 *
 * The running bot and `barnacle pairing approve` are two processes with one store. So memory keeps
 * nothing between two calls, and a second decision on a request finds the first one.
 */

import type { DatabaseSync } from "node:sqlite";
import { type AccountId } from "../../core/discord/ids.ts";
import {
  afterWrongCode,
  closedUntil,
  type PairingDecision,
  type PairingOutcome,
  type PairingRequest,
  readCode,
  type WrongCodes,
} from "../../core/inbound/pairing.ts";
import { prepareKeepDirectChannel } from "../received/direct_channels.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import { createOutgoing, type Outgoing } from "../memory/send_queues.ts";
import { IS_FRESH, toPairingRequest } from "./unpaired_senders.ts";
import { flag, oneOf, rows } from "../schema/columns.ts";
import { PAIRED, PAIRING_GUESS } from "../schema/pairing.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Pairings } from "../../core/store/pairing.ts";

const MATCH = rows({ state: oneOf("pending", "approved", "denied", "expired"), isFresh: flag() });

/** Creates the storage of pairings. */
export function createPairings(
  database: DatabaseSync,
  { commit, read }: Transactions,
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
    paired: (accountId) => read(() => selectPaired.all(accountId).map(PAIRED.read)),
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
        return row && PAIRED.read(row);
      }),
    unreported: (accountId, now) =>
      read(() => selectRequests.all({ accountId, now, isUnreported: 1 }).map(toPairingRequest)),
    markReported: (id) => commit(COMMIT_OPTIONS.BY_HAND, () => void markReported.run(id)),
  };
}

type Key =
  & { readonly accountId: AccountId; readonly now: number }
  & ({ readonly code: string } | { readonly button: string });

interface PairingMatch {
  readonly request: PairingRequest;
  readonly state: "pending" | "approved" | "denied" | "expired";
}

function prepareFind(database: DatabaseSync): (key: Key) => PairingMatch | undefined {
  const select = `SELECT *, ${IS_FRESH} AS is_fresh FROM pairing_request`;
  const byCode = database.prepare(`${select} WHERE account_id = :accountId AND code = :code`);
  const byButton = database.prepare(
    `${select}
     WHERE account_id = :accountId AND :button IN (approve_button, deny_button)
     ORDER BY id DESC LIMIT 1`,
  );
  return (key) => {
    const row = "code" in key ? byCode.get({ ...key }) : byButton.get({ ...key });
    if (!row) return undefined;
    const { state, isFresh } = MATCH.read(row);
    return {
      request: toPairingRequest(row),
      state: state === "pending" && !isFresh ? "expired" : state,
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
  const pair = PAIRED.prepareInsert(
    database,
    `ON CONFLICT (account_id, user_id) DO UPDATE SET
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
      pair({ accountId, userId, username, pairedAt: now, pairedBy: decidedBy });
      for (const frozen of notify) {
        addOnce({ ...frozen, message: { ...frozen.message, accountId, channelId } }, now);
      }
      const place = { kind: "dm" } as const;
      // Catch-up then reads this channel after a gap.
      keepDirectChannel({ accountId, channelId, sentAt: now, place });
    }
    return { kind: state, request };
  };
}

/**
 * Prepares the statements for wrong codes. The count is in the database, so that neither a restart
 * nor a new process for each guess resets it (SEC-R13).
 */
function prepareCountWrongCodes(database: DatabaseSync) {
  const select = database.prepare("SELECT * FROM pairing_guess WHERE account_id = ?");
  const save = PAIRING_GUESS.prepareInsert(
    database,
    "ON CONFLICT (account_id) DO UPDATE SET wrong = excluded.wrong, closed_at = excluded.closed_at",
  );
  const forget = database.prepare("DELETE FROM pairing_guess WHERE account_id = ?");

  function wrongCodesOf(accountId: AccountId): WrongCodes {
    const row = select.get(accountId);
    if (!row) return { count: 0 };
    const { wrong: count, closedAt } = PAIRING_GUESS.read(row);
    return { count, closedAt };
  }

  return {
    /**
     * Unix time in milliseconds until which no code is checked; `undefined` if codes are checked now.
     */
    closedUntil: (accountId: AccountId, now: number): number | undefined =>
      closedUntil(wrongCodesOf(accountId), now),
    /**
     * Counts a wrong code.
     *
     * @returns Number of wrong codes in a row, with this one.
     */
    addWrong(accountId: AccountId, now: number): number {
      const { count, closedAt } = afterWrongCode(wrongCodesOf(accountId), now);
      save({ accountId, wrong: count, closedAt });
      return count;
    },
    /** Resets the count after a right code. */
    forget(accountId: AccountId): void {
      forget.run(accountId);
    },
  };
}
