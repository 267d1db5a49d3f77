/**
 * `store.messages`: the record of received messages. It has their verdicts, the policies behind
 * these, the messages sent for each, and the direct channels that they came from.
 */

import type { DatabaseSync } from "node:sqlite";
import {
  type AccountId,
  type ChannelId,
  createdAtMs,
  DISCORD_EPOCH_MS,
  type GuildId,
  type MessageId,
  type UserId,
} from "../../core/discord/ids.ts";
import {
  type InboundMessage,
  type Overheard,
  type Place,
  readable,
  termsOf,
  type Triggered,
} from "../../core/inbound/inbound.ts";
import { ENDED_STATES, type Facts } from "../../core/inbound/inbox.ts";
import type { ResolvedName } from "../../core/names.ts";
import type { TurnCost } from "../../core/spending/budget.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { statementsOf, type Transactions, UNNAMED } from "../database/commits.ts";
import { storedMessage } from "../outbox/outbox.ts";
import {
  account,
  flag,
  integer,
  json,
  oneOf,
  optional,
  rows,
  snowflake,
  text,
} from "../schema/columns.ts";
import {
  MESSAGE_NUMBER,
  OVERHEARD,
  POLICIES_KEPT,
  POLICIES_MAX,
  TURN_STATE,
} from "../schema/messages.ts";
import type { Retention } from "../store.ts";

export function createStoredMessages(transactions: Transactions, retention: Retention) {
  return {
    ...createDecisions(transactions),
    ...createDirectChannels(transactions),
    ...createMessageRecords(transactions),
    ...createRecentTurns(transactions),
    ...createRecentTalk(transactions),
    ...createPolicies(transactions, retention),
    ...createActivity(transactions),
  };
}

const POLICY = rows({
  facts: optional(json<Facts>()), // ours, as all JSON here
  madeAt: optional(integer()),
  file: optional(text()),
  text: optional(text()),
  names: optional(json<readonly ResolvedName[]>()),
});
const FEED = rows({
  facts: optional(json<Facts>()),
  answeredBy: optional(account()), // absent: there is no turn, or it is no longer recorded
  state: optional(TURN_STATE),
  failure: optional(text()),
  unsent: optional(text()), // state of a message of its answer that has not arrived, a lost one first
  asksPerson: flag(),
  isAtDiscord: flag(), // as far as its turn tells
  words: optional(text()), // the beginning of its text
});
const TURN_RECORD = rows({
  accountId: account(),
  agentId: text(),
  sessionKey: text(),
  state: TURN_STATE,
  attempt: integer(),
  acceptedAt: integer(),
  claimedAt: optional(integer()),
  finishedAt: optional(integer()),
  failureId: optional(text()),
  failure: optional(text()),
  turnOf: optional(snowflake<"message">()),
  replyTo: optional(snowflake<"message">()),
  change: optional(oneOf("edited", "deleted")),
  changedAt: optional(integer()),
  revision: integer(), // of the text that the turn has: above 0 if it was edited before its end
  cost: optional(json<TurnCost>()),
  spokenSec: optional(integer()), // of the sound of a spoken message, rounded up (V5)
});
const SENT = rows({
  id: integer(),
  accountId: account(),
  channelId: snowflake<"channel">(),
  kind: optional(text()), // absent for messages that answer no one
  state: text(),
  createdAt: integer(),
  firstAttemptAt: optional(integer()),
  failingSince: optional(integer()),
  messageId: optional(snowflake<"message">()),
  refusal: optional(text()),
  nextAttemptAt: optional(integer()),
  parkedReason: optional(text()), // absent if the channel is not parked
  nextTryAt: optional(integer()),
  behind: optional(integer()),
});
const MESSAGE = rows({ message: storedMessage() });

/** Reads a decision with its facts and its policy; both are absent once they are deleted. */
function toDecisionOnRecord(row: unknown) {
  const { facts, madeAt: at, file, text, names } = POLICY.read(row);
  const policy = at !== undefined && names ? { at, file, text, names } : undefined;
  return { ...VERDICT.read(row), facts, policy };
}

function toTurnOnRecord(row: unknown) {
  const { change: kind, changedAt, ...turn } = TURN_RECORD.read(row);
  return { ...turn, change: kind && { kind, at: changedAt ?? turn.acceptedAt } };
}

