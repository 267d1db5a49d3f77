/**
 * What was overheard in a channel, for the next turn there (H1).
 *
 * Only what a verdict says may be kept is kept, so words of unlisted senders
 * never touch the disk (P10). An account sees only what it has overheard
 * itself: two accounts may have different rules for one channel.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId, ChannelId, MessageId } from "../core/ids.ts";
import { snowflakeSchema } from "../core/snowflake_schema.ts";
import type { Overheard } from "../core/transcript.ts";
import { withoutControls } from "../lib/controls.ts";
import type { Ears } from "./ears.ts";
import type { QuietChannels } from "./quiet_channels.ts";
import type { Pruner } from "./retention.ts";
import { UNNAMED } from "./terms.ts";
import type { Transactions } from "./transact.ts";

export interface Context {
  /**
   * What was overheard in a channel since the newest message of it that the
   * session's transcript holds, and before a message.
   *
   * @returns The newest `limit`, oldest first.
   */
  overheard(
    ears: Ears,
    sessionKey: string,
    before: MessageId,
    limit: number,
  ): Promise<readonly Overheard[]>;
  /**
   * Keeps what was said before anybody listened.
   *
   * @param now Unix time in milliseconds.
   */
  addOverheard(
    accountId: AccountId,
    channelId: ChannelId,
    messages: readonly Overheard[],
    now: number,
  ): Promise<void>;
}

/** Keeps a message within a transaction of the caller's; one that is there stays as it is. */
export type KeepOverheard = (ears: Ears, overheard: Overheard, now: number) => void;

export function prepareKeepOverheard(
  database: DatabaseSync,
  quiet: Pick<QuietChannels, "kept">,
): KeepOverheard {
  const insert = database.prepare(
    `INSERT INTO message
       (account_id, channel_id, digits, message_id, author_id, tag, text, reply_to, sent_at, kept_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  );
  return (ears, { messageId, authorId, tag, text, replyTo, sentAt }, now) => {
    const { accountId, channelId } = ears;
    quiet.kept(ears);
    insert.run(
      accountId,
      channelId,
      messageId.length,
      messageId,
      authorId,
      tag,
      withoutControls(text),
      replyTo ?? null,
      sentAt,
      now,
    );
  };
}

const rowSchema = z.object({
  message_id: snowflakeSchema<"message">(),
  author_id: z.string(),
  tag: z.string(),
  text: z.string(),
  reply_to: snowflakeSchema<"message">().nullable(),
  sent_at: z.number(),
});

/** @param database Open, migrated, and owned by the caller. */
export function createContext(
  database: DatabaseSync,
  { commit, read }: Transactions,
  pruner: Pruner,
  quiet: QuietChannels,
): Context {
  const keep = prepareKeepOverheard(database, quiet);
  // Twice in the statement, and not a CTE: SQLite would fill a table with its one row, in each turn.
  const seen = `COALESCE((
      SELECT message_id FROM entry
      WHERE session_key = :sessionKey AND channel_id = :channelId
      ORDER BY length(message_id) DESC, message_id DESC LIMIT 1
    ), '')`;
  const select = database.prepare(
    `SELECT message_id, author_id, tag, text, reply_to, sent_at FROM message
     WHERE account_id = :accountId AND channel_id = :channelId
       AND (digits, message_id) < (length(:before), :before)
       AND (digits, message_id) > (length(${seen}), ${seen})
     ORDER BY digits DESC, message_id DESC
     LIMIT :limit`,
  );
  const selectLater = database.prepare(
    `SELECT 1 FROM message
     WHERE account_id = ? AND channel_id = ? AND (digits, message_id) > (length(?3), ?3) LIMIT 1`,
  );
  return {
    overheard(ears, sessionKey, before, limit) {
      if (quiet.isQuiet(ears, sessionKey)) return Promise.resolve([]);
      const { accountId, channelId } = ears;
      return read(() => {
        const rows = select.all({ accountId, channelId, sessionKey, before, limit });
        const hasLater = () => selectLater.get(accountId, channelId, before) !== undefined;
        if (rows.length === 0 && !hasLater()) quiet.heardAll(ears, sessionKey);
        return rows.map(readOverheard).toReversed();
      });
    },
    addOverheard: (accountId, channelId, messages, now) =>
      commit(UNNAMED, () => {
        const ears = { accountId, channelId };
        for (const message of messages) keep(ears, message, now);
        pruner.afterBatch(messages.map(() => ears), messages.length, now);
      }),
  };
}

function readOverheard(row: unknown): Overheard {
  const { message_id, author_id, reply_to, sent_at, ...rest } = rowSchema.parse(row);
  return {
    ...rest,
    messageId: message_id,
    authorId: author_id,
    ...(reply_to !== null && { replyTo: reply_to }),
    sentAt: sent_at,
  };
}
