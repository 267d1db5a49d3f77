/**
 * Settles challenged messages of unpaired senders as they are stored. Their verdict asks for a
 * code, and only the store can tell whether the sender has a code or is paired by now (P3).
 *
 * A message makes a request within the transaction that stores the message (T1).
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import { DAY_MS } from "../../lib/clock.ts";
import type { AccountId, UserId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import {
  CODE_LIFE_MS,
  CODES_WINDOW_MS,
  type PairingRequest,
  type PairingService,
  type PairingState,
  settlePairing,
} from "../../core/inbound/pairing.ts";
import { ignored, type Verdict } from "../../core/inbound/verdict.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import { flag, integer, oneOf, optional, rows } from "../schema/columns.ts";
import { PAIRING_REQUEST } from "../schema/people.ts";

/** A message with its final verdict, and its new request. */
export interface Settled {
  readonly judged: Judged;
  /** The new request; absent if the message began none. */
  readonly request?: PairingRequest;
}

export function prepareUnpairedSenders(database: DatabaseSync) {
  const judgeUnpairedSender = prepareJudgeUnpairedSender(database);
  const startPairing = prepareStartPairing(database);

  function preview(judged: Judged, now: number): Judged {
    const { message: { accountId, sender, place }, verdict, knownFacts } = judged;
    if (verdict.kind !== "challenge") return judged;
    const settled = judgeUnpairedSender({ accountId, userId: sender.id }, verdict.rule, now);
    return {
      ...judged,
      verdict: place.kind === "group_dm" ? inGroup(settled) : settled,
      knownFacts: { ...knownFacts, isPaired: settled.kind === "accept" },
    };
  }

  return {
    /** Judges a message by the current state. Changes nothing, and needs no transaction. */
    preview,
    /**
     * Settles a new message, within a transaction of the caller's.
     *
     * @param pairingService Makes codes; if `undefined`, the message is ignored and no code is made.
     */
    settle(judged: Judged, pairingService: PairingService | undefined, now: number): Settled {
      const previewed = preview(judged, now);
      const { verdict: { kind, rule }, message } = previewed;
      if (kind !== "challenge") return { judged: previewed };
      if (!pairingService) {
        return { judged: { ...previewed, verdict: ignored("dm-not-allowed", rule) } };
      }
      const request = startPairing(message, pairingService, now);
      return request
        ? { judged: previewed, request }
        : { judged: { ...previewed, verdict: ignored("pairing-full", rule) } };
    },
  };
}

/** Makes sure that no code is sent into a group, where others would read it (P5). */
function inGroup(settled: Verdict): Verdict {
  return settled.kind === "accept"
    ? { ...settled, why: "group-dm-allowed" }
    : ignored("dm-not-allowed", settled.rule);
}

/**
 * SQL condition for requests that have not expired. A row with a time in the future was made while
 * the clock was ahead, and counts as expired.
 */
export const IS_FRESH = `expires_at > :now AND created_at < :now + ${CODE_LIFE_MS}`;

const REQUEST = PAIRING_REQUEST.pick(
  "id",
  "accountId",
  "userId",
  "username",
  "channelId",
  "messageId",
  "code",
  "approveButton",
  "denyButton",
  "createdAt",
  "expiresAt",
);

/**
 * Reads a row of `pairing_request`.
 *
 * @throws {ZodError} If the row has other columns.
 */
export function toPairingRequest(row: unknown): PairingRequest {
  const { approveButton: approve, denyButton: deny, ...request } = REQUEST.read(row);
  return { ...request, buttons: { approve, deny } };
}

const STATE = rows({
  isPaired: flag(),
  last: optional(oneOf("pending", "approved", "denied")),
  pending: integer(),
  given: integer(),
});

/**
 * Prepares the judging of an unpaired sender's message by the stored requests and pairings, and by the
 * rule at this path of the config. Works outside of a transaction, too.
 */
function prepareJudgeUnpairedSender(database: DatabaseSync) {
  const sql = statementsOf(database);
  // A person who got a code within the hour has one row of that hour.
  const select = sql.rows(STATE.read)`SELECT
       EXISTS (SELECT 1 FROM paired WHERE account_id = :accountId AND user_id = :userId)
         AS is_paired,
       MAX(state) FILTER (WHERE user_id = :userId AND state <> 'expired') AS last,
       COUNT(*) FILTER (WHERE state = 'pending') AS pending,
       COUNT(*) FILTER (WHERE created_at > :now - ${CODES_WINDOW_MS}) AS given
     FROM pairing_request
     WHERE account_id = :accountId AND created_at > :now - ${CODE_LIFE_MS} AND ${IS_FRESH}`;
  return (
    { accountId, userId }: { readonly accountId: AccountId; readonly userId: UserId },
    rule: string,
    now: number,
  ): Verdict => {
    const state: PairingState = select.one({ accountId, userId, now });
    return settlePairing(state, rule);
  };
}

/**
 * How long (milliseconds) to keep a request after it has expired. Within this time, the answer to
 * its code is that the code has expired.
 */
const KEPT_MS = DAY_MS;
/**
 * Maximum number of draws. If a code is taken, another one of 2^40 is drawn. A service that draws
 * only taken codes is broken.
 */
const DRAWS = 4;

/**
 * Makes a request, and adds the messages with its code to the outbox. Runs within the caller's
 * transaction that has judged the sender.
 *
 * @returns The request; `undefined` if the service draws no free code.
 */
function prepareStartPairing(database: DatabaseSync): (
  message: InboundMessage,
  pairingService: PairingService,
  now: number,
) => PairingRequest | undefined {
  const sql = statementsOf(database);
  const addOnce = prepareAddOnce(database);
  const isTaken = sql`SELECT 1 FROM pairing_request WHERE account_id = ? AND code = ?`;
  const prune = sql`
    DELETE FROM pairing_request WHERE account_id = ? AND created_at < ? AND expires_at < ?`;
  const expire = sql`UPDATE pairing_request SET state = 'expired'
     WHERE account_id = ? AND user_id = ? AND state = 'pending'`;
  const insert = PAIRING_REQUEST.prepareInsert(database, "RETURNING *");

  function drawCode(accountId: AccountId, pairingService: PairingService): string | undefined {
    for (let draw = 0; draw < DRAWS; draw++) {
      const code = pairingService.newCode();
      if (!isTaken.get(accountId, code)) return code;
    }
    return undefined;
  }

  return (message, pairingService, now) => {
    const { accountId, sender, channelId, id } = message;
    prune.run(accountId, now - CODE_LIFE_MS - KEPT_MS, now - KEPT_MS);
    const code = drawCode(accountId, pairingService);
    if (code === undefined) return undefined;
    expire.run(accountId, sender.id);
    const row = insert({
      accountId,
      userId: sender.id,
      username: withoutControls(sender.username),
      channelId,
      messageId: id,
      code,
      approveButton: pairingService.newButton(),
      denyButton: pairingService.newButton(),
      createdAt: now,
      expiresAt: now + CODE_LIFE_MS,
    });
    for (const frozen of pairingService.challenge(message, code)) addOnce(frozen, now);
    return toPairingRequest(row);
  };
}
