/**
 * Removes the words of turns that have read a message which is deleted, edited or forgotten (H6a, X5).
 *
 * The entries and steps of a turn name each message that it has read. Later turns of its session read
 * these entries, until a reset. A model may repeat words in any form, so its texts, the arguments of
 * its calls and their results go whole. Words of other people stay.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import { flag, integer, rows, text } from "../schema/columns.ts";
import { IS_OPEN } from "../schema/messages.ts";

/** Takes the place of the words of such a turn. */
const NOT_KEPT = "[not kept: a message that it read was changed or removed]";
/** Calls without their arguments: a list, or one. */
const bare = (calls: string): string =>
  `CASE json_type(${calls}) WHEN 'array' THEN (SELECT json_group_array(json_object(
     'id', value ->> 'id', 'name', value ->> 'name', 'arguments', '{}')) FROM json_each(${calls}))
   ELSE json_replace(${calls}, '$.arguments', '{}') END`;

/** A message of the outbox without its words, in SQL. Discord accepts no card without texts. */
export const WORDLESS =
  `json_replace(json_set(json_remove(message, '$.footer', '$.embed', '$.saidBy'),
  '$.content', '${NOT_KEPT}'), '$.card.blocks', json_array('${NOT_KEPT}'))`;

/** Ends the words of a message of the outbox that keeps none, in SQL: nothing sends it any more. */
export const ENDS_WORDS = `message = IIF(json_valid(message),
  IIF(message ->> '$.isUnkept', ${WORDLESS}, message), message)`;

/** Notes of turns that have read a message, in SQL, by the turns: they may have its words. */
const READ_NOTES = `SELECT id FROM note WHERE NOT is_own_words
  AND id IN (SELECT note_row FROM note_source
    WHERE message_id IN (SELECT value FROM json_each(?1)))`;

const ENTRY = rows({
  id: integer(),
  role: text(),
  messageId: text(),
  text: text(),
  resetAt: integer(),
  isCall: flag(),
});
const STEP = rows({ messageId: text(), step: text(), at: integer() });
const TURN = rows({ messageId: text(), sessionKey: text(), isOpen: flag() });
const KEY = rows({ sessionKey: text() });
const LISTED = "IN (SELECT value FROM json_each(?1))";

/** The turns that have read some messages. */
export interface SourceReaders {
  readonly ids: ReadonlySet<unknown>;
  /** Messages of ended turns, and of turns that go on. */
  readonly turns: readonly string[];
  readonly open: readonly string[];
  /** Entries of models that may have words of the messages, by session. */
  readonly sessions: ReadonlyMap<string, readonly number[]>;
}

