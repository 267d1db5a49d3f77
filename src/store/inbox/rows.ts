/**
 * Adds accepted messages to the inbox, within the transaction that stores their verdicts (T1).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Route } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { ClaimQueue } from "../memory/claim_queue.ts";

/**
 * Adds a message within a transaction of the caller's.
 *
 * @returns Whether it was new. If two accounts accept one message, the first one answers it (G7).
 */
export type AddToInbox = (message: InboundMessage, route: Route, now: number) => boolean;

/**
 * Prepares the statement for the inbox.
 *
 * @param queue Queue with the messages whose turn began before they reached the tables.
 */
export function prepareAddToInbox(
  database: DatabaseSync,
  queue: Pick<ClaimQueue, "stored">,
): AddToInbox {
  const insert = database.prepare(
    `INSERT INTO inbox (message_id, account_id, channel_id, agent_id, session_key, message,
                        accepted_at, state, attempt, claimed_at, turn_of)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (message_id) DO NOTHING`,
  );
  return (message, { agentId, sessionKey }, now) => {
    const { id, accountId, channelId } = message;
    const text = JSON.stringify(message);
    const running = queue.stored(id);
    const claim = running
      ? ["running", running.attempt, now, running.turnOf ?? null]
      : ["waiting", 0, null, null];
    return insert.run(id, accountId, channelId, agentId, sessionKey, text, now, ...claim)
      .changes === 1;
  };
}
