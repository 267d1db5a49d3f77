/**
 * Stores the attempts to send a row: intent (T4), end (T5), refusals and failures.
 *
 * A command may release a row while it is sent, so each change names the row's nonce and the state
 * it changes.
 *
 * A channel in which Discord does not let the bot post is parked until that changes (D5, R11). When
 * it is tried again, its record stays until a message arrives there, or for a day. A new refusal
 * within that time has the same cause, and the operator gets no second notice.
 *
 * A word and the note that it was given are one transaction. So a crash neither loses nor doubles
 * it.
 */

import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { Frozen, OutboxRow } from "../../core/outbound/outbound.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { COMMIT_OPTIONS, type Transactions, UNNAMED } from "../database/durability.ts";
import { integer, json, oneOf, optional, rows, snowflake, text } from "../schema/columns.ts";
import { ENDS_WORDS } from "../sources/sources.ts";
import { type OutboxRows, prepareAddOnce, type Unsettled } from "./rows.ts";

/** The first way to tell of a lost message: in its place, by direct message, or to the owners. */
export type Door = "place" | "direct" | "owner";

/** SQL for the kinds of messages that a person waits for. */
const FOR_PEOPLE = "'reply', 'failure', 'notice', 'word'";

const OWED = rows({
  id: integer(),
  channelId: snowflake<"channel">(),
  guildId: optional(snowflake<"guild">()),
  kind: optional(text()),
  state: text(),
  owes: oneOf("place", "direct", "owner"),
  refusal: optional(text()),
  reminder: json<readonly string[]>(), // the unsent messages of a reminder's own text; else empty
  draftNonce: optional(text()), // that it would have replaced
  causeId: optional(snowflake<"message">()),
  personId: optional(snowflake<"user">()), // who caused it; absent for events, and for other bots
});

/** A message that is lost, or waits, of which no one knows yet. */
export type OwedRow = ReturnType<typeof OWED.read>;

export function createOwed({ database, sql, commit, read }: Transactions) {
  const addOnce = prepareAddOnce(database);
  const select = sql.rows(OWED.read)`
    SELECT o.id, o.channel_id, o.kind, o.state, o.owes, o.refusal, o.cause_id,
      IIF(json_valid(o.message), o.message ->> '$.guildId', NULL) AS guild_id,
      IIF(o.action = 'replace', o.draft_nonce, NULL) AS draft_nonce,
      COALESCE(
        (SELECT message ->> '$.sender.id' FROM inbox WHERE message_id = o.cause_id
           AND message ->> '$.sender.automaton' IS NULL),
        s.creator_id) AS person_id,
      (SELECT json_group_array(message ->> '$.content' ORDER BY id) FROM outbox
         WHERE cause_id = o.cause_id AND kind = 'notice' AND state <> 'sent' AND json_valid(message)
           AND o.kind = 'notice' AND s.kind = 'reminder') AS reminder
    FROM outbox AS o
      LEFT JOIN schedule_run AS r ON r.message_id = o.cause_id
      LEFT JOIN schedule AS s ON s.id = r.schedule_row
    WHERE o.account_id = ? AND o.owes IN ('place', 'direct', 'owner') AND o.state <> 'sent'
      AND NOT (o.owes = 'owner' AND o.state IN ('pending', 'sending')) -- owners have read that it waits
      AND (o.kind IS NOT 'word' OR EXISTS ( -- the same of the others with its cause
        SELECT 1 FROM outbox AS its WHERE its.cause_id = o.cause_id AND its.kind <> 'word'
          AND its.state IN ('dead', 'uncertain', 'dropped')))
      AND NOT EXISTS ( -- a mark under an answer that people have
        SELECT 1 FROM outbox AS its WHERE its.account_id = o.account_id AND its.nonce = o.draft_nonce
          AND its.kind = o.kind AND json_valid(its.message) AND json_valid(o.message)
          AND its.message ->> '$.of.revision' = o.message ->> '$.of.revision')
    ORDER BY o.id`;
  const leave = sql`UPDATE outbox SET owes = 'owner' WHERE id = ?`;
  const tellRow = sql`UPDATE outbox SET owes = 'told' WHERE id = ?`;
  const tellCause = sql`
    UPDATE outbox SET owes = 'told' WHERE cause_id = ? AND kind IN (${FOR_PEOPLE}) AND kind <> 'word'`;
  const drop = sql`UPDATE outbox SET state = 'dropped' WHERE cause_id = ? AND state <> 'sent'`;
  return {
    /** Messages that are lost, or wait in a place that refuses them, of which no one knows. */
    owed: (accountId: AccountId): Promise<readonly OwedRow[]> => read(() => select.all(accountId)),
    /** Stores that the person of a message cannot be told. */
    unreachable: ({ id }: OwedRow) => commit(UNNAMED, () => void leave.run(id)),
    /**
     * Stores that people know of a message, and of the others with its cause.
     *
     * @param word Tells them so. It has the text of a reminder, which goes nowhere else then.
     */
    told: ({ id, causeId, reminder }: OwedRow, word: readonly Frozen[], now: number) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        tellRow.run(id);
        if (causeId !== undefined) tellCause.run(causeId);
        if (causeId !== undefined && reminder.length > 0 && word.length > 0) drop.run(causeId);
        for (const frozen of word) addOnce(frozen, now);
      }),
  };
}

