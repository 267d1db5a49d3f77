/**
 * Removes the words of a deleted message from the agent's memory, or puts its new words in their
 * place, within a transaction of the caller's (H6a).
 *
 * A message is the source of entries of transcripts (its own, and those of turns that overheard, quoted
 * or read it), of notes, and of the summaries that took the place of these entries. Summaries are
 * removed: their entries are in the context again, and the next turns fold them anew.
 */

import type { DatabaseSync } from "node:sqlite";
import { integer, optional, rows, snowflake, text } from "../schema/columns.ts";
import { type ChannelId, createdAtMs, type MessageId } from "../../core/discord/ids.ts";
import { withoutArguments } from "../forget/person.ts";
import { type ChangedMessage, DELETED, prepareRewrite } from "./rewrite.ts";

/** A changed message, and the turn that has answered it. */
export interface ChangedSource extends ChangedMessage {
  readonly messageId: MessageId;
  /** The message that the entries of its turn's calls belong to; absent: no turn has answered it. */
  readonly turnEntriesOf?: string;
  /** Rewrites the answer of that turn; absent: it stays, as it does at Discord. */
  readonly answer?: (text: string) => string;
}

/** Entries of earlier turns are not looked at: none of them can have a later message. */
const MARGIN_MS = 60 * 60_000;

/** Takes the place of calls and results of a turn whose question has changed. */
const NOT_KEPT = "[not kept: the question was changed after the answer]";

const PLACE = rows({ sessionKey: text() });
const AGENT = rows({ key: optional(text()) });
const NOTE_ROW = rows({ id: integer() });
const BOUNDS = rows({ first: optional(integer()), last: optional(integer()) });
const UP_TO = rows({ id: integer(), messageId: snowflake<"message">() });
const ENTRY = rows({
  id: integer(),
  role: text(),
  text: text(),
  calls: optional(text()),
  messageId: snowflake<"message">(),
});

type Row = ReturnType<typeof ENTRY.read>;

/** An entry that came from a message, now and without the message. */
interface ChangedEntry {
  readonly before: Row;
  readonly after: Row;
}

/** Such entries of one session, oldest first. */
interface FoundEntries {
  readonly sessionKey: string;
  readonly entries: readonly ChangedEntry[];
}

/**
 * Prepares the statements. The function is longer than most, because each statement stands here once.
 */
