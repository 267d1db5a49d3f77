/**
 * Keeps the messages that show questions, and finds those that are out of date.
 *
 * A decision changes a question alone, in any process. The bot then brings its cards up to date from
 * here. So a crash leaves no card with buttons of a decided question for long.
 */

import type { AccountId, MessageId } from "../../core/discord/ids.ts";
import { MAX_OFFERED, type OfferedForm } from "../../core/people/form.ts";
import { FILL_IN, type StoredQuestion } from "../../core/people/question.ts";
import type { NewCard, OutdatedCard } from "../../core/store/questions.ts";
import { COMMIT_OPTIONS, UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import { flag, integer, optional, rows, snowflake, text } from "../schema/columns.ts";
import { QUESTION_CARD, QUESTION_CONTROL, STORED_QUESTION } from "../schema/people.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";

/** Called with the messages of parked turns that lack one open question now. */
export type OnDecided = (messageIds: readonly MessageId[]) => void;

const CARD = rows({
  cardId: integer(),
  cardChannel: snowflake<"channel">(),
  nonce: text(),
  isCard: optional(flag()),
});
const REASON = rows({ parkedReason: optional(text()) });
const FORM = rows({ customId: text(), cardChannel: snowflake<"channel">() });
const ID = rows({ id: integer() });
const OF_TURN = rows({ messageId: snowflake<"message">() });
const toMessageId = (row: unknown) => OF_TURN.read(row).messageId;
const NEXT = rows({ next: optional(integer()) });

export function createCards(
  { database, sql, commit, read }: Transactions,
  onDecided: OnDecided,
) {
  const addOnce = prepareAddOnce(database);
  const selectWithout = sql.rows(STORED_QUESTION.read)`
    SELECT ${STORED_QUESTION.columns()} FROM question
    WHERE state = 'open' AND account_id = ? AND has_cards = 0 ORDER BY id`;
  const selectUndeliverable = sql.rows((row) => ({
    question: STORED_QUESTION.read(row),
    reason: REASON.read(row).parkedReason,
  }))`
    SELECT ${STORED_QUESTION.columns("q")}, MIN(COALESCE(p.reason, o.refusal)) AS parked_reason
    FROM question AS q CROSS JOIN question_card AS c
      LEFT JOIN outbox AS o ON o.account_id = c.account_id AND o.nonce = c.nonce
        AND o.state IN ('pending', 'sending', 'dead')
      LEFT JOIN parked_channel AS p ON p.account_id = c.account_id AND p.channel_id = c.channel_id
        AND p.is_parked = 1
    WHERE q.state = 'open' AND q.account_id = ? AND c.question_row = q.id
    GROUP BY q.id HAVING COUNT(*) = SUM(
      c.is_settled OR o.state = 'dead' OR (o.id IS NOT NULL AND p.reason IS NOT NULL))
    ORDER BY q.id`;
  const markCarded = sql`
    UPDATE question SET has_cards = 1 WHERE id = ? AND has_cards = 0 AND state = 'open'`;
  const insertCard = QUESTION_CARD.prepareInsert(database, "RETURNING id");
  const insertControl = QUESTION_CONTROL.prepareInsert(database);
  const selectOutdated = sql`SELECT c.id AS card_id, c.channel_id AS card_channel, c.nonce,
            (SELECT o.message ->> '$.card' IS NOT NULL FROM outbox AS o
             WHERE o.account_id = c.account_id AND o.nonce = c.nonce) AS is_card,
            ${STORED_QUESTION.columns("q")}
     FROM question_card AS c CROSS JOIN question AS q
     WHERE c.is_settled = 0 AND c.account_id = ? AND q.id = c.question_row AND q.state <> 'open'
     ORDER BY c.id`;
  const selectForms = sql`
    SELECT k.custom_id, c.channel_id AS card_channel, ${STORED_QUESTION.columns("q")}
    FROM question AS q CROSS JOIN question_card AS c CROSS JOIN question_control AS k
    WHERE q.state = 'open' AND q.account_id = :accountId AND q.expires_at > :now
      AND c.question_row = q.id AND k.card_row = c.id AND k.choice = :choice
    ORDER BY q.id DESC LIMIT ${MAX_OFFERED}`;
  const markGone = sql`
    UPDATE question_card SET is_settled = 1 WHERE is_settled = 0 AND account_id = :accountId AND (
      channel_id IN (SELECT value FROM json_each(:gone))
      OR nonce IN (
        SELECT nonce FROM outbox WHERE message_id IN (SELECT value FROM json_each(:gone)))
      OR EXISTS (
        SELECT 1 FROM question AS q WHERE q.id = question_row AND q.channel_id = question_card.channel_id
          AND q.guild_id IN (SELECT value FROM json_each(:gone))))`;
  const markSettled =
    sql`UPDATE question_card SET is_settled = 1 WHERE id = :id AND is_settled = 0`;
  const withdraw = sql`
    UPDATE question SET state = 'withdrawn', decided_at = ? WHERE id = ? AND state = 'open'
    RETURNING message_id`;
  const withdrawCards = sql`
    UPDATE outbox SET state = 'withdrawn' WHERE state = 'pending' AND (account_id, nonce) IN (
      SELECT account_id, nonce FROM question_card WHERE question_row = ?)`;
  const leaveCards = sql`
    UPDATE question_card SET is_settled = 1 WHERE question_row = ? AND EXISTS (
      SELECT 1 FROM outbox AS o WHERE o.account_id = question_card.account_id
        AND o.nonce = question_card.nonce AND o.state IN ('dead', 'withdrawn'))`;
  const expire = sql`UPDATE question SET state = 'expired', decided_at = :now
     WHERE state = 'open' AND account_id = :accountId AND expires_at <= :now
     RETURNING message_id`;
  const selectNext = sql.rows(NEXT.read)`
    SELECT MIN(expires_at) AS next FROM question WHERE state = 'open' AND account_id = ?`;
  const selectWork = sql.rows(NEXT.read)`
    SELECT EXISTS (SELECT 1 FROM question WHERE state = 'open' AND account_id = :accountId)
        OR EXISTS (SELECT 1 FROM question_card
                   WHERE is_settled = 0 AND account_id = :accountId) AS next`;

  return {
    /**
     * Open questions of an account of which no card can be pressed, with Discord's reason for the first
     * one: Discord does not take them, or they are gone.
     */
    undeliverable: (
      accountId: AccountId,
    ): Promise<
      readonly { readonly question: StoredQuestion; readonly reason?: string | undefined }[]
    > => read(() => selectUndeliverable.all(accountId)),
    /** Open questions of an account without cards, in the order of asking. */
    withoutCards: (accountId: AccountId): Promise<readonly StoredQuestion[]> =>
      read(() => selectWithout.all(accountId)),
    /**
     * Adds the cards of a question to the outbox, unless it has some, or is decided.
     *
     * @returns Whether they were added.
     */
    addCards: (questionId: number, cards: readonly NewCard[], now: number) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (markCarded.run(questionId).changes === 0) return false;
        for (const { frozen, controls } of cards) {
          const { accountId, channelId, nonce } = frozen.message;
          addOnce(frozen, now);
          const { id } = ID.read(
            insertCard({ questionRow: questionId, accountId, channelId, nonce }),
          );
          for (const { customId, choice } of controls) {
            insertControl({ customId, cardRow: id, choice });
          }
        }
        return true;
      }),
    /**
     * Notes that cards are gone: nothing changes them any more.
     *
     * @param gone Ids of messages, channels and guilds.
     * @returns Number of cards.
     */
    cardsGone: (accountId: AccountId, gone: readonly string[]) =>
      commit(
        UNNAMED,
        () => Number(markGone.run({ accountId, gone: JSON.stringify(gone) }).changes),
      ),
    outdated: (accountId: AccountId): Promise<readonly OutdatedCard[]> =>
      read(() =>
        selectOutdated.all(accountId).map((row) => {
          const { cardId: id, cardChannel: channelId, nonce, isCard } = CARD.read(row);
          return { id, channelId, nonce, question: STORED_QUESTION.read(row), isCard };
        })
      ),
    /** Adds the last text of a card to the outbox, once. */
    settleCard: ({ id }: Pick<OutdatedCard, "id">, frozen: Frozen, now: number) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (markSettled.run({ id }).changes > 0) addOnce(frozen, now);
      }),
    /** Ends a question that could reach no one. Its cards that Discord does not have are not sent. */
    async withdraw(questionId: number, now: number) {
      const end = () => {
        const turns = withdraw.all(now, questionId).map(toMessageId);
        if (turns.length > 0) {
          withdrawCards.run(questionId);
          leaveCards.run(questionId);
        }
        return turns;
      };
      await commit(COMMIT_OPTIONS.BY_HAND, end, { onStored: onDecided });
    },
    /** Ends the questions of an account whose time is over. Returns their number. */
    async expire(accountId: AccountId, now: number) {
      if (await read(() => (selectNext.one(accountId).next ?? Infinity) > now)) {
        return 0;
      }
      const expired = await commit(
        COMMIT_OPTIONS.BY_HAND,
        () => expire.all({ accountId, now }).map(toMessageId),
        { onStored: onDecided },
      );
      return expired.length;
    },
    /** When the next question of an account expires; `undefined` if none is open. */
    nextExpiry: (accountId: AccountId): Promise<number | undefined> =>
      read(() => selectNext.one(accountId).next),
    /** The forms that people of an account may open, newest first; {@link MAX_OFFERED} at most. */
    openForms: (accountId: AccountId, now: number): Promise<readonly OfferedForm[]> =>
      read(() =>
        selectForms.all({ accountId, now, choice: FILL_IN }).flatMap((row) => {
          const { customId, cardChannel: channelId } = FORM.read(row);
          const { question: { form, asked }, expiresAt } = STORED_QUESTION.read(row);
          return form ? [{ customId, channelId, asked, expiresAt, form }] : [];
        })
      ),
    /** Whether the account has an open question, a card that must change, or a cut action. */
    hasWork: (accountId: AccountId) => read(() => selectWork.one({ accountId }).next === 1),
  };
}
