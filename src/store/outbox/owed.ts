/**
 * Finds the people who wait for messages that Discord does not take, and stores the words for them.
 *
 * A word and the note that it was given are one transaction. So a crash neither loses nor doubles it.
 */

import type { AccountId } from "../../core/discord/ids.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import { COMMIT_OPTIONS, UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { integer, json, oneOf, optional, rows, snowflake, text } from "../schema/columns.ts";
import { prepareAddOnce } from "./rows.ts";

/** The first way to tell of a lost message: in its place, by direct message, or to the owners. */
export type Door = "place" | "direct" | "owner";

/** SQL for the kinds of messages that a person waits for. */
export const FOR_PEOPLE = "'reply', 'failure', 'notice', 'word'";

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
          AND its.state IN ('dead', 'uncertain')))
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