function toOutboxOnRecord(row: unknown) {
  const { refusal: reason, nextTryAt, nextAttemptAt, ...sent } = SENT.read(row);
  const { message: { of } } = MESSAGE.read(row);
  const isWaiting = sent.state === "pending" || sent.state === "sending";
  return {
    ...sent,
    part: of?.part,
    parts: of?.parts,
    reason,
    nextAttemptAt: isWaiting ? nextTryAt ?? nextAttemptAt : undefined,
  };
}

const VERDICT = rows({
  id: integer(), // rises with each decision; the next page begins after it
  accountId: account(), // that judged the message
  messageId: snowflake<"message">(),
  channelId: snowflake<"channel">(),
  authorId: snowflake<"user">(), // the sender that policy judged
  verdict: oneOf("accept", "challenge", "undecided", "ignore"),
  why: text(), // as this or an older Barnacle named it: "no-mention"
  rule: text(), // config path of the rule that decided
  at: integer(),
});

export type RecordedVerdict = ReturnType<typeof VERDICT.read>;

/** A verdict with the facts that it was made from, and what became of the message. */
export type JudgedOnRecord = RecordedVerdict & ReturnType<typeof FEED.read>;

/**
 * Reads the verdicts on record: the answer to "why is the bot silent?" (P1).
 *
 * Each verdict names its facts and its policy, so that the same engine can show each of its steps
 * again. The facts contain no text of the message. `store/inbox/inbox.ts` writes the rows.
 */
function createDecisions({ sql, read }: Transactions) {
  const select = sql.rows(VERDICT.read)`SELECT ${VERDICT.columns()} FROM decision
     WHERE id > ? AND verdict NOT IN ('undecided', 'forgotten') ORDER BY id LIMIT ?`;
  const selectNewest = sql`
    SELECT ${VERDICT.columns("d")}, d.facts, i.account_id AS answered_by, i.state, i.failure,
       SUBSTR(i.message ->> '$.text', 1, 200) AS words,
       i.message ->> '$.origin' IS NULL AS is_at_discord,
       EXISTS (SELECT 1 FROM question AS q WHERE q.state = 'open'
         AND q.message_id = COALESCE(i.turn_of, i.message_id)) AS asks_person,
       (SELECT o.state FROM outbox AS o WHERE o.cause_id = COALESCE(i.reply_to, i.message_id)
          AND o.state NOT IN ('sent', 'withdrawn')
        ORDER BY o.state IN ('pending', 'sending') LIMIT 1) AS unsent
     FROM decision AS d LEFT JOIN inbox AS i ON i.message_id = d.message_id
     WHERE d.id < ? AND d.verdict <> 'forgotten' ORDER BY d.id DESC LIMIT ?`;
  return {
    /**
     * The verdicts after a number, oldest first, at most `limit`; 0 starts with the oldest. An
     * undecided message is left out until it is decided.
     */
    verdictsAfter: (id: number, limit: number): Promise<readonly RecordedVerdict[]> =>
      read(() => select.all(id, limit)),
    /** The newest verdicts before a number, the newest first, at most `limit`, with their facts. */
    newestVerdicts: (
      limit: number,
      before: number = Number.MAX_SAFE_INTEGER,
    ): Promise<readonly JudgedOnRecord[]> =>
      read(() =>
        selectNewest.all(before, limit).map((row) => ({ ...VERDICT.read(row), ...FEED.read(row) }))
      ),
  };
}

const RUN = rows({
  messageId: snowflake<"message">(),
  triggered: json<Triggered>(),
  state: TURN_STATE,
  failure: optional(text()),
});
const MESSAGE_ID = rows({ messageId: snowflake<"message">() });
const CAUSE = rows({ causeId: optional(snowflake<"message">()) });

export type OutboxOnRecord = ReturnType<typeof toOutboxOnRecord>;

/** The record of one message. Times are Unix time in milliseconds. */
export interface MessageRecord {
  readonly messageId: MessageId;
  /** One decision of each account that saw the message; none once they are deleted. */
  readonly decisions: readonly ReturnType<typeof toDecisionOnRecord>[];
  /** The message's turn, waiting or not; absent if the message was not accepted. */
  readonly turn?: ReturnType<typeof toTurnOnRecord>;
  /**
   * Messages frozen for it, or for the message with which it was answered. In the order of sending,
   * including drafts and unsent ones.
   */
  readonly outbox: readonly OutboxOnRecord[];
  /** Runs of passive agents that the message has caused, in their order; absent: none (N1). */
  readonly runs?: readonly ReturnType<typeof RUN.read>[];
}

