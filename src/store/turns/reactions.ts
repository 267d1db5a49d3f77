/**
 * Stores reactions to messages, for the next turn in their channel (H5).
 *
 * Each reaction has one row with its last change, so a person who adds and removes it a thousand
 * times costs one row. The rows of a channel are bounded, and so are all rows together.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf, UNNAMED } from "../database/durability.ts";
import { type AccountId, type MessageId } from "../../core/discord/ids.ts";
import type {
  PermittedReaction,
  ReactionNote,
  ReactionRecord,
  ReactionsCleared,
} from "../../core/inbound/events.ts";
import { withoutPersonal } from "../../core/outbound/outbound.ts";
import { bounded, withoutControls } from "../../lib/text/quoted.ts";
import type { Transactions } from "../database/durability.ts";
import type { OverheardKey } from "../messages/message_blocks.ts";
import { integer, oneOf, rows, snowflake, text } from "../schema/columns.ts";
import { REACTIONS_MAX, REACTIONS_PER_CHANNEL } from "../schema/messages.ts";

/** Maximum UTF-16 units of the message that a turn sees of each reaction. */
const QUOTE_CHARS = 120;

const REACTION = rows({
  messageId: snowflake<"message">(),
  userId: snowflake<"user">(),
  tag: text(),
  emoji: text(),
  change: oneOf("added", "removed"),
  at: integer(),
});
const KEPT = rows({ tag: text(), change: oneOf("added", "removed") });
const TEXT = rows({ text: text() });
const AUTHOR = rows({ authorId: text() });

