/**
 * Messages whose verdict waits for a fact, as rows with all that the message
 * says: once the fact is there, it is judged again.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId, MessageId } from "../../core/discord/ids.ts";
import type { Judged, Route } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { KnownFacts } from "../../core/inbound/known_facts.ts";
import type { UndecidedReason } from "../../core/inbound/verdict.ts";

/** A message that is still to be decided. */
export interface Undecided {
  readonly message: InboundMessage;
  readonly why: UndecidedReason;
  readonly route?: Route;
  readonly moment?: KnownFacts;
  readonly policyId?: number;
  /** Unix time in milliseconds at which it came. */
  readonly at: number;
}

/** Keeps one within a transaction of the caller's; one that is there stays as old as it is. */
export type KeepUndecided = (judged: Judged, now: number) => void;

export function prepareKeepUndecided(database: DatabaseSync): KeepUndecided {
  const upsert = database.prepare(
    `INSERT INTO undecided (account_id, message_id, why, agent_id, session_key, message, moment,
                            policy_row, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (account_id, message_id) DO UPDATE SET
       why = excluded.why,
       agent_id = excluded.agent_id,
       session_key = excluded.session_key,
       message = excluded.message,
       moment = excluded.moment,
       policy_row = excluded.policy_row`,
  );
  return ({ message, verdict, route, moment, policyId }, now) => {
    upsert.run(
      message.accountId,
      message.id,
      verdict.why,
      route?.agentId ?? null,
      route?.sessionKey ?? null,
      JSON.stringify(message),
      moment ? JSON.stringify(moment) : null,
      policyId ?? null,
      now,
    );
  };
}

/** Takes one away within a transaction of the caller's; `undefined` where it is decided. */
export type TakeUndecided = (
  accountId: AccountId,
  messageId: MessageId,
) => Undecided | undefined;

export function prepareTakeUndecided(database: DatabaseSync): TakeUndecided {
  const remove = database.prepare(
    "DELETE FROM undecided WHERE account_id = ? AND message_id = ? RETURNING *",
  );
  return (accountId, messageId) => {
    const row = remove.get(accountId, messageId);
    return row && toUndecided(row);
  };
}

/** What is JSON is ours, written by {@link prepareKeepUndecided}. */
const rowSchema = z.object({
  why: z.enum(["pluralkit", "pluralkit-original"]),
  agent_id: z.string().nullable(),
  session_key: z.string().nullable(),
  message: z.string().transform((text): InboundMessage => JSON.parse(text)),
  moment: z.string().transform((text): KnownFacts => JSON.parse(text)).nullable(),
  policy_row: z.number().nullable(),
  at: z.number(),
});

export function toUndecided(row: unknown): Undecided {
  const { why, agent_id, session_key, message, moment, policy_row, at } = rowSchema.parse(row);
  return {
    message,
    why,
    ...(agent_id !== null && session_key !== null && {
      route: { agentId: agent_id, sessionKey: session_key },
    }),
    ...(moment && { moment }),
    ...(policy_row !== null && { policyId: policy_row }),
    at,
  };
}
