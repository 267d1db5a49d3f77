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
import type { InboundMessage, Place } from "../../core/inbound/inbound.ts";
import { ENDED_STATES } from "../../core/inbound/inbox.ts";
import { readable } from "../../core/inbound/mentions.ts";
import type { ResolvedName } from "../../core/names.ts";
import type { TurnCost } from "../../core/spending/usage.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { statementsOf, type Transactions, UNNAMED } from "../database/durability.ts";
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
import { createDecisions, createMessageRecords } from "./message_record.ts";
import type { Retention } from "./retention.ts";
import { POLICIES_KEPT, POLICIES_MAX } from "../schema/messages.ts";

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

const OVERHEARD = rows({
  messageId: snowflake<"message">(),
  channelId: snowflake<"channel">(),
  authorId: snowflake<"user">(),
  tag: text(),
  text: text(),
  replyTo: optional(snowflake<"message">()),
  forwards: optional(snowflake<"message">()),
  sentAt: integer(),
});
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
  const overheard = sql`
    SELECT message_id, channel_id, author_id, tag, text, reply_to, forwards, sent_at FROM message
    WHERE block IN (
      SELECT id FROM message_block WHERE account_id = :accountId AND sent_to > :since
      ORDER BY id DESC LIMIT :limit
    )
    ORDER BY sent_at DESC LIMIT :limit`;
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
            const { messageId: id, authorId, tag, replyTo, ...rest } = OVERHEARD.read(row);
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
            if (message.origin?.kind === "passive") return []; // no person wrote it there (N1)
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
 * lists.
 *
 * Creates the reader. Several messages that one turn has answered are one turn.
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
      readonly sender: Pick<InboundMessage["sender"], "id" | "username">;
      readonly mention?: InboundMessage["mention"];
      readonly replyTo?: MessageId;
      readonly forwards?: MessageId;
    }
    /** `to`: the person whom it answers, with the message `answers`. */
    | { readonly kind: "own"; readonly to?: UserId; readonly answers?: MessageId }
  );
