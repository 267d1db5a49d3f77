/** Keeps undecided messages beside the inbox. */

import type { DatabaseSync } from "node:sqlite";
import type { Judged } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { integer, json, oneOf, optional, rows, text } from "../schema/columns.ts";
import type { AccountId, MessageId } from "../../core/discord/ids.ts";
import type { KnownFacts } from "../../core/inbound/facts.ts";
import type { Undecided } from "../../core/store/inbox.ts";

/**
 * Keeps an undecided message within a transaction of the caller's. A message that is there already
 * keeps its time of arrival.
 */
export type KeepUndecided = (judged: Judged, now: number) => void;

/** Prepares the statement that keeps messages. */
export function prepareKeepUndecided(database: DatabaseSync): KeepUndecided {
  const upsert = database.prepare(
    `INSERT INTO undecided (account_id, message_id, why, agent_id, session_key, message,
                            known_facts, policy_row, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (account_id, message_id) DO UPDATE SET
       why = excluded.why,
       agent_id = excluded.agent_id,
       session_key = excluded.session_key,
       message = excluded.message,
       known_facts = excluded.known_facts,
       policy_row = excluded.policy_row`,
  );
  return ({ message, verdict, route, knownFacts, policyId }, now) => {
    upsert.run(
      message.accountId,
      message.id,
      verdict.why,
      route?.agentId ?? null,
      route?.sessionKey ?? null,
      JSON.stringify(message),
      knownFacts ? JSON.stringify(knownFacts) : null,
      policyId ?? null,
      now,
    );
  };
}

/**
 * Removes an undecided message within a transaction of the caller's, and returns it; `undefined` if
 * it is decided already.
 */
export type TakeUndecided = (accountId: AccountId, messageId: MessageId) => Undecided | undefined;

/** Prepares the statement that removes messages. */
export function prepareTakeUndecided(database: DatabaseSync): TakeUndecided {
  const remove = database.prepare(
    "DELETE FROM undecided WHERE account_id = ? AND message_id = ? RETURNING *",
  );
  return (accountId, messageId) => {
    const row = remove.get(accountId, messageId);
    return row && toUndecided(row);
  };
}

/** The JSON is ours, written by {@link prepareKeepUndecided}. */
const UNDECIDED = rows({
  why: oneOf("pluralkit", "pluralkit-original", "owner-in-guild", "intent-model"),
  agentId: optional(text()),
  sessionKey: optional(text()),
  message: json<InboundMessage>(),
  knownFacts: optional(json<KnownFacts>()),
  policyRow: optional(integer()),
  at: integer(),
});

/**
 * Reads a row of `undecided`.
 *
 * @throws {ZodError} If the row is not as {@link prepareKeepUndecided} wrote it.
 */
export function toUndecided(row: unknown): Undecided {
  const { agentId, sessionKey, policyRow: policyId, ...undecided } = UNDECIDED.read(row);
  const route = agentId !== undefined && sessionKey !== undefined
    ? { agentId, sessionKey }
    : undefined;
  return { ...undecided, route, policyId };
}
