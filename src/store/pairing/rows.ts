/**
 * Stores requests to be paired as rows. A message from an unpaired sender makes a request within
 * the transaction that stores the message (T1).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import { type AccountId, toAccountId, type UserId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import {
  CODE_LIFE_MS,
  CODES_WINDOW_MS,
  type PairingRequest,
  type PairingService,
  type PairingState,
  settlePairing,
} from "../../core/inbound/pairing.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { DAY_MS } from "../../core/discord/day.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import type { Outgoing } from "../memory/outgoing.ts";

/**
 * SQL condition for requests that have not expired. A row with a time in the future was made while
 * the clock was ahead, and counts as expired.
 */
export const IS_FRESH = `expires_at > :now AND created_at < :now + ${CODE_LIFE_MS}`;

const rowSchema = z.object({
  id: column.number,
  account_id: z.string().transform(toAccountId),
  user_id: snowflakeSchema<"user">(),
  username: column.text,
  channel_id: snowflakeSchema<"channel">(),
  message_id: snowflakeSchema<"message">(),
  code: column.text,
  approve_button: column.text,
  deny_button: column.text,
  created_at: column.number,
  expires_at: column.number,
});

/**
 * Reads a row of `pairing_request`.
 *
 * @throws {ZodError} If the row has other columns.
 */
export function toPairingRequest(row: unknown): PairingRequest {
  const { id, username, code, ...rest } = rowSchema.parse(row);
  return {
    id,
    accountId: rest.account_id,
    userId: rest.user_id,
    username,
    channelId: rest.channel_id,
    messageId: rest.message_id,
    code,
    buttons: { approve: rest.approve_button, deny: rest.deny_button },
    createdAt: rest.created_at,
    expiresAt: rest.expires_at,
  };
}

const stateSchema = z.object({
  is_paired: column.number,
  last: z.enum(["pending", "approved", "denied"]).nullable(),
  pending: column.number,
  given: column.number,
});

/**
 * Judges an unpaired sender's message by the stored requests and pairings. Works outside of a
 * transaction, too.
 *
 * @param rule Config path of the rule for unpaired senders.
 * @param now Unix time in milliseconds.
 */
export type JudgeUnpairedSender = (
  sender: { readonly accountId: AccountId; readonly userId: UserId },
  rule: string,
  now: number,
) => Verdict;

/** Prepares the query of requests and pairings. */
export function prepareJudgeUnpairedSender(database: DatabaseSync): JudgeUnpairedSender {
  // A person who got a code within the hour has one row of that hour.
  const select = database.prepare(
    `SELECT
       EXISTS (SELECT 1 FROM paired WHERE account_id = :accountId AND user_id = :userId)
         AS is_paired,
       MAX(state) FILTER (WHERE user_id = :userId AND state <> 'expired') AS last,
       COUNT(*) FILTER (WHERE state = 'pending') AS pending,
       COUNT(*) FILTER (WHERE created_at > :now - ${CODES_WINDOW_MS}) AS given
     FROM pairing_request
     WHERE account_id = :accountId AND created_at > :now - ${CODE_LIFE_MS} AND ${IS_FRESH}`,
  );
  return ({ accountId, userId }, rule, now) => {
    const { is_paired, last, ...counts } = stateSchema.parse(
      select.get({ accountId, userId, now }),
    );
    const state: PairingState = { ...counts, isPaired: is_paired === 1, last: last || undefined };
    return settlePairing(state, rule);
  };
}

/**
 * Makes a request, and adds the messages with its code to the outbox. Runs within the caller's
 * transaction that has judged the sender.
 *
 * @param now Unix time in milliseconds.
 * @returns The request; `undefined` if the service draws no free code.
 */
export type StartPairing = (
  message: InboundMessage,
  pairingService: PairingService,
  now: number,
) => PairingRequest | undefined;

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

/** Prepares the statements for new requests. */
export function prepareStartPairing(database: DatabaseSync, outgoing: Outgoing): StartPairing {
  const addOnce = prepareAddOnce(database, outgoing);
  const isTaken = database.prepare(
    "SELECT 1 FROM pairing_request WHERE account_id = ? AND code = ?",
  );
  const prune = database.prepare(
    "DELETE FROM pairing_request WHERE account_id = ? AND created_at < ? AND expires_at < ?",
  );
  const expire = database.prepare(
    `UPDATE pairing_request SET state = 'expired'
     WHERE account_id = ? AND user_id = ? AND state = 'pending'`,
  );
  const insert = database.prepare(
    `INSERT INTO pairing_request (account_id, user_id, username, channel_id, message_id, code,
                                  approve_button, deny_button, created_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     RETURNING *`,
  );

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
    const row = insert.get(
      accountId,
      sender.id,
      withoutControls(sender.username),
      channelId,
      id,
      code,
      pairingService.newButton(),
      pairingService.newButton(),
      now,
      now + CODE_LIFE_MS,
    );
    for (const frozen of pairingService.challenge(message, code)) addOnce(frozen, now);
    return toPairingRequest(row);
  };
}
