/**
 * Removes words by their sources, within a transaction of the caller's: of a message that is
 * deleted or edited (H6a), and of a person who is forgotten (X5).
 *
 * The parts of entries that have such a source go, and one line takes their place. A turn that has
 * read one may repeat its words in any form: a model's texts, the arguments of its calls and their
 * results go whole, also those of later turns of its session, which read these entries until a
 * reset. Posts of such turns are sources, too. Words of other people stay. Summaries that took the
 * place of such entries are removed: their entries are in the context again, and the next turns
 * fold them anew.
 */

import type { DatabaseSync } from "node:sqlite";
import {
  type ChannelId,
  createdAtMs,
  DISCORD_EPOCH_MS,
  type MessageId,
} from "../../core/discord/ids.ts";
import type { Part } from "../../core/inbound/inbound.ts";
import type { Step } from "../../core/step.ts";
import { statementsOf } from "../database/commits.ts";
import { flag, integer, json, optional, rows, snowflake, text } from "../schema/columns.ts";
import { IS_OPEN } from "../schema/messages.ts";
import { RESULT_NOT_KEPT, type Scrubber } from "../schema/person.ts";

export interface Removal {
  /** Ids of messages and people whose words go. */
  readonly ids: ReadonlySet<unknown>;
  /** Takes the place of the words. */
  readonly note: string;
  /** Set if a person is forgotten: their name and ids go from all other words, too. */
  readonly scrub?: Scrubber;
}

/** Takes the place of the words of a turn that has read such words. */
const NOT_KEPT = "[not kept: a message that it read was changed or removed]";

/** Whether a text names one of some ids: most do not. */
export function namesOne(text: string, ids: ReadonlySet<unknown>): boolean {
  return text.matchAll(/\d{15,20}/g).some(([id]) => ids.has(id));
}

/** Prepares a look for words of others: tools and other programs do not always tell ids of their words. */
function foreignWordsOf({ ids, scrub }: Removal): (text: string) => boolean {
  return (text) => namesOne(text, ids) || scrub?.isIn(text) === true;
}

/** The parts of an entry that stay, with one line for neighbours that go; the same list if all stay. */
export function partsWithout(
  { ids, note, scrub }: Removal,
  parts: readonly Part[],
  messageId: string,
): readonly Part[] {
  const isGone = parts.map(({ of, fence, text }) => {
    if (!of) return scrub !== undefined || ids.has(messageId);
    // A program does not tell whose words it sends.
    return of.some((id) => ids.has(id)) || (fence === "event" && scrub?.isIn(text) === true);
  });
  if (!isGone.includes(true)) return parts;
  return parts.flatMap((part, at): readonly Part[] => {
    if (!isGone[at]) return [part];
    return isGone[at - 1] ? [] : [{ text: note, fence: part.fence, of: [] }];
  });
}

/** Calls without their arguments: a list, or one. */
const bare = (calls: string): string =>
  `CASE json_type(${calls}) WHEN 'array' THEN (SELECT json_group_array(json_object(
     'id', value ->> 'id', 'name', value ->> 'name', 'arguments', '{}')) FROM json_each(${calls}))
   ELSE json_replace(${calls}, '$.arguments', '{}') END`;

/** A message of the outbox without its words, in SQL. Discord accepts no card without texts. */
const WORDLESS = `json_replace(json_set(json_remove(message, '$.footer', '$.embed', '$.saidBy'),
  '$.content', '${NOT_KEPT}'), '$.card.blocks', json_array('${NOT_KEPT}'))`;

/** Ends the words of a message of the outbox that keeps none, in SQL: nothing sends it any more. */
export const ENDS_WORDS = `message = IIF(json_valid(message),
  IIF(message ->> '$.isUnkept', ${WORDLESS}, message), message)`;

/** Notes of turns that have read a message, in SQL, by the turns: they may have its words. */
const READ_NOTES = `SELECT id FROM note WHERE NOT is_own_words
  AND id IN (SELECT note_row FROM note_source
    WHERE message_id IN (SELECT value FROM json_each(?1)))`;

/** Entries of earlier turns are not looked at: none of them can have a later message. */
const MARGIN_MS = 60 * 60_000;