/**
 * Selects a row by its nonce, because its number in memory may belong to another row of the table.
 */
const THIS = "account_id = :accountId AND nonce = :nonce";

/** A word is given once: the first way to give it stays, and one that was given. */
const OWES = "owes = COALESCE(owes, :door)";

function keyOf({ message: { accountId, nonce } }: OutboxRow) {
  return { accountId, nonce };
}

export function createAttemptRows({ sql, commit }: Transactions, rows: OutboxRows) {
  const markRefused = sql`UPDATE outbox
     SET state = IIF(:firstAttemptAt IS NULL, 'pending', 'sending'),
         first_attempt_at = :firstAttemptAt,
         failing_since = COALESCE(failing_since, :now),
         refusal = :reason
     WHERE ${THIS} AND state IN ('pending', 'sending')`;
  const markFailing = sql`UPDATE outbox SET failing_since = COALESCE(failing_since, :now)
     WHERE ${THIS} AND state IN ('pending', 'sending')`;
  const markWaiting = sql`UPDATE outbox SET refusal = :reason, next_attempt_at = :nextAttemptAt
     WHERE ${THIS} AND state IN ('pending', 'sending')`;
  const shiftFailing = sql`UPDATE outbox SET failing_since = failing_since + :byMs
     WHERE account_id = :accountId AND state IN ('pending', 'sending') AND failing_since <= :until`;
  const markAbsent = sql`UPDATE outbox SET state = 'pending', first_attempt_at = NULL
     WHERE ${THIS} AND state = 'sending'`;
  const markDead = sql`UPDATE outbox SET state = 'dead', refusal = :reason, ${OWES}, ${ENDS_WORDS}
     WHERE ${THIS} AND state IN ('pending', 'sending')`;
  const markUncertain = sql`
    UPDATE outbox SET state = 'uncertain', refusal = :reason, ${OWES}, ${ENDS_WORDS}
    WHERE ${THIS} AND state = 'sending'`;

  /** Changes a row, unless it is settled by now. */
  const change = (run: () => unknown): Promise<void> => commit(UNNAMED, () => void run());

  return {
    /**
     * T4: Discord may have the message from now on.
     *
     * @param now Stored for the first attempt only.
     * @returns Whether the row was still to be sent.
     */
    markSending: (row: OutboxRow, now: number) =>
      // A message posted in a draft's place stays a post, even if the draft appears later.
      commit(COMMIT_OPTIONS.T4, () => rows.intend(keyOf(row), now, row.action.kind === "post")),
    /**
     * T5: Discord has the message, or had it before it was deleted. Its files are deleted.
     *
     * @returns Whether this call settled the row; the gateway's echo may have settled it before.
     */
    markSent: (row: OutboxRow, messageId?: MessageId) =>
      commit(COMMIT_OPTIONS.T5, () => rows.settle(unsettledOf(row), messageId)),
    /**
     * Takes T4 back, because this attempt created no message. An earlier attempt may have created
     * one.
     *
     * @param reason Discord's refusal, for the operator.
     */
    markRefused: (row: OutboxRow, reason: string, now: number) =>
      change(() => {
        const { firstAttemptAt = null } = row;
        return markRefused.run({ ...keyOf(row), firstAttemptAt, reason, now });
      }),
    /**
     * Notes that an attempt got no answer. T4 stays. The row is failing from now on, unless it
     * already was.
     */
    markFailing: (row: OutboxRow, now: number) =>
      change(() => markFailing.run({ ...keyOf(row), now })),
    /**
     * Stores why an unsent row waits.
     *
     * @param reason For the operator.
     * @param nextAttemptAt Unix time in milliseconds of the next attempt.
     */
    markWaiting: (row: OutboxRow, reason: string, nextAttemptAt: number) =>
      change(() => markWaiting.run({ ...keyOf(row), reason, nextAttemptAt })),
    /**
     * Shifts times after the clock was set forward. Each row that has been failing since `until` or
     * earlier starts `byMs` later. So it has been failing for as long as before.
     */
    shiftFailing: (accountId: AccountId, byMs: number, until: number): Promise<void> =>
      change(() => shiftFailing.run({ accountId, byMs, until })),
    /** Takes all attempts back, because the channel's history shows that none has succeeded. */
    markAbsent: (row: OutboxRow) => change(() => markAbsent.run(keyOf(row))),
    /**
     * Gives up a row that Discord will never accept. The row stays on record for the operator, and
     * later rows do not wait for it.
     *
     * @param reason Discord's refusal, for the operator.
     * @param door The first way to tell of that; absent: no one needs to know.
     */
    markDead: (row: OutboxRow, reason: string, door?: Door) =>
      change(() => markDead.run({ ...keyOf(row), reason, door: door ?? null })),
    /**
     * Holds a row, because Barnacle cannot tell whether Discord has it. The operator sees it, and it
     * is not sent (D2).
     *
     * @param reason For the operator.
     * @param door As for `markDead`.
     */
    markUncertain: (row: OutboxRow, reason: string, door?: Door) =>
      change(() => markUncertain.run({ ...keyOf(row), reason, door: door ?? null })),
  };
}