function createMessageRecords({ sql, read }: Transactions) {
  const selectDecisions = sql.rows(toDecisionOnRecord)`
    SELECT ${VERDICT.columns("d")}, d.facts, p.made_at, p.file, p.text, p.names
    FROM decision AS d LEFT JOIN policy AS p ON p.id = d.policy_row
    WHERE d.message_id = ? AND d.verdict <> 'forgotten' ORDER BY d.id`;
  const selectTurn = sql.rows(toTurnOnRecord)`
    SELECT *, COALESCE(message ->> '$.revision', 0) AS revision,
       CAST((message ->> '$.origin.seconds') + 0.999 AS INTEGER) AS spoken_sec FROM inbox WHERE message_id = ?`;
  const selectFailed = sql`
    SELECT message_id FROM inbox WHERE failure_id = ? ORDER BY id DESC LIMIT 1`;
  const selectRuns = sql.rows(RUN.read)`
    SELECT d.message_id, d.facts ->> '$.knownFacts.triggered' AS triggered, i.state, i.failure
     FROM decision AS d JOIN inbox AS i ON i.message_id = d.message_id
     WHERE d.why = 'triggered' AND d.facts ->> '$.knownFacts.triggered.messageId' = ?
     ORDER BY i.id`;
  const selectCause = sql`SELECT cause_id FROM outbox WHERE message_id = ? ORDER BY id LIMIT 1`;
  const selectOutbox = (where: string) =>
    sql`SELECT o.*, p.reason AS parked_reason, p.next_try_at, (
         SELECT MIN(u.id) FROM outbox AS u
         WHERE u.account_id = o.account_id AND u.channel_id = o.channel_id AND u.id < o.id
           AND u.state IN ('pending', 'sending') AND o.state IN ('pending', 'sending')
       ) AS behind
       FROM outbox AS o
       LEFT JOIN parked_channel AS p ON p.account_id = o.account_id AND p.channel_id = o.channel_id
         AND p.is_parked = 1 AND o.state IN ('pending', 'sending')
       WHERE ${where} ORDER BY o.id`;
  const selectAnswers = selectOutbox("o.cause_id = ?");
  const selectOwn = selectOutbox("o.message_id = ?");

  function ofMessage(messageId: MessageId): MessageRecord | undefined {
    const decisions = selectDecisions.all(messageId);
    const turn = selectTurn.get(messageId);
    const answered = turn?.replyTo === undefined ? [messageId] : [messageId, turn.replyTo];
    const outbox = answered.flatMap((id) => selectAnswers.all(id)).map(toOutboxOnRecord);
    if (decisions.length === 0 && !turn && outbox.length === 0) return undefined;
    const runs = selectRuns.all(messageId);
    return { messageId, decisions, turn, outbox, runs: runs.length > 0 ? runs : undefined };
  }

  function ofOwn(messageId: MessageId): MessageRecord | undefined {
    const row = selectCause.get(messageId);
    if (!row) return undefined;
    const { causeId } = CAUSE.read(row);
    if (causeId !== undefined) return ofMessage(causeId);
    return { messageId, decisions: [], outbox: selectOwn.all(messageId).map(toOutboxOnRecord) };
  }

  return {
    /**
     * Finds the record by a message, by one of our own messages that answers it, or by the failure id
     * in a notice. A message of ours that answers no one has a record without decisions.
     *
     * @returns `undefined` if nothing is on record.
     */
    messageRecordOf: (
      asked: { readonly messageId: MessageId } | { readonly failureId: string },
    ): Promise<MessageRecord | undefined> =>
      read(() => {
        if ("messageId" in asked) return ofMessage(asked.messageId) ?? ofOwn(asked.messageId);
        const row = selectFailed.get(asked.failureId);
        return row && ofMessage(MESSAGE_ID.read(row).messageId);
      }),
  };
}

export interface OverheardKey {
  readonly accountId: AccountId;
  /** Channel, thread or direct message channel of the messages. */
  readonly channelId: ChannelId;
}

const STORED = OVERHEARD.without("id", "accountId", "channelId", "keptAt");

