/**
 * Where people were active on servers, by the verdicts on their messages and by their reactions: a
 * catch-up begins there (T17). No message's words are read.
 */

import {
  type AccountId,
  DISCORD_EPOCH_MS,
  type GuildId,
  type MessageId,
  type UserId,
} from "../../core/discord/ids.ts";
import type { Transactions } from "../database/transact.ts";
import { flag, integer, rows, snowflake } from "../schema/columns.ts";

/** Newest verdicts that are looked at. */
const MAX_RECENT = 20_000;

const SEEN = rows({ channelId: snowflake<"channel">(), at: integer() });
const NEWS = rows({
  channelId: snowflake<"channel">(),
  parentId: snowflake<"channel">(), // of a thread its channel; else the same id
  count: integer(), // messages by others
  isTheirs: flag(), // the person has written there
});

export function createActivity({ sql, read }: Transactions) {
  const recent = `(SELECT * FROM decision ORDER BY id DESC LIMIT ${MAX_RECENT})`;
  const seen = sql.rows(SEEN.read)`
    SELECT channel_id, MAX(at) AS at FROM (
      SELECT channel_id, (CAST(message_id AS INTEGER) >> 22) + ${DISCORD_EPOCH_MS} AS at
      FROM ${recent}
      WHERE account_id = :accountId AND author_id = :userId AND why NOT IN ('caught-up', 'command-cut')
      UNION ALL SELECT channel_id, at FROM reaction
      WHERE account_id = :accountId AND user_id = :userId
    ) GROUP BY channel_id ORDER BY at DESC`;
  // The facts of a group are those of its newest row.
  const news = sql.rows(NEWS.read)`
    SELECT channel_id, facts ->> '$.place.channel.id' AS parent_id, count, is_theirs FROM (
      SELECT channel_id, facts, MAX(id), SUM(author_id = :userId) > 0 AS is_theirs,
        SUM(author_id <> :userId AND message_id > :after) AS count
      FROM ${recent} WHERE account_id = :accountId AND why NOT IN ('caught-up', 'command-cut') GROUP BY channel_id
    ) WHERE count > 0 AND facts ->> '$.place.guild.id' = :guildId`;
  return {
    /** The channels in which a person wrote or reacted, each with the last time; the latest first. */
    seen: (accountId: AccountId, userId: UserId) => read(() => seen.all({ accountId, userId })),
    /** The channels and threads of a server in which others wrote after a message. */
    newsOf: (
      given: {
        readonly accountId: AccountId;
        readonly guildId: GuildId;
        readonly userId: UserId;
        readonly after: MessageId;
      },
    ) => read(() => news.all(given)),
  };
}