/** Prepares the statements. */
export function prepareReaders(database: DatabaseSync) {
  const sql = statementsOf(database);
  const turnOf = sql.rows(TURN.read)`
    WITH turn AS (SELECT COALESCE(turn_of, message_id) AS id FROM inbox WHERE message_id = ?)
    SELECT message_id, session_key, finished_at IS NULL AS is_open FROM turn JOIN inbox AS i
      ON i.message_id = turn.id OR i.turn_of = turn.id`;
  const selectOpen = sql.rows(TURN.read)`SELECT message_id, session_key, 1 AS is_open FROM inbox
    WHERE ${IS_OPEN} AND session_key ${LISTED}`;
  const selectSteps = sql`SELECT message_id, step, at FROM step ORDER BY id DESC`;
  const selectEntries =
    sql`SELECT id, role, message_id, text, calls IS NOT NULL AS is_call, COALESCE((SELECT MAX(last_entry)
      FROM checkpoint WHERE session_key = :key AND kind = 'reset' AND last_entry < e.id), 0) AS reset_at
    FROM entry AS e WHERE session_key = :key AND id > :after ORDER BY id`;
  const removeEntries = sql`UPDATE entry SET carried = NULL, calls = ${bare("calls")},
    text = CASE text WHEN '' THEN '' ELSE '${NOT_KEPT}' END WHERE id ${LISTED}`;
  const mark = sql`UPDATE step SET step = json_set(step, '$.isUnkept', 1)
    WHERE message_id ${LISTED}`;
  const isMarked = sql`
    SELECT 1 FROM step WHERE message_id ${LISTED} AND step ->> '$.isUnkept' = 1`;
  const removals = [
    sql`DELETE FROM note WHERE id IN (${READ_NOTES})`,
    sql`DELETE FROM step WHERE message_id ${LISTED}
      AND step ->> '$.kind' NOT IN ('answer', 'result')`,
    sql`UPDATE step SET step = json_replace(json_remove(step, '$.carried', '$.isUnkept'),
      '$.text', '${NOT_KEPT}', '$.calls', json(${bare("step -> '$.calls'")}))
      WHERE message_id ${LISTED}`,
    sql`UPDATE question SET question = json_replace(json_remove(question, '$.form'),
      '$.text', '${NOT_KEPT}', '$.exact', '${NOT_KEPT}',
      '$.facts', json('[]'), '$.choices', json((
        SELECT json_group_array(json(json_replace(value, '$.label', '${NOT_KEPT}'))) FROM json_each(question, '$.choices'))))
      WHERE message_id ${LISTED}`,
    sql`UPDATE question_card SET is_settled = 0
      WHERE question_row IN (SELECT id FROM question WHERE message_id ${LISTED})`, // written anew
  ];
  const isKept = "NOT ?2 AND state IN ('pending', 'sending')";
  const removePosts =
    sql`UPDATE outbox SET message = IIF(${isKept}, json_set(message, '$.isUnkept', 1), ${WORDLESS})
    WHERE id IN (SELECT id FROM outbox WHERE cause_id ${LISTED} UNION SELECT o.id FROM question AS q
      JOIN question_card AS c ON c.question_row = q.id
      JOIN outbox AS o ON o.account_id = c.account_id AND o.nonce = c.nonce
      WHERE q.message_id ${LISTED})`;

  /**
   * Removes the words of turns, within a transaction of the caller's. An open turn goes on with its
   * steps, and its end removes them, also after a crash.
   *
   * @param isAtOnce Whether messages that wait to be sent lose their words before they are sent.
   */
  function remove({ turns, open, sessions }: SourceReaders, isAtOnce = false): void {
    const ids = JSON.stringify(turns);
    mark.run(JSON.stringify(open));
    removeEntries.run(JSON.stringify([...sessions.values()].flat()));
    for (const removal of removals) removal.run(ids);
    removePosts.run(ids, isAtOnce ? 1 : 0);
  }

  return {
    /** Finds the words, without changing them; for an edit, only those of turns that read it themselves. */
    find(ids: ReadonlySet<unknown>, { since, after, sessions, isEdit }: {
      readonly since: number;
      readonly after: (sessionKey: string) => number;
      readonly sessions?: readonly string[];
      readonly isEdit: boolean;
    }): SourceReaders {
      const reading = new Map<string, string>();
      for (const id of isEdit ? [] : ids) {
        for (const one of turnOf.all(String(id))) reading.set(one.messageId, one.sessionKey);
      }
      for (const row of selectSteps.iterate()) {
        const { messageId, step, at } = STEP.read(row);
        if (at < since) break;
        if (!namesOne(step, ids)) continue;
        for (const one of turnOf.all(messageId)) reading.set(one.messageId, one.sessionKey);
      }
      const turns = new Set([...reading.keys()].filter((id) => !isEdit || !ids.has(id)));
      const found = new Map<string, readonly number[]>();
      const named = new Set<string>();
      const all = () => sql.rows(KEY.read)`SELECT DISTINCT session_key FROM entry`.all();
      const keys = sessions ?? all().map(({ sessionKey }) => sessionKey);
      for (const key of new Set([...keys, ...reading.values()])) {
        let read = { by: "", entry: -1 };
        const own: number[] = [];
        for (const row of selectEntries.iterate({ key, after: after(key) })) {
          const { id, role, messageId, text, resetAt, isCall } = ENTRY.read(row);
          const isOwn = ids.has(messageId);
          const isNamed = isOwn || reading.has(messageId) || namesOne(text, ids);
          if (isNamed) read = { by: messageId, entry: id };
          if (isNamed && !isEdit) named.add(key);
          if (read.entry <= resetAt || (isEdit && read.by !== messageId)) continue;
          const isKept = isEdit && isOwn; // its turn goes on, and answers the new text
          if (!isKept) turns.add(messageId);
          if (role !== "user" && (!isKept || isCall)) own.push(id);
        }
        if (own.length > 0) found.set(key, own);
      }
      for (const one of selectOpen.all(JSON.stringify([...named]))) turns.add(one.messageId);
      const ended = new Set<string>();
      const open = new Set<string>();
      for (const id of turns) {
        const own = turnOf.all(id);
        const list = own.some(({ isOpen }) => isOpen) ? open : ended;
        for (const one of [id, ...own.map(({ messageId }) => messageId)]) list.add(one);
      }
      return { ids, turns: [...ended], open: [...open], sessions: found };
    },
    remove,
    /** Whether a turn, by its messages, had read such words before a crash. */
    isMarked: (turn: readonly string[]) => isMarked.get(JSON.stringify(turn)) !== undefined,
  };
}

/** Whether a text names one of some messages: most do not. */
export function namesOne(text: string, ids: ReadonlySet<unknown>): boolean {
  return text.matchAll(/\d{15,20}/g).some(([id]) => ids.has(id));
}