/** Prepares the statements for overheard messages, within transactions of the caller's (H1). */
export function prepareOverheard(database: DatabaseSync) {
  const sql = statementsOf(database);
  const ofChannel = "account_id = :accountId AND channel_id = :channelId";
  const insert = OVERHEARD.prepareInsert(database, "ON CONFLICT DO NOTHING");
  const prune = sql`DELETE FROM message WHERE ${ofChannel} AND ${MESSAGE_NUMBER} <= (
    SELECT ${MESSAGE_NUMBER} FROM message WHERE ${ofChannel}
    ORDER BY ${MESSAGE_NUMBER} DESC LIMIT 1 OFFSET :most)`;
  const isIt = `${ofChannel} AND ${MESSAGE_NUMBER} = CAST(:messageId AS INTEGER)`;
  const update = sql`UPDATE message SET tag = :tag, text = :text WHERE ${isIt}`;
  const remove = sql`DELETE FROM message WHERE ${isIt}`;
  const select = sql.rows(STORED.read)`SELECT ${STORED.columns()} FROM message WHERE ${ofChannel}
    AND ${MESSAGE_NUMBER} > CAST(:after AS INTEGER) AND ${MESSAGE_NUMBER} < CAST(:before AS INTEGER)
    ORDER BY ${MESSAGE_NUMBER} DESC LIMIT :limit`;
  const selectNewer = sql`
    SELECT 1 FROM message WHERE ${ofChannel} AND ${MESSAGE_NUMBER} > CAST(:than AS INTEGER) LIMIT 1`;
  return {
    /**
     * Adds messages of one channel. A stored message stays unchanged.
     *
     * @param most Number of the channel's messages to keep: the newest.
     */
    add(key: OverheardKey, messages: readonly Overheard[], most: number, now: number): void {
      for (const message of messages) {
        insert({ ...key, ...message, ...wordsOf(message), keptAt: now });
      }
      prune.run({ ...key, most });
    },
    /** Gives a stored message another text; one that is not stored changes nothing. */
    edit: (key: OverheardKey, message: Overheard): void =>
      void update.run({ ...key, messageId: message.messageId, ...wordsOf(message) }),
    /** Removes messages; those that are not stored change nothing. */
    remove(key: OverheardKey, messageIds: readonly MessageId[]): void {
      for (const messageId of messageIds) remove.run({ ...key, messageId });
    },
    /**
     * Reads the newest messages between two others.
     *
     * @param after If absent, reading begins with the oldest.
     * @returns At most `limit`, oldest first.
     */
    newest: (
      key: OverheardKey,
      { after, before }: { readonly after?: MessageId | undefined; readonly before: MessageId },
      limit: number,
    ): readonly Overheard[] =>
      select.all({ ...keyOf(key), after: after ?? "0", before, limit }).reverse(),
    /** Whether the channel has newer messages than this one. */
    hasNewer: (key: OverheardKey, than: MessageId): boolean =>
      selectNewer.get({ ...keyOf(key), than }) !== undefined,
  };
}

/** Callers may pass a whole message. */
const keyOf = ({ accountId, channelId }: OverheardKey) => ({ accountId, channelId });

const wordsOf = ({ tag, text }: Overheard) => ({
  tag: withoutControls(tag),
  text: withoutControls(text),
});

/** Newest verdicts that are looked at. */
const MAX_RECENT = 20_000;

const SEEN = rows({ channelId: snowflake<"channel">(), at: integer() });
const NEWS = rows({
  channelId: snowflake<"channel">(),
  parentId: snowflake<"channel">(), // of a thread its channel; else the same id
  count: integer(), // messages by others
  isTheirs: flag(), // the person has written there
});