const PLACE = rows({ sessionKey: text() });
const LAST = rows({ id: integer() });
const ENTRY = rows({
  id: integer(),
  role: text(),
  messageId: text(),
  parts: text(),
  resetAt: integer(),
  isCall: flag(),
});
const PARTS = rows({ parts: json<readonly Part[]>() });
const STEP = rows({
  id: integer(),
  messageId: text(),
  step: text(),
  isResult: flag(),
  at: integer(),
});
const OWN_STEP = rows({ step: json<Step>() }); // ours, by `turns.ts`
const TURN = rows({ messageId: snowflake<"message">(), sessionKey: text(), isOpen: flag() });
const EVENT = rows({ messageId: snowflake<"message">(), sessionKey: text(), message: text() });
const ID = rows({ messageId: text() });
const SHOWN = rows({ messageId: text(), words: optional(text()) });
const LISTED = "IN (SELECT value FROM json_each(?1))";

/** Where words of some messages may be. */
export interface Scope {
  /** Unix time in milliseconds; older entries and steps have none. */
  readonly since: number;
  /** Absent: all of them. */
  readonly sessions?: readonly string[];
  /** Messages of running turns that may have read them. */
  readonly running: readonly string[];
  /** Whether the turns of the messages go on: only turns that read them themselves lose words. */
  readonly isEdit: boolean;
}

/** Everything that has words to remove. */
export interface FoundWords {
  /** With the posts of the turns. */
  readonly removal: Removal;
  /** Messages of ended turns that have read the words, and of open ones, which begin anew. */
  readonly turns: readonly string[];
  readonly again: readonly MessageId[];
  /** Entries of models. */
  readonly entries: readonly number[];
  /** The first entry with such words, of each session, and after each reset of it. */
  readonly firsts: readonly { readonly key: string; readonly entry: number }[];
  /** Parts that stay, by entry. */
  readonly parts: ReadonlyMap<number, readonly Part[]>;
  /** Steps that name a source. */
  readonly results: readonly number[];
}