/** Keeps reactions within a transaction of the caller's (T1). */
export function prepareKeepReactions(
  database: DatabaseSync,
): (accountId: AccountId, records: readonly ReactionRecord[], now: number) => void {
  const sql = statementsOf(database);
  const selectKept = sql`SELECT tag, change FROM reaction
     WHERE account_id = ? AND message_id = ? AND user_id = ? AND emoji = ?`;
  const isPaired = sql`SELECT 1 FROM paired WHERE account_id = ? AND user_id = ?`;
  const isOwn = sql`SELECT 1 FROM outbox WHERE message_id = ? AND account_id = ?`;
  const isGroup = sql`
    SELECT 1 FROM direct_channel WHERE account_id = ? AND channel_id = ? AND is_group = 1`;
  const put = sql`INSERT OR REPLACE INTO reaction
       (account_id, channel_id, message_id, user_id, tag, emoji, change, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
  const clear = sql`DELETE FROM reaction
     WHERE account_id = ? AND message_id = ? AND (emoji = ? OR ? IS NULL)`;
  const pruneChannel = sql`
    DELETE FROM reaction WHERE account_id = :accountId AND channel_id = :channelId AND id <= (
      SELECT id FROM reaction WHERE account_id = :accountId AND channel_id = :channelId
      ORDER BY id DESC LIMIT 1 OFFSET ${REACTIONS_PER_CHANNEL}
    )`;
  const pruneAll = sql`
    DELETE FROM reaction WHERE id <= (SELECT MAX(id) FROM reaction) - ${REACTIONS_MAX}`;

  /** @returns The person's name; `undefined` if the reaction is not to be kept, or is a replay. */
  function nameToKeep(accountId: AccountId, reaction: PermittedReaction): string | undefined {
    const { change, channelId, messageId, userId, emoji, tag, onlyIf } = reaction;
    const row = selectKept.get(accountId, messageId, userId, emoji);
    const kept = row && KEPT.read(row);
    if (onlyIf.isKnown && !kept) return undefined;
    if (kept?.change === change) return undefined;
    if (onlyIf.isPaired && !isPaired.get(accountId, userId)) return undefined;
    if (onlyIf.isOwn && !isOwn.get(messageId, accountId)) return undefined;
    if (isGroup.get(accountId, channelId)) return undefined; // its rules need the group's name
    return tag || kept?.tag || "";
  }

  return (accountId, records, now) => {
    const channels = new Map<string, OverheardKey>();
    const { cleared, changed } = lastOfEach(records);
    for (const { messageId, emoji = null } of cleared) {
      clear.run(accountId, messageId, emoji, emoji);
    }
    for (const record of changed) {
      const { channelId, messageId, userId, emoji, change } = record;
      const tag = nameToKeep(accountId, record);
      if (tag === undefined) continue;
      put.run(
        accountId,
        channelId,
        messageId,
        userId,
        withoutControls(tag),
        withoutControls(emoji),
        change,
        now,
      );
      channels.set(channelId, { accountId, channelId });
    }
    for (const key of channels.values()) pruneChannel.run({ ...key });
    if (channels.size > 0) pruneAll.run();
  };
}

/**
 * Keeps of each reaction the last change, and of each channel only as many as the table does. So a
 * flood costs a bounded number of rows.
 */
function lastOfEach(records: readonly ReactionRecord[]): {
  readonly cleared: readonly ReactionsCleared[];
  readonly changed: readonly PermittedReaction[];
} {
  const cleared = new Map<string, ReactionsCleared>();
  const last = new Map<string, PermittedReaction>();
  for (const record of records) {
    if ("kind" in record) {
      cleared.set(`${record.messageId} ${record.emoji}`, record);
      for (const [name, { messageId, emoji }] of last) {
        if (messageId === record.messageId && (record.emoji ?? emoji) === emoji) last.delete(name);
      }
      continue;
    }
    const name = `${record.messageId} ${record.userId} ${record.emoji}`;
    const before = last.get(name);
    last.delete(name); // so that the new one is the last
    // The addition is not in the table, and has the name and the permission of the person.
    const { change } = record;
    last.set(name, change === "removed" && before ? { ...before, change } : record);
  }
  const counts = new Map<string, number>();
  const changed = [...last.values()].reverse().filter(({ channelId }) => {
    const count = counts.get(channelId) ?? 0;
    counts.set(channelId, count + 1);
    return count < REACTIONS_PER_CHANNEL;
  });
  return { cleared: [...cleared.values()], changed: changed.reverse() };
}

export function createReactions({ sql, commit, read }: Transactions) {
  const isFree = `account_id = :accountId AND channel_id = :channelId AND (
    shown_in IS NULL OR shown_in = :messageId
    OR EXISTS (SELECT 1 FROM inbox WHERE message_id = shown_in AND state = 'failed'))`;
  const hasFree = sql`SELECT 1 FROM reaction WHERE ${isFree} LIMIT 1`;
  const claim = sql`UPDATE reaction SET shown_in = :messageId WHERE ${isFree}`;
  const select = sql`SELECT message_id, user_id, tag, emoji, change, at FROM reaction
     WHERE account_id = :accountId AND channel_id = :channelId AND shown_in = :messageId
     ORDER BY id`;
  const selectOwn = sql`
    SELECT message ->> 'content' AS text FROM outbox WHERE message_id = ? AND account_id = ?`;
  const selectAsked = sql`
    SELECT message ->> 'text' AS text, message ->> '$.sender.id' AS author_id FROM inbox
    WHERE message_id = ? AND channel_id = ?`;
  const selectOverheard = sql`
    SELECT text, author_id FROM message WHERE account_id = :accountId AND channel_id = :channelId
      AND message_id = :messageId`;

  function quoteOf(key: OverheardKey, messageId: MessageId): ReactionNote["message"] {
    const own = selectOwn.get(messageId, key.accountId);
    if (own) return { by: "bot", text: clipped(own) };
    const other = selectAsked.get(messageId, key.channelId) ??
      selectOverheard.get({ ...key, messageId });
    return other && { by: "other", authorId: AUTHOR.read(other).authorId, text: clipped(other) };
  }

  function readFor(key: OverheardKey, messageId: MessageId): readonly ReactionNote[] {
    const { accountId, channelId } = key;
    const at = { accountId, channelId, messageId };
    claim.run(at);
    const quotes = new Map<MessageId, ReactionNote["message"]>();
    return select.all(at).map((row): ReactionNote => {
      const reaction = REACTION.read(row);
      const { messageId: of } = reaction;
      if (!quotes.has(of)) quotes.set(of, quoteOf(key, of));
      return { ...reaction, message: quotes.get(of) };
    });
  }

  return {
    /**
     * The newest reactions of a channel that no earlier turn has seen, oldest first. They belong to
     * the turn of a message from now on: a repeated turn of the message sees them again, and so does
     * the next turn if this one fails.
     */
    async reactionsFor(
      { accountId, channelId }: OverheardKey,
      messageId: MessageId,
    ): Promise<readonly ReactionNote[]> {
      const key = { accountId, channelId };
      const isDue = await read(() => hasFree.get({ ...key, messageId }) !== undefined);
      return isDue ? await commit(UNNAMED, () => readFor(key, messageId)) : [];
    },
  };
}

function clipped(row: unknown): string {
  return bounded(withoutPersonal(TEXT.read(row).text), QUOTE_CHARS);
}