export function prepareSources(database: DatabaseSync) {
  const selectOwn = database.prepare(
    "SELECT DISTINCT session_key FROM entry WHERE message_id = ? AND role = 'user'",
  );
  // Steps from agent to agent in the index: reading every entry would take long.
  const nextAgent = database.prepare(
    "SELECT MIN(session_key) AS key FROM entry WHERE session_key > ?",
  );
  const hasSession = database.prepare(
    "SELECT session_key FROM entry WHERE session_key = ? LIMIT 1",
  );
  const selectEntries = database.prepare(
    `SELECT id, role, text, calls, message_id FROM entry
     WHERE session_key = :key AND id > :after
       AND (:id IS NULL OR message_id IN (:id, :turn) OR instr(text, :id) > 0)
     ORDER BY id`,
  );
  const selectBounds = database.prepare(
    `SELECT (SELECT MIN(id) FROM entry WHERE session_key = :key) AS first,
            (SELECT MAX(id) FROM entry WHERE session_key = :key) AS last`,
  );
  const selectUpTo = database.prepare(
    "SELECT id, message_id FROM entry WHERE session_key = ? AND id <= ? AND message_id <> '1' ORDER BY id DESC LIMIT 1",
  );
  const update = database.prepare("UPDATE entry SET text = ?, calls = ? WHERE id = ?");
  const selectNotes = database.prepare(
    "SELECT note_row AS id FROM note_source WHERE message_id = ?",
  );
  const removeNote = database.prepare("DELETE FROM note WHERE id = ?");
  const removeSources = database.prepare("DELETE FROM note_source WHERE note_row = ?");
  const unfold = database.prepare(
    `DELETE FROM checkpoint
     WHERE session_key = :key AND kind = 'summary' AND last_entry >= :entry
       AND id < COALESCE((SELECT MIN(id) FROM checkpoint
                          WHERE session_key = :key AND kind = 'reset' AND last_entry >= :entry),
                         9223372036854775807)`,
  );

  /** Sessions in which turns may have overheard or read messages of a channel. */
  function sessionsOf(channelId: ChannelId, messageIds: readonly MessageId[]): readonly string[] {
    const places = [channelId, ...messageIds]; // a thread has the id of its first message
    const found: string[] = [];
    for (let after = "agent:";;) {
      const { key = "" } = AGENT.read(nextAgent.get(after));
      const agent = /^agent:[^:]*:/.exec(key)?.[0];
      if (agent === undefined) return found;
      for (const place of places) {
        const key = `${agent}discord:channel:${place}`;
        if (hasSession.get(key)) found.push(key);
      }
      const group = `${agent}discord:group:${channelId}`;
      if (hasSession.get(group)) found.push(group);
      after = `${agent.slice(0, -1)};`; // behind all sessions of the agent
    }
  }

  /** The last entry before a time, by halves: a long session has many older entries. */
  function lastBefore(sessionKey: string, since: number): number {
    const { first, last } = BOUNDS.read(selectBounds.get({ key: sessionKey }));
    let below = (first ?? 1) - 1;
    let above = (last ?? 0) + 1;
    while (above - below > 1) {
      const middle = Math.floor((below + above) / 2);
      const row = selectUpTo.get(sessionKey, middle);
      const found = row && UP_TO.read(row);
      if (!found || createdAtMs(found.messageId) < since) below = middle;
      else above = found.id;
    }
    return below;
  }

  function removeNotes(messageId: MessageId): void {
    for (const row of selectNotes.all(messageId)) {
      const { id } = NOTE_ROW.read(row);
      removeSources.run(id);
      removeNote.run(id);
    }
  }

  function find(
    changed: readonly ChangedSource[],
    channelId: ChannelId | undefined,
    escape: (text: string) => string,
  ): readonly FoundEntries[] {
    const ids = changed.map(({ messageId }) => messageId);
    const own = ids.flatMap((id) => selectOwn.all(id).map((row) => PLACE.read(row).sessionKey));
    const others = channelId === undefined ? [] : sessionsOf(channelId, ids);
    const keys = [...new Set([...own, ...others])];
    if (keys.length === 0) return [];
    const since = Math.min(...ids.map(createdAtMs)) - MARGIN_MS;
    const rewrites = changed.map((one) => rewriteEntry(one, prepareRewrite(one, escape)));
    const [one, ...more] = changed;
    const only = one && more.length === 0 ? one : undefined; // mostly
    const named = new Set<unknown>(changed.flatMap((one) => [one.messageId, one.turnEntriesOf]));
    return keys.flatMap((sessionKey) => {
      const entries: ChangedEntry[] = [];
      const found = selectEntries.iterate({
        key: sessionKey,
        after: lastBefore(sessionKey, since),
        id: only?.messageId ?? null,
        turn: only?.turnEntriesOf ?? null,
      });
      for (const row of found) {
        if (!only && !names(row, named)) continue;
        const before = ENTRY.read(row);
        const after = rewrites.reduce((entry, rewrite) => rewrite(entry), before);
        if (after !== before) entries.push({ before, after });
      }
      return entries.length > 0 ? [{ sessionKey, entries }] : [];
    });
  }

  return {
    /**
     * Finds the entries that came from messages of one channel, without changing them.
     *
     * @param channelId Absent: only entries of sessions that have the messages as their own.
     */
    find,
    /**
     * Changes everything that came from messages of one channel.
     *
     * @param escape Escapes words by people for a fence.
     * @returns The sessions whose transcripts have changed.
     */
    change(
      changed: readonly ChangedSource[],
      channelId: ChannelId,
      escape: (text: string) => string,
    ): readonly string[] {
      for (const { messageId } of changed) removeNotes(messageId);
      return find(changed, channelId, escape).map(({ sessionKey: key, entries }) => {
        for (const { after: { id, text, calls } } of entries) update.run(text, calls ?? null, id);
        unfold.run({ key, entry: entries[0]?.before.id ?? 0 });
        return key;
      });
    },
  };
}

/** Whether an entry belongs to one of many messages, or names one: most do not. */
function names(
  { message_id: of, text }: Readonly<Record<string, unknown>>,
  ids: ReadonlySet<unknown>,
): boolean {
  if (ids.has(of)) return true;
  for (const [id] of String(text).matchAll(/\d{15,20}/g)) if (ids.has(id)) return true;
  return false;
}

function rewriteEntry(
  { messageId, now, turnEntriesOf, answer }: ChangedSource,
  rewrite: (text: string) => string,
): (entry: Row) => Row {
  return (entry) => {
    const { role, messageId: of } = entry;
    if (!now && role === "user" && of === messageId) return withText(entry, DELETED);
    const isOfTurn = of === turnEntriesOf && role !== "user";
    if (isOfTurn && entry.calls === undefined && answer) return withText(entry, answer(entry.text));
    if (!isOfTurn || entry.calls === undefined) return withText(entry, rewrite(entry.text));
    const bare = { ...withText(entry, NOT_KEPT), calls: withoutArguments(entry.calls ?? "[]") };
    return bare.text === entry.text && bare.calls === entry.calls ? entry : bare;
  };
}

function withText(entry: Row, text: string): Row {
  return text === entry.text ? entry : { ...entry, text };
}