/** Prepares the statements. */
export function prepareSources(database: DatabaseSync) {
  const sql = statementsOf(database);
  // Steps from key to key in the index: a busy channel has many entries of few sessions.
  const nextKey = "SELECT MIN(session_key) FROM entry WHERE channel_id =";
  const selectSessions = sql.rows(PLACE.read)`WITH RECURSIVE found (place, key) AS (
      SELECT value, (${nextKey} value) FROM json_each(?1) UNION ALL
      SELECT place, (${nextKey} place AND session_key > key) FROM found WHERE key IS NOT NULL
    ) SELECT key AS session_key FROM found WHERE key IS NOT NULL`;
  // By both clocks: a turn may have waited for days, and this machine's clock may be wrong.
  const lastBefore = sql.rows(LAST.read)`SELECT id FROM entry
    WHERE session_key = ?1 AND at < ?2 AND message_id <> '1'
      AND (CAST(message_id AS INTEGER) >> 22) + ${DISCORD_EPOCH_MS} < ?2
    ORDER BY id DESC LIMIT 1`;
  const turnOf = sql.rows(TURN.read)`
    WITH turn AS (SELECT COALESCE(turn_of, message_id) AS id FROM inbox WHERE message_id = ?)
    SELECT message_id, session_key, finished_at IS NULL AS is_open FROM turn JOIN inbox AS i
      ON i.message_id = turn.id OR i.turn_of = turn.id`;
  const selectOpen = sql.rows(ID.read)`SELECT message_id FROM inbox
    WHERE ${IS_OPEN} AND session_key ${LISTED}`;
  const selectEvents = sql.rows(EVENT.read)`
    SELECT DISTINCT i.message_id, i.session_key, i.message
    FROM hook_event AS h JOIN inbox AS i ON i.message_id = h.run_id WHERE h.received_at >= ?`;
  const selectShown = sql.rows(SHOWN.read)`
    SELECT message_id, question ->> '$.exact' AS words FROM question
    UNION ALL SELECT turn_id, what FROM discord_change`;
  const selectPosts = sql.rows(ID.read)`SELECT message_id FROM outbox
    WHERE cause_id ${LISTED} AND message_id IS NOT NULL`;
  const selectSteps = sql`SELECT id, message_id, step, step ->> '$.kind' = 'result' AS is_result, at
    FROM step ORDER BY id DESC`;
  const selectEntries =
    sql`SELECT id, role, message_id, parts, calls IS NOT NULL AS is_call, COALESCE((SELECT MAX(last_entry)
      FROM checkpoint WHERE session_key = :key AND kind = 'reset' AND last_entry < e.id), 0) AS reset_at
    FROM entry AS e WHERE session_key = :key AND id > :after ORDER BY id`;
  const setParts = sql`UPDATE entry SET parts = ? WHERE id = ?`;
  const removeEntries = sql`UPDATE entry SET carried = NULL, calls = ${bare("calls")},
    parts = IIF(parts = '[]', parts, '[{"text":"${NOT_KEPT}","of":[]}]') WHERE id ${LISTED}`;
  const unfold = sql`DELETE FROM checkpoint
     WHERE session_key = :key AND kind = 'summary' AND last_entry >= :entry
       AND id < COALESCE((SELECT MIN(id) FROM checkpoint
                          WHERE session_key = :key AND kind = 'reset' AND last_entry >= :entry),
                         9223372036854775807)`;
  const removeResults =
    sql`UPDATE step SET step = json_set(json_remove(step, '$.inner'), '$.text', '${RESULT_NOT_KEPT}')
    WHERE id ${LISTED} AND step ->> '$.kind' = 'result'`;
  const selectTurn = sql.rows(
    OWN_STEP.read,
  )`SELECT step FROM step WHERE message_id = ? ORDER BY id`;
  const addResult = sql`INSERT INTO step (account_id, message_id, attempt, step, at)
    SELECT account_id, message_id, attempt, ?2, at FROM step WHERE message_id = ?1
    ORDER BY id DESC LIMIT 1`;
  const removals = [
    sql`DELETE FROM note WHERE id IN (${READ_NOTES})`,
    sql`UPDATE schedule SET text = '${NOT_KEPT}'
      WHERE NOT is_own_words AND substr(call_key, 1, instr(call_key, ':') - 1) ${LISTED}`,
    sql`UPDATE discord_change SET what = '${NOT_KEPT}' WHERE turn_id ${LISTED}`,
    sql`DELETE FROM step WHERE message_id ${LISTED}
      AND step ->> '$.kind' NOT IN ('answer', 'result')`,
    sql`UPDATE step SET step = json_replace(json_remove(step, '$.carried', '$.read', '$.inner'),
      '$.text', '${NOT_KEPT}', '$.calls', json(${bare("step -> '$.calls'")}))
      WHERE message_id ${LISTED}`,
    sql`UPDATE question SET state = 'withdrawn', decided_at = created_at
      WHERE message_id ${LISTED} AND state = 'open'`,
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

  /** Finds the turns that have read the words, by the ids of their messages, and the steps with them. */
  function findReaders(removal: Removal, { since, isEdit }: Scope) {
    const { ids, scrub } = removal;
    const isIn = foreignWordsOf(removal);
    const sessionOf = new Map<string, string>();
    const results: number[] = [];
    const addTurnOf = (id: string): void => {
      for (const one of turnOf.all(id)) sessionOf.set(one.messageId, one.sessionKey);
    };
    for (const id of isEdit ? [] : ids) addTurnOf(String(id));
    for (const { messageId, sessionKey, message } of selectEvents.all(since)) {
      if (isIn(message)) sessionOf.set(messageId, sessionKey);
    }
    for (const row of selectSteps.iterate()) {
      const { id, messageId, step, isResult, at } = STEP.read(row);
      if (at < since) break;
      if (!(isResult ? isIn(step) : namesOne(step, ids))) continue;
      results.push(id);
      addTurnOf(messageId);
    }
    for (const { messageId, words = "" } of scrub ? selectShown.all() : []) {
      if (isIn(words)) addTurnOf(messageId);
    }
    return { sessionOf, results };
  }

  /**
   * Finds the words in the entries of some sessions. The first entry with them, or of a turn that has
   * read them, makes all later ones until a reset suspicious, or after an edit those of its turn alone.
   *
   * @param named A line of a person that names one has read it.
   * @param turns Gets the messages whose turns have read the words.
   */
  function findEntries(
    keys: ReadonlySet<string>,
    removal: Removal,
    named: Removal["ids"],
    { since, isEdit }: Scope,
    readers: ReadonlyMap<string, string>,
    turns: Set<string>,
  ): Pick<FoundWords, "entries" | "firsts" | "parts"> {
    const { ids, scrub } = removal;
    const isIn = foreignWordsOf(removal);
    const entries: number[] = [];
    const firsts: { readonly key: string; readonly entry: number }[] = [];
    const changed = new Map<number, readonly Part[]>();
    for (const key of keys) {
      let read = { by: "", entry: -1 };
      const after = lastBefore.get(key, since)?.id ?? 0;
      for (const row of selectEntries.iterate({ key, after })) {
        const { id, role, messageId, parts: written, resetAt, isCall } = ENTRY.read(row);
        const isOwn = ids.has(messageId);
        let isNamed = isOwn || readers.has(messageId) ||
          (role === "tool" ? isIn(written) : namesOne(written, role === "user" ? named : ids));
        if (role === "user" && (scrub || isOwn || namesOne(written, ids))) {
          const { parts } = PARTS.read(row);
          const left = partsWithout(removal, parts, messageId);
          if (left !== parts) {
            changed.set(id, left);
            isNamed = true;
          }
        }
        if (isNamed) {
          if (read.entry <= resetAt) firsts.push({ key, entry: id });
          read = { by: messageId, entry: id };
        }
        if (read.entry <= resetAt || (isEdit && read.by !== messageId)) continue;
        const isKept = isEdit && isOwn; // its turn goes on, and answers the new text
        if (!isKept) turns.add(messageId);
        if (role !== "user" && (!isKept || isCall)) entries.push(id);
      }
    }
    return { entries, firsts, parts: changed };
  }

  /** Whether each turn has ended, or begins anew. */
  function dividedTurns(
    turns: ReadonlySet<string>,
    { ids }: Removal,
    { isEdit }: Scope,
  ): Pick<FoundWords, "turns" | "again"> {
    const ended = new Set<string>();
    const again = new Set<MessageId>();
    for (const id of turns) {
      const own = turnOf.all(id);
      if (isEdit && own.some(({ messageId }) => ids.has(messageId))) continue; // it goes on
      const isOpen = own.some((one) => one.isOpen);
      for (const { messageId } of own) (isOpen ? again : ended).add(messageId);
      if (!isOpen) ended.add(id);
    }
    return { turns: [...ended], again: [...again] };
  }

  /** @param named As of {@link findEntries}. */
  function findOnce(removal: Removal, named: Removal["ids"], scope: Scope): FoundWords {
    const { sessionOf, results } = findReaders(removal, scope);
    const all = () => sql.rows(PLACE.read)`SELECT DISTINCT session_key FROM entry`.all();
    const sessions = scope.sessions ?? all().map(({ sessionKey }) => sessionKey);
    const keys = new Set([...sessions, ...sessionOf.values()]);
    const turns = new Set([...sessionOf.keys(), ...scope.running]);
    const found = findEntries(keys, removal, named, scope, sessionOf, turns);
    if (!scope.isEdit) {
      const waiting = selectOpen.all(JSON.stringify(found.firsts.map(({ key }) => key)));
      for (const { messageId } of waiting) turns.add(messageId);
    }
    return { removal, results, ...found, ...dividedTurns(turns, removal, scope) };
  }

  /** Ends the calls of a turn that have no result: without their arguments, they cannot run. */
  function endCalls(turn: string): void {
    const steps = selectTurn.all(turn).map(({ step }) => step);
    const last = steps.findLast((step) => step.kind === "answer");
    if (!last) return;
    const after = steps.slice(steps.lastIndexOf(last) + 1);
    for (const { id: callId } of last.calls) {
      const own = after.filter((step) => "callId" in step && step.callId === callId);
      if (own.some(({ kind }) => kind === "result")) continue;
      const end = own.at(-1)?.kind === "begun" ? "unknown" : "failed";
      const result: Step = { kind: "result", callId, end, text: NOT_KEPT, at: last.at };
      addResult.run(turn, JSON.stringify(result));
    }
  }

  return {
    /** Where words of messages of one channel may be. */
    scopeOf(channelId: ChannelId, ids: readonly MessageId[]): Pick<Scope, "since" | "sessions"> {
      const since = Math.min(...ids.map(createdAtMs)) - MARGIN_MS;
      const places = JSON.stringify([channelId, ...ids]); // a thread has the id of its first message
      const sessions = selectSessions.all(places).map(({ sessionKey }) => sessionKey);
      return { sessions, since };
    },
    /** Finds words, without changing them. */
    find(removal: Removal, scope: Scope): FoundWords {
      for (let ids = removal.ids;;) {
        const found = findOnce({ ...removal, ids }, removal.ids, scope);
        const readers = JSON.stringify([...found.turns, ...found.again]);
        const posts = scope.isEdit ? [] : selectPosts.all(readers);
        const all = new Set([...ids, ...posts.map(({ messageId }) => messageId)]);
        if (all.size === ids.size) return found;
        ids = all;
      }
    },
    /**
     * Removes words. A turn that begins anew keeps the names of its calls and how they ended.
     *
     * @param isAtOnce Whether messages that wait to be sent lose their words before they are sent.
     */
    remove({ turns, again, entries, firsts, parts, results }: FoundWords, isAtOnce = false): void {
      const ids = JSON.stringify([...turns, ...again]);
      for (const turn of again) endCalls(turn);
      removeResults.run(JSON.stringify(results));
      removeEntries.run(JSON.stringify(entries));
      for (const [id, left] of parts) setParts.run(JSON.stringify(left), id);
      for (const first of firsts) unfold.run(first);
      for (const removal of removals) removal.run(ids);
      removePosts.run(ids, isAtOnce ? 1 : 0);
    },
  };
}