function unsettledOf(row: OutboxRow): Unsettled {
  const { id, message: { channelId }, fileCount } = row;
  return { id, ...keyOf(row), channelId, fileCount };
}

/**
 * Makes the SQL condition that the channel of `row`, a row of the account `:accountId`, is not
 * parked.
 */
export function isNotParked(row: string): string {
  return `${row}.channel_id NOT IN (
    SELECT p.channel_id FROM parked_channel AS p
    WHERE p.account_id = :accountId AND p.is_parked = 1
  )`;
}

const PARKED = rows({
  channelId: snowflake<"channel">(),
  reason: text(), // "cannot post in #ops: Send Messages is denied for the role Krill"
  since: integer(), // when it was first parked
  waiting: integer(),
});

/** A channel in which Discord does not let the bot post, with the number of unsent messages. */
export type ParkedChannel = ReturnType<typeof PARKED.read>;

const REPORTED = rows({ wasReported: integer() });

export function createParkedChannels({ sql, commit, read }: Transactions) {
  const selectWasReported = sql`
    SELECT is_parked = 1 OR refused_at > :now - ${DAY_MS} AS was_reported FROM parked_channel
    WHERE account_id = :accountId AND channel_id = :channelId`;
  const park = sql`INSERT INTO parked_channel
       (account_id, channel_id, reason, is_parked, since, refused_at, next_try_at)
     VALUES (:accountId, :channelId, :reason, 1, :now, :now, :nextTryAt)
     ON CONFLICT (account_id, channel_id) DO UPDATE
     SET reason = excluded.reason, is_parked = 1, refused_at = excluded.refused_at,
         next_try_at = excluded.next_try_at,
         since = IIF(:wasReported, since, :now)`;
  const noteFailing = sql`UPDATE outbox SET failing_since = :now
     WHERE account_id = :accountId AND channel_id = :channelId
       AND state IN ('pending', 'sending') AND failing_since IS NULL`;
  // Of direct messages, the notice about the place tells.
  const noteOwed = sql`
    UPDATE outbox SET owes = IIF(json_valid(message) AND message ->> '$.guildId' IS NULL, 'told', 'direct')
     WHERE account_id = :accountId AND channel_id = :channelId AND owes IS NULL
       AND state IN ('pending', 'sending') AND kind IN (${FOR_PEOPLE}) AND action <> 'remove'`;
  const areParked = `account_id = :accountId AND is_parked = 1
    AND (:channels IS NULL OR channel_id IN (SELECT value FROM json_each(:channels)))`;
  const selectUnparked = sql`SELECT 1 FROM parked_channel WHERE ${areParked} LIMIT 1`;
  const unpark = sql`UPDATE parked_channel SET is_parked = 0 WHERE ${areParked}`;
  const selectParked = sql.rows(PARKED.read)`SELECT channel_id, reason, since, waiting FROM (
       SELECT p.*, (
         SELECT COUNT(*) FROM outbox AS o
         WHERE o.account_id = p.account_id AND o.channel_id = p.channel_id
           AND o.state IN ('pending', 'sending')
       ) AS waiting
       FROM parked_channel AS p WHERE account_id = :accountId
     )
     WHERE is_parked = 1 OR waiting > 0 OR refused_at > :now - ${DAY_MS}
     ORDER BY since, channel_id`;

  return {
    /**
     * Parks a channel. All of its waiting messages are failing from now on, unless they already were,
     * and people who wait for them are owed a word.
     *
     * @param parked The refusal, for the operator, and Unix times in milliseconds. `nextTryAt`: when
     * the channel is tried again at the latest.
     * @returns Whether to notify the operator: not if a notice was sent and nothing has changed
     * since.
     */
    park: (
      accountId: AccountId,
      channelId: ChannelId,
      { reason, now, nextTryAt }: {
        readonly reason: string;
        readonly now: number;
        readonly nextTryAt: number;
      },
    ) =>
      commit(UNNAMED, () => {
        const row = selectWasReported.get({ accountId, channelId, now });
        const wasReported = row ? REPORTED.read(row).wasReported : 0;
        park.run({ accountId, channelId, reason, now, nextTryAt, wasReported });
        noteFailing.run({ accountId, channelId, now });
        noteOwed.run({ accountId, channelId });
        return wasReported === 0;
      }),
    /**
     * Lets channels be tried again. Costs almost nothing if none of them is parked.
     *
     * @returns Number of channels that were parked.
     */
    async unpark(accountId: AccountId, channels: readonly ChannelId[] | "all") {
      const selection = {
        accountId,
        channels: channels === "all" ? null : JSON.stringify(channels),
      };
      // Runs for each message, so it must be cheap.
      if (!await read(() => selectUnparked.get(selection))) return 0;
      return commit(UNNAMED, () => Number(unpark.run(selection).changes));
    },
    /**
     * The channels that refuse, the longest parked first. A channel that is tried again stays in the
     * list until a message arrives there. Without waiting messages, it stays for a day after its last
     * refusal.
     */
    parked: (accountId: AccountId, now: number): Promise<readonly ParkedChannel[]> =>
      read(() => selectParked.all({ accountId, now })),
  };
}
