/**
 * Reads the newest turns that have ended, and the names of the people who asked, for the operator's
 * lists.
 */

import type { DatabaseSync } from "node:sqlite";
import type { RecentTurns } from "../../core/store/received.ts";
import type { TurnCost } from "../../core/spending/usage.ts";
import type { Place } from "../../core/inbound/inbound.ts";
import type { Transactions } from "../database/transact.ts";
import {
  account,
  integer,
  json,
  oneOf,
  optional,
  rows,
  snowflake,
  text,
} from "../schema/columns.ts";

const TURN = rows({
  messageId: snowflake<"message">(),
  accountId: account(),
  channelId: snowflake<"channel">(),
  guildId: optional(snowflake<"guild">()),
  senderId: optional(text()),
  sender: optional(text()),
  place: optional(json<Place>()), // ours
  state: oneOf(
    "answered",
    "declined",
    "refused",
    "failed",
    "cancelled",
    "stopped",
    "interrupted",
  ),
  acceptedAt: integer(),
  finishedAt: integer(),
  failure: optional(text()),
  cost: optional(json<TurnCost>()),
});

const NAME = rows({ id: text(), name: text() });

/** Newest messages from which names are read: all of them would take seconds in a large store. */
const NAMED_BY = 20_000;

/** Creates the reader. Several messages that one turn has answered are one turn. */
export function createRecentTurns(
  database: DatabaseSync,
  { read }: Transactions,
): RecentTurns {
  const select = database.prepare(
    `SELECT message_id, account_id, channel_id, message ->> '$.guildId' AS guild_id,
            message ->> '$.sender.id' AS sender_id, message ->> '$.sender.username' AS sender,
            message ->> '$.place' AS place, state, accepted_at, finished_at, failure, cost
     FROM inbox WHERE finished_at IS NOT NULL AND turn_of IS NULL ORDER BY id DESC LIMIT ?`,
  );
  const selectNames = database.prepare(
    `SELECT message ->> '$.sender.id' AS id, message ->> '$.sender.username' AS name, MAX(id) AS at
     FROM (SELECT id, message FROM inbox ORDER BY id DESC LIMIT ${NAMED_BY})
     WHERE message ->> '$.sender.username' IS NOT NULL GROUP BY 1`,
  );
  return {
    recentTurns: (limit) => read(() => select.all(limit).map(TURN.read)),
    askersNames: () =>
      read(() =>
        new Map(
          selectNames.all().map((row) => {
            const { id, name } = NAME.read(row);
            return [id, name];
          }),
        )
      ),
  };
}
