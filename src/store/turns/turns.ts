/**
 * `store.turns`: the transcript of a session and overheard messages, which a turn reads, the steps of
 * a turn (TS), and its end (T3).
 */

import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import { createReactions } from "./reactions.ts";
import type { AnswerThread } from "../../core/outbound/target.ts";
import type { Overheard } from "../../core/inbound/transcript.ts";
import type { OverheardKey } from "../messages/message_blocks.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/durability.ts";
import type { createQuietChannels, Memory } from "../memory/memory.ts";
import { type MessageBlocks, prepareMessageBlocks } from "../messages/message_blocks.ts";
import type { Pruner } from "../messages/retention.ts";
import { optional, rows, snowflake, text } from "../schema/columns.ts";
import { ANSWER_THREAD, THREADS_MAX } from "../schema/people.ts";
import type { TranscriptRows } from "./transcripts.ts";
import { createSteps, createTurnEnds, type TurnTables } from "./turn_ends.ts";

export function createTurns(
  transactions: Transactions,
  memory: Memory,
  pruner: Pruner,
  transcripts: TranscriptRows,
  tables: TurnTables,
) {
  const { entriesOf } = transcripts;
  return {
    ...createContext(transactions, memory, pruner),
    ...createAnswerThreads(transactions),
    ...createReactions(transactions),
    entriesOf,
    ...createSteps(transactions, memory, tables),
    ...createTurnEnds(transactions, memory, transcripts, tables),
  };
}

const THREAD = ANSWER_THREAD.pick("threadId", "channelId", "askerId", "title", "state");
/** A thread has the id of the message whose answer opened it. */
const AGENT = rows({ agentId: optional(text()) });
const SELECT_THREAD = `SELECT ${THREAD.columns()},
  (SELECT agent_id FROM inbox WHERE message_id = answer_thread.thread_id) AS agent_id
  FROM answer_thread`;

const toThread = (row: unknown): AnswerThread => ({ ...THREAD.read(row), ...AGENT.read(row) });

/**
 * Stores the threads that answers open (S7).
 *
 * The row comes before the request to Discord. So a turn that a crash repeats asks for the same
 * thread, and messages in it are recognized.
 */
function createAnswerThreads({ database, sql, commit, read }: Transactions) {
  const selectNewest = sql.rows(toThread)`${SELECT_THREAD}
     WHERE account_id = ? AND has_asker = 1 AND state <> 'refused' ORDER BY at DESC LIMIT ?`;
  const selectOne = sql.rows(toThread)`${SELECT_THREAD} WHERE account_id = ? AND thread_id = ?`;
  const insert = ANSWER_THREAD.prepareInsert(database, "ON CONFLICT DO NOTHING");
  // Discord has the title, which may have words of others (X5, H6a).
  const end = sql`
    UPDATE answer_thread SET state = ?, title = '' WHERE account_id = ? AND thread_id = ?`;
  const setAsker = sql`
    UPDATE answer_thread SET has_asker = ? WHERE account_id = ? AND thread_id = ?`;
  const prune = sql`DELETE FROM answer_thread WHERE account_id = :accountId AND at < (
       SELECT at FROM answer_thread WHERE account_id = :accountId
       ORDER BY at DESC LIMIT 1 OFFSET ${THREADS_MAX}
     )`;
  return {
    /** The newest threads of an account that have their asker, oldest first. */
    answerThreads: (accountId: AccountId, limit: number): Promise<readonly AnswerThread[]> =>
      read(() => selectNewest.all(accountId, limit).reverse()),
    /** A thread; `undefined` if no answer has asked for it. */
    answerThread: (accountId: AccountId, threadId: ChannelId): Promise<AnswerThread | undefined> =>
      read(() => selectOne.get(accountId, threadId)),
    /** Stores a thread before the request to Discord. A known one stays unchanged. */
    beginThread: (accountId: AccountId, thread: AnswerThread, now: number) =>
      commit(UNNAMED, () => {
        insert({ ...thread, accountId, title: withoutControls(thread.title), at: now });
        prune.run({ accountId });
      }),
    /** Stores Discord's answer. */
    endThread: (
      accountId: AccountId,
      threadId: ChannelId,
      state: Exclude<AnswerThread["state"], "opening">,
    ): Promise<void> => commit(UNNAMED, () => void end.run(state, accountId, threadId)),
    setAskerIn: (accountId: AccountId, threadId: ChannelId, isIn: boolean): Promise<void> =>
      commit(UNNAMED, () => void setAsker.run(isIn ? 1 : 0, accountId, threadId)),
  };
}

/**
 * Stores overheard messages of a channel, for the next turn there (H1).
 *
 * Only messages whose verdict allows it are kept, so the text of unlisted senders never reaches the
 * disk (P10). An account sees only messages that it has overheard itself, because two accounts may
 * have different rules for one channel.
 *
 * Prepares the keeping of messages with distinct ids, within a transaction of the caller's. A stored
 * message stays unchanged.
 *
 * @param perChannel Maximum number of messages of a channel.
 */
export function prepareKeepOverheard(
  blocks: MessageBlocks,
  quiet: ReturnType<typeof createQuietChannels>,
  perChannel: number,
) {
  return (key: OverheardKey, messages: readonly Overheard[], now: number): void => {
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

const SEEN = rows({ messageId: snowflake<"message">() });

function createContext(
  { database, sql, commit, read }: Transactions,
  { quiet }: Memory,
  pruner: Pruner,
) {
  const blocks = prepareMessageBlocks(database);
  const keep = prepareKeepOverheard(blocks, quiet, pruner.contextPerChannel);
  const selectSeen = sql`SELECT message_id FROM (
       SELECT message_id FROM (
         SELECT role, channel_id, message_id FROM entry
         WHERE session_key = :sessionKey ORDER BY id DESC LIMIT ${SEARCHED_ENTRIES}
       )
       WHERE role = 'user' AND channel_id = :channelId
       LIMIT ${SEEN_QUESTIONS}
     )
     ORDER BY length(message_id) DESC, message_id DESC LIMIT 1`;

  return {
    /**
     * Overheard messages of a channel, before a message and after the newest one of the channel in
     * the session's transcript.
     *
     * @returns The newest `limit`, oldest first.
     */
    overheard(
      key: OverheardKey,
      sessionKey: string,
      before: MessageId,
      limit: number,
    ): Promise<readonly Overheard[]> {
      if (limit === 0 || quiet.isQuiet(key, sessionKey)) return Promise.resolve([]);
      return read(() => {
        const { channelId } = key;
        const row = selectSeen.get({ sessionKey, channelId });
        const after = row && SEEN.read(row).messageId;
        const messages = blocks.newest(key, { after: after || undefined, before }, limit);
        const isAll = messages.length === 0 && !blocks.mayHaveNewer(key, before);
        if (isAll) quiet.allRead(key, sessionKey);
        return messages;
      });
    },
    /** Keeps messages that were written before the bot listened to the channel. */
    addOverheard: (
      accountId: AccountId,
      channelId: ChannelId,
      messages: readonly Overheard[],
      now: number,
    ) =>
      commit(UNNAMED, () => {
        if (messages.length === 0) return;
        const key = { accountId, channelId };
        const distinct = firstOfEach(messages);
        keep(key, distinct, now);
        pruner.afterBatch([{ key, count: distinct.length }], distinct.length, now);
      }),
  };
}

function firstOfEach(messages: readonly Overheard[]): readonly Overheard[] {
  const ids = new Set<MessageId>();
  return messages.filter(({ messageId }) => !ids.has(messageId) && ids.add(messageId));
}
