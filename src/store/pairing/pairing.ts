/**
 * `store.pairing`: paired people, requests to be paired, and resolved names of the config.
 *
 * A message makes a request within the transaction that stores the message (T1).
 */

import type { DatabaseSync } from "node:sqlite";
import type { AccountId, Snowflake, UserId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/lenient.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import { ignored, type Verdict } from "../../core/inbound/inbox.ts";
import {
  afterWrongCode,
  closedUntil,
  CODE_LIFE_MS,
  CODES_WINDOW_MS,
  type Paired,
  type PairingDecision,
  type PairingOffer,
  type PairingOutcome,
  type PairingRequest,
  type PairingState,
  readCode,
  settlePairing,
  type WrongCodes,
} from "../../core/inbound/pairing.ts";
import type { ResolvedName } from "../../core/names.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS, statementsOf, type Transactions } from "../database/commits.ts";
import { prepareKeepDirectChannel } from "../messages/messages.ts";
import { prepareAddOnce } from "../outbox/outbox.ts";
import { flag, integer, oneOf, optional, rows } from "../schema/columns.ts";
import { PAIRED, PAIRING_GUESS, PAIRING_REQUEST, RESOLVED_NAME } from "../schema/person.ts";

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
    const settled = judgeUnpairedSender({ accountId, userId: sender.id }, verdict.rule, now);
    return {
      ...judged,
      verdict: place.kind === "group_dm" ? inGroup(settled) : settled,
      knownFacts: { ...knownFacts, isPaired: settled.kind === "accept" },
    };
  }

  return {
    /** Judges a challenged message by the current state. Changes nothing, and needs no transaction. */
    preview,
    /** Settles a challenged message, within a transaction of the caller's. */
    settle({ offer, ...judged }: Judged, now: number): Settled {
      const previewed = preview(judged, now);
      const { verdict: { kind, rule }, message } = previewed;
      if (kind !== "challenge") return { judged: previewed };
      if (!offer) {
        return { judged: { ...previewed, verdict: ignored("dm-not-allowed", rule) } };
      }
      const request = startPairing(message, offer, now);
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
const IS_FRESH = `expires_at > :now AND created_at < :now + ${CODE_LIFE_MS}`;

const REQUEST = PAIRING_REQUEST.without("state", "isReported", "decidedAt", "decidedBy");

/**
 * Reads a row of `pairing_request`.
 *
 * @throws {ZodError} If the row has other columns.
 */
function toPairingRequest(row: unknown): PairingRequest {
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
 * Makes a request, and adds the messages with its code to the outbox. Runs within the caller's
 * transaction that has judged the sender.
 *
 * @returns The request; `undefined` if the code, one of 2^40, is taken.
 */
function prepareStartPairing(database: DatabaseSync): (
  message: InboundMessage,
  offer: PairingOffer,
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

  return (message, { code, buttons, messages }, now) => {
    const { accountId, sender, channelId, id } = message;
    prune.run(accountId, now - CODE_LIFE_MS - KEPT_MS, now - KEPT_MS);
    if (isTaken.get(accountId, code)) return undefined;
    expire.run(accountId, sender.id);
    const row = insert({
      accountId,
      userId: sender.id,
      username: withoutControls(sender.username),
      channelId,
      messageId: id,
      code,
      approveButton: buttons.approve,
      denyButton: buttons.deny,
      createdAt: now,
      expiresAt: now + CODE_LIFE_MS,
    });
    for (const frozen of messages) addOnce(frozen, now);
    return toPairingRequest(row);
  };
}

export function createPairing(transactions: Transactions) {
  return { ...createPairings(transactions), ...createResolvedNames(transactions) };
}

export type Pairing = ReturnType<typeof createPairing>;

const MATCH = rows({ state: oneOf("pending", "approved", "denied", "expired"), isFresh: flag() });

/**
 * Stores paired people and requests to be paired (P3).
 *
 * The running bot and `barnacle pairing approve` are two processes with one store. So memory keeps
 * nothing between two calls, and a second decision on a request finds the first one.
 */
export function createPairings({ database, sql, commit, read }: Transactions) {
  const find = prepareFind(database);
  const settle = prepareSettle(database);
  const wrongCodes = prepareCountWrongCodes(database);
  const selectRequests = sql.rows(toPairingRequest)`SELECT * FROM pairing_request
     WHERE account_id = :accountId AND state = 'pending' AND ${IS_FRESH}
       AND (:isUnreported = 0 OR is_reported = 0)
     ORDER BY id`;
  const selectPaired = sql.rows(PAIRED.read)`
    SELECT * FROM paired WHERE account_id = ? ORDER BY paired_at, user_id`;
  const selectPairing = sql`SELECT 1 FROM paired WHERE account_id = ? AND user_id = ?`;
  const revoke = sql`DELETE FROM paired WHERE account_id = ? AND user_id = ? RETURNING *`;
  const markReported = sql`UPDATE pairing_request SET is_reported = 1 WHERE id = ?`;

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
    isPaired: (accountId: AccountId, userId: UserId) =>
      read(() => selectPairing.get(accountId, userId) !== undefined),
    /** Requests that wait and have not expired, oldest first. */
    requests: (accountId: AccountId, now: number): Promise<readonly PairingRequest[]> =>
      read(() => selectRequests.all({ accountId, now, isUnreported: 0 })),
    /** Paired people, in the order of their pairing. */
    paired: (accountId: AccountId): Promise<readonly Paired[]> =>
      read(() => selectPaired.all(accountId)),
    /**
     * Approves or denies a request. The same transaction stores the messages for an approved person.
     * A used code counts as unknown. People can guess only codes, not buttons. So only wrong codes
     * are counted, and too many of them close the check.
     */
    decide: (asked: PairingDecision): Promise<PairingOutcome> =>
      commit(
        COMMIT_OPTIONS.BY_HAND,
        () =>
          "code" in asked.by
            ? decideByCode(asked, asked.by.code)
            : decideByButton(asked, asked.by.button),
      ),
    /**
     * Removes a pairing. The person is then an unpaired sender again.
     *
     * @returns The removed pairing; `undefined` if the person is not paired.
     */
    revoke: (accountId: AccountId, userId: UserId): Promise<Paired | undefined> =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        const row = revoke.get(accountId, userId);
        return row && PAIRED.read(row);
      }),
    /** Requests that were not reported to the owners yet, oldest first. */
    unreported: (accountId: AccountId, now: number): Promise<readonly PairingRequest[]> =>
      read(() => selectRequests.all({ accountId, now, isUnreported: 1 })),
    markReported: (id: number): Promise<void> =>
      commit(COMMIT_OPTIONS.BY_HAND, () => void markReported.run(id)),
  };
}