function createActivity({ sql, read }: Transactions) {
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

const ID = rows({ id: integer() });

/**
 * Stores the policies that have judged messages: their config without secrets, and the names that
 * were resolved at the time. A decision names its policy. So `barnacle why` can explain it by the
 * policy of its time, not by today's (P1).
 *
 * @param decisionsDays How long (days) decisions are kept; 0 is for ever.
 */
function createPolicies(
  { sql, commit }: Transactions,
  { decisionsDays }: { readonly decisionsDays: number },
) {
  const upsert = sql`INSERT INTO policy (account_id, hash, file, text, names, made_at, used_at)
     VALUES (:accountId, :hash, :file, :text, :names, :now, :now)
     ON CONFLICT (account_id, hash) DO UPDATE SET used_at = MAX(used_at, excluded.used_at)
     RETURNING id`;
  // A policy was in force until the next one replaced it, and has judged no message since.
  const prune = sql`DELETE FROM policy WHERE id IN (
       SELECT id FROM (
         SELECT id, ROW_NUMBER() OVER newest_first AS place,
                LAG(used_at) OVER newest_first AS replaced_at
         FROM policy WHERE account_id = :accountId
         WINDOW newest_first AS (ORDER BY used_at DESC, id DESC)
       )
       WHERE id <> :id
         AND (place > ${POLICIES_MAX} OR (place > ${POLICIES_KEPT} AND replaced_at < :before))
     )`;
  return {
    /**
     * Stores a policy as the newest one in force.
     *
     * @returns Number of the policy, by which decisions name it; the same for the same hash.
     */
    savePolicy: ({ accountId, hash, file, text, names }: {
      /** The account whose messages it judges. */
      readonly accountId: AccountId;
      /** Hash of its whole content: the same hash is the same policy. */
      readonly hash: string;
      /** Path of its config file; absent without a file. */
      readonly file?: string;
      /** Text of its config, with the secrets blanked; absent without a file. */
      readonly text?: string;
      readonly names: readonly ResolvedName[];
    }, now: number) =>
      commit(UNNAMED, () => { // no wait for the disk: its decisions follow it in the same log
        const { id } = ID.read(upsert.get({
          accountId,
          hash,
          file: file ?? null,
          text: text ?? null,
          names: JSON.stringify(names),
          now,
        }));
        const before = decisionsDays === 0 ? 0 : now - decisionsDays * DAY_MS;
        prune.run({ accountId, id, before });
        return id;
      }),
  };
}

const TALKED = OVERHEARD.without("id", "accountId", "keptAt");
const ASKED = rows({ channelId: snowflake<"channel">(), message: json<InboundMessage>() });
const OWN = rows({
  messageId: snowflake<"message">(),
  channelId: snowflake<"channel">(),
  content: text(),
  askerId: optional(text()),
  causeId: optional(snowflake<"message">()),
});

/** Reads the newest messages of all channels, with the bot's own, for the intent filter (I1). */
function createRecentTalk({ sql, read }: Transactions) {
  const overheard = sql.rows(TALKED.read)`
    SELECT ${TALKED.columns()} FROM (SELECT * FROM message ORDER BY id DESC LIMIT :limit)
    WHERE account_id = :accountId AND sent_at > :since`;
  const asked = sql`
    SELECT channel_id, message FROM (SELECT * FROM inbox ORDER BY id DESC LIMIT :limit)
    WHERE account_id = :accountId AND accepted_at > :since`;
  const own = sql`SELECT o.message_id, o.channel_id, o.message ->> '$.content' AS content,
            i.message ->> '$.sender.id' AS asker_id, o.cause_id
     FROM (SELECT * FROM outbox ORDER BY id DESC LIMIT :limit) AS o
     LEFT JOIN inbox AS i ON i.message_id = o.cause_id
     WHERE o.account_id = :accountId AND o.state = 'sent' AND o.message_id IS NOT NULL AND o.created_at > :since
       AND o.kind IS NOT 'draft'`;

  return {
    /**
     * The newest messages of all channels of an account since a time, oldest first: at most `limit` of
     * those to the bot, of its own, and of all others.
     */
    recentTalk: (
      accountId: AccountId,
      since: number,
      limit: number,
    ): Promise<readonly TalkedMessage[]> =>
      read(() => {
        const given = { accountId, since, limit };
        const found: TalkedMessage[] = [
          ...overheard.all(given).map((row): TalkedMessage => {
            const { messageId: id, authorId, tag, replyTo, ...rest } = row;
            return {
              kind: "person",
              id,
              sender: { id: authorId, username: tag },
              replyTo,
              ...rest,
            };
          }),
          ...asked.all(given).flatMap((row): readonly TalkedMessage[] => {
            const { channelId, message } = ASKED.read(row);
            if (!termsOf(message).isTyped) return []; // no person wrote it there
            const { id, sender, sentAt, mention, quoted } = message;
            const text = readable(message.text, message.names);
            const replyTo = quoted?.id;
            return [{ kind: "person", id, channelId, sender, text, sentAt, mention, replyTo }];
          }),
          ...own.all(given).map((row): TalkedMessage => {
            const { messageId: id, channelId, content: text, askerId, causeId } = OWN.read(row);
            const to = askerId as UserId | undefined; // as the inbox has it
            const sentAt = createdAtMs(id);
            return { kind: "own", id, channelId, text, sentAt, to, answers: causeId };
          }),
        ];
        return found.sort((a, b) => a.sentAt - b.sentAt);
      }),
  };
}

const TURN = rows({
  messageId: snowflake<"message">(),
  accountId: account(),
  channelId: snowflake<"channel">(),
  guildId: optional(snowflake<"guild">()),
  senderId: optional(text()),
  sender: optional(text()),
  place: optional(json<Place>()), // ours
  state: oneOf(...ENDED_STATES),
  acceptedAt: integer(),
  finishedAt: integer(),
  failure: optional(text()),
  cost: optional(json<TurnCost>()),
});

/** A turn that has ended, in a list; without sender and place if the message is forgotten. */
export type RecentTurn = ReturnType<typeof TURN.read>;

const NAME = rows({ id: text(), name: text() });

/** Newest messages from which names are read: all of them would take seconds in a large store. */
const NAMED_BY = 20_000;

/**
 * Reads the newest turns that have ended, and the names of the people who asked, for the operator's
 * lists. Several messages that one turn has answered are one turn.
 */
function createRecentTurns({ sql, read }: Transactions) {
  const select = sql`
    SELECT message_id, account_id, channel_id, message ->> '$.guildId' AS guild_id,
            message ->> '$.sender.id' AS sender_id, message ->> '$.sender.username' AS sender,
            message ->> '$.place' AS place, state, accepted_at, finished_at, failure, cost
     FROM inbox WHERE finished_at IS NOT NULL AND turn_of IS NULL ORDER BY id DESC LIMIT ?`;
  const selectNames = sql`
    SELECT message ->> '$.sender.id' AS id, message ->> '$.sender.username' AS name, MAX(id) AS at
     FROM (SELECT id, message FROM inbox ORDER BY id DESC LIMIT ${NAMED_BY})
     WHERE message ->> '$.sender.username' IS NOT NULL GROUP BY 1`;
  return {
    /** The newest turns that have ended, the newest first, at most `limit`. */
    recentTurns: (limit: number): Promise<readonly RecentTurn[]> =>
      read(() => select.all(limit).map(TURN.read)),
    /** The newest username of each person whose question is stored, by the person's id. */
    askersNames: (): Promise<ReadonlyMap<string, string>> =>
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

/**
 * Stores the direct channels in which a sender was ever accepted or paired.
 *
 * Discord never lists a bot's direct channels, so catch-up can read only the stored ones (G6).
 */
export function prepareKeepDirectChannel(
  database: DatabaseSync,
): (message: Pick<InboundMessage, "accountId" | "channelId" | "sentAt" | "place">) => void {
  const sql = statementsOf(database);
  const upsert = sql`INSERT INTO direct_channel (account_id, channel_id, active_at, is_group)
     VALUES (?, ?, ?, ?)
     ON CONFLICT (account_id, channel_id) DO UPDATE SET
       active_at = MAX(active_at, excluded.active_at),
       is_group = excluded.is_group`;
  return ({ accountId, channelId, sentAt, place }) => {
    upsert.run(accountId, channelId, sentAt, place.kind === "group_dm" ? 1 : 0);
  };
}

const CHANNEL = rows({ channelId: snowflake<"channel">() });

function createDirectChannels({ sql, read }: Transactions) {
  const select = sql`SELECT channel_id FROM direct_channel WHERE account_id = ?
     ORDER BY active_at DESC, length(channel_id) DESC, channel_id DESC`;
  const selectGroup = sql`
    SELECT 1 FROM direct_channel WHERE account_id = ? AND channel_id = ? AND is_group = 1`;
  return {
    /**
     * Whether a direct channel is a group. Its history does not tell, and no code may go to a group
     * (P5).
     */
    isGroupChannel: (accountId: AccountId, channelId: ChannelId) =>
      read(() => selectGroup.get(accountId, channelId) !== undefined),
    /** Direct channels of an account, with the newest activity first. */
    directChannels: (accountId: AccountId): Promise<readonly ChannelId[]> =>
      read(() => select.all(accountId).map((row) => CHANNEL.read(row).channelId)),
  };
}

/** A stored message, as far as a conversation's state depends on it. */
export type TalkedMessage =
  & { readonly id: MessageId; readonly channelId: ChannelId }
  & Pick<InboundMessage, "text" | "sentAt">
  & (
    | {
      readonly kind: "person";
      readonly sender: { readonly id: UserId; readonly username: string };
      readonly mention?: InboundMessage["mention"];
      readonly replyTo?: MessageId;
      readonly forwards?: MessageId;
    }
    /** `to`: the person whom it answers, with the message `answers`. */
    | { readonly kind: "own"; readonly to?: UserId; readonly answers?: MessageId }
  );
