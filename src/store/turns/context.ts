/**
 * Stores overheard messages of a channel, for the next turn there (H1).
 *
 * Only messages whose verdict allows it are kept, so the text of unlisted senders never reaches the
 * disk (P10). An account sees only messages that it has overheard itself, because two accounts may
 * have different rules for one channel.
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { MessageId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Overheard } from "../../core/inbound/transcript.ts";
import type { Memory } from "../memory/memory.ts";
import { type MessageBlocks, prepareMessageBlocks } from "../received/message_blocks.ts";
import type { QuietChannels } from "../memory/quiet_channels.ts";
import type { Pruner } from "../received/retention.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { OverheardContext, OverheardKey } from "../../core/store/turns.ts";

/**
 * Keeps messages of one channel, with distinct ids, within a transaction of the caller's. A stored
 * message stays unchanged.
 */
export type KeepOverheard = (
  key: OverheardKey,
  messages: readonly Overheard[],
  now: number,
) => void;

/**
 * Prepares the keeping of messages.
 *
 * @param perChannel Maximum number of messages of a channel.
 */
export function prepareKeepOverheard(
  blocks: Pick<MessageBlocks, "add">,
  quiet: Pick<QuietChannels, "kept">,
  perChannel: number,
): KeepOverheard {
  return (key, messages, now) => {
    quiet.kept(key);
    blocks.add(key, messages, perChannel, now);
  };
}

/**
 * Number of a channel's last questions of which the newest message is looked for. A caught-up
 * message may be older than the one that was answered before it. If more of them come after a newer
 * message, context is shown once more.
 */
const SEEN_QUESTIONS = 32;
/** Number of the session's last entries among which they are. */
const SEARCHED_ENTRIES = 1_024;

const seenSchema = z.object({ message_id: snowflakeSchema<"message">() });

/** Creates the storage of context. */
export function createContext(
  database: DatabaseSync,
  { commit, read }: Transactions,
  { quiet }: Pick<Memory, "quiet">,
  pruner: Pruner,
): OverheardContext {
  const blocks = prepareMessageBlocks(database);
  const keep = prepareKeepOverheard(blocks, quiet, pruner.contextPerChannel);
  const selectSeen = database.prepare(
    `SELECT message_id FROM (
       SELECT message_id FROM (
         SELECT role, channel_id, message_id FROM entry
         WHERE session_key = :sessionKey ORDER BY id DESC LIMIT ${SEARCHED_ENTRIES}
       )
       WHERE role = 'user' AND channel_id = :channelId
         AND (:before IS NULL OR length(message_id) < length(:before)
              OR length(message_id) = length(:before) AND message_id < :before)
       LIMIT ${SEEN_QUESTIONS}
     )
     ORDER BY length(message_id) DESC, message_id DESC LIMIT 1`,
  );

  return {
    overheard(key, sessionKey, before, limit, isAgain = false) {
      if (limit === 0 || !isAgain && quiet.isQuiet(key, sessionKey)) return Promise.resolve([]);
      return read(() => {
        const { channelId } = key;
        const row = selectSeen.get({ sessionKey, channelId, before: isAgain ? before : null });
        const after = row && seenSchema.parse(row).message_id;
        const messages = blocks.newest(key, { after: after || undefined, before }, limit);
        const isAll = !isAgain && messages.length === 0 && !blocks.mayHaveNewer(key, before);
        if (isAll) quiet.allRead(key, sessionKey);
        return messages;
      });
    },
    addOverheard: (accountId, channelId, messages, now) =>
      commit(UNNAMED, () => {
        if (messages.length === 0) return;
        const key = { accountId, channelId };
        const distinct = firstOfEach(messages);
        keep(key, distinct, now);
        pruner.afterBatch([{ key, count: distinct.length }], distinct.length, now);
      }),
  };
}

/** The first message of each id. */
function firstOfEach(messages: readonly Overheard[]): readonly Overheard[] {
  const ids = new Set<MessageId>();
  return messages.filter(({ messageId }) => !ids.has(messageId) && ids.add(messageId));
}