/** Reads and decides requests. `now` is Unix time in milliseconds throughout. */
export type Pairings = ReturnType<typeof createPairings>;

type Key =
  & { readonly accountId: AccountId; readonly now: number }
  & ({ readonly code: string } | { readonly button: string });

function prepareFind(database: DatabaseSync): (key: Key) => {
  readonly request: PairingRequest;
  readonly state: "pending" | "approved" | "denied" | "expired";
} | undefined {
  const sql = statementsOf(database);
  const select = `SELECT *, ${IS_FRESH} AS is_fresh FROM pairing_request`;
  const byCode = sql`${select} WHERE account_id = :accountId AND code = :code`;
  const byButton = sql`${select}
     WHERE account_id = :accountId AND :button IN (approve_button, deny_button)
     ORDER BY id DESC LIMIT 1`;
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

function prepareSettle(database: DatabaseSync) {
  const sql = statementsOf(database);
  const addOnce = prepareAddOnce(database);
  const keepDirectChannel = prepareKeepDirectChannel(database);
  const end = sql`
    UPDATE pairing_request SET state = :state, decided_at = :now, decided_by = :decidedBy
    WHERE id = :id`;
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
  const sql = statementsOf(database);
  const select = sql`SELECT * FROM pairing_guess WHERE account_id = ?`;
  const save = PAIRING_GUESS.prepareInsert(
    database,
    "ON CONFLICT (account_id) DO UPDATE SET wrong = excluded.wrong, closed_at = excluded.closed_at",
  );
  const forget = sql`DELETE FROM pairing_guess WHERE account_id = ?`;

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

/**
 * Stores ids of names in the config (P12).
 *
 * The first id of a name stays. A person who takes the name later is an unpaired
 * sender, even if Discord then finds them by that name.
 */
function createResolvedNames({ database, sql, commit, read }: Transactions) {
  const select = sql`
    SELECT * FROM resolved_name WHERE account_id = ? ORDER BY kind, typed, guild_id`;
  const insert = RESOLVED_NAME.prepareInsert(database, "ON CONFLICT DO NOTHING");
  return {
    /** All names of an account, by kind and spelling. */
    namesOf: (accountId: AccountId): Promise<readonly ResolvedName[]> =>
      read(() => select.all(accountId).map(toResolvedName)),
    /** Adds names. A name that is stored already keeps its id. */
    saveNames: (accountId: AccountId, names: readonly ResolvedName[]) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        for (const resolved of names) {
          const { kind, typed, id, name, at } = resolved;
          insert({
            accountId,
            kind,
            typed,
            guildId: guildOf(resolved),
            foundId: id,
            name: withoutControls(name),
            at,
          });
        }
      }),
  };
}

function guildOf(resolved: ResolvedName): string {
  return resolved.kind === "channel" ? resolved.guildId : "";
}

function toResolvedName(row: unknown): ResolvedName {
  const { kind, foundId, guildId, typed, name, at } = RESOLVED_NAME.read(row);
  switch (kind) {
    case "user":
      return { kind, id: idIn(foundId), typed, name, at };
    case "guild":
      return { kind, id: idIn(foundId), typed, name, at };
    case "channel":
      return { kind, id: idIn(foundId), guildId: idIn(guildId), typed, name, at };
  }
}

/** @throws {ZodError} If the text is no id. */
const idIn = <Kind extends string>(text: string): Snowflake<Kind> =>
  snowflakeSchema<Kind>().parse(text);
