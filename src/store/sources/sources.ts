/**
 * Removes the words of a deleted message from the agent's memory, or puts its new words in their
 * place, within a transaction of the caller's (H6a).
 *
 * A message is the source of entries of transcripts (its own, and those of turns that overheard, quoted
 * or read it), of notes, and of the summaries that took the place of these entries. Summaries are
 * removed: their entries are in the context again, and the next turns fold them anew.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import { type ChannelId, createdAtMs, type MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { readable } from "../../core/inbound/mentions.ts";
import { integer, optional, rows, snowflake, text } from "../schema/columns.ts";
import { namesOne, prepareReaders, type SourceReaders } from "../forget/readers.ts";

export interface ChangedSource extends ChangedMessage {
  readonly messageId: MessageId;
  /** The message that the entries of its turn's calls belong to; absent: no turn has answered it. */
  readonly turnEntriesOf?: string;
}

/** Entries of earlier turns are not looked at: none of them can have a later message. */
const MARGIN_MS = 60 * 60_000;

const PLACE = rows({ sessionKey: text() });
const AGENT = rows({ key: optional(text()) });
const BOUNDS = rows({ first: optional(integer()), last: optional(integer()) });
const UP_TO = rows({ id: integer(), messageId: snowflake<"message">() });
const ENTRY = rows({
  id: integer(),
  role: text(),
  text: text(),
  messageId: snowflake<"message">(),
});

type Row = ReturnType<typeof ENTRY.read>;

/** An entry that came from a message, now and without the message. */
interface ChangedEntry {
  readonly before: Row;
  readonly after: Row;
}

/** Prepares the statements. */
export function prepareSources(database: DatabaseSync) {
  const sql = statementsOf(database);
  const selectOwn = sql.rows(PLACE.read)`
    SELECT DISTINCT session_key FROM entry WHERE message_id = ? AND role = 'user'`;
  // Steps from agent to agent in the index: reading every entry would take long.
  const nextAgent = sql.rows(AGENT.read)`
    SELECT MIN(session_key) AS key FROM entry WHERE session_key > ?`;
  const hasSession = sql`SELECT session_key FROM entry WHERE session_key = ? LIMIT 1`;
  const selectEntries = sql`SELECT id, role, text, message_id FROM entry
     WHERE session_key = ? AND id > ? ORDER BY id`;
  const selectBounds = sql.rows(BOUNDS.read)`
    SELECT (SELECT MIN(id) FROM entry WHERE session_key = :key) AS first,
           (SELECT MAX(id) FROM entry WHERE session_key = :key) AS last`;
  const selectUpTo = sql.rows(UP_TO.read)`
    SELECT id, message_id FROM entry WHERE session_key = ? AND id <= ? AND message_id <> '1' ORDER BY id DESC LIMIT 1`;
  const update = sql`UPDATE entry SET text = ? WHERE id = ?`;
  // Thinking after a message may repeat its words.
  const removeCarried = sql`UPDATE entry SET carried = NULL
     WHERE session_key = :key AND id >= :entry AND carried IS NOT NULL`;
  const removeNotes = sql`DELETE FROM note
     WHERE id IN (SELECT note_row FROM note_source WHERE message_id = ?)`;
  const unfold = sql`DELETE FROM checkpoint
     WHERE session_key = :key AND kind = 'summary' AND last_entry >= :entry
       AND id < COALESCE((SELECT MIN(id) FROM checkpoint
                          WHERE session_key = :key AND kind = 'reset' AND last_entry >= :entry),
                         9223372036854775807)`;

  const readers = prepareReaders(database);

  /** Sessions in which turns may have overheard or read messages of a channel. */
  function sessionsOf(channelId: ChannelId, messageIds: readonly MessageId[]): readonly string[] {
    const places = [channelId, ...messageIds]; // a thread has the id of its first message
    const found: string[] = [];
    for (let after = "agent:";;) {
      const { key = "" } = nextAgent.one(after);
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
    const { first, last } = selectBounds.one({ key: sessionKey });
    let below = (first ?? 1) - 1;
    let above = (last ?? 0) + 1;
    while (above - below > 1) {
      const middle = Math.floor((below + above) / 2);
      const found = selectUpTo.get(sessionKey, middle);
      if (!found || createdAtMs(found.messageId) < since) below = middle;
      else above = found.id;
    }
    return below;
  }

  function placesOf(changed: readonly ChangedSource[], channelId: ChannelId) {
    const ids = changed.map(({ messageId }) => messageId);
    const own = ids.flatMap((id) => selectOwn.all(id).map(({ sessionKey }) => sessionKey));
    const others = sessionsOf(channelId, ids);
    const since = Math.min(...ids.map(createdAtMs)) - MARGIN_MS;
    return { keys: [...new Set([...own, ...others])], since };
  }

  /** The words of turns that have read messages of one channel. */
  function readBy(changed: readonly ChangedSource[], channelId: ChannelId) {
    const { keys: sessions, since } = placesOf(changed, channelId);
    const isEdit = changed.some(({ now }) => now !== undefined);
    const ids = new Set<unknown>(changed.flatMap((one) => [one.messageId, one.turnEntriesOf]));
    const after = (key: string) => lastBefore(key, since);
    return readers.find(ids, { since, after, sessions, isEdit });
  }

  function find(
    changed: readonly ChangedSource[],
    channelId: ChannelId,
    escape: (text: string) => string,
  ): readonly { readonly sessionKey: string; readonly entries: readonly ChangedEntry[] }[] {
    const { keys, since } = placesOf(changed, channelId);
    if (keys.length === 0) return [];
    const rewrites = changed.map((one) => rewriteEntry(one, prepareRewrite(one, escape)));
    const named = new Set<unknown>(changed.flatMap((one) => [one.messageId, one.turnEntriesOf]));
    return keys.flatMap((sessionKey) => {
      const entries: ChangedEntry[] = [];
      for (const row of selectEntries.iterate(sessionKey, lastBefore(sessionKey, since))) {
        if (!named.has(row["message_id"]) && !namesOne(String(row["text"]), named)) continue;
        const before = ENTRY.read(row);
        const after = rewrites.reduce((entry, rewrite) => rewrite(entry), before);
        if (after !== before) entries.push({ before, after });
      }
      return entries.length > 0 ? [{ sessionKey, entries }] : [];
    });
  }

  return {
    /**
     * Changes everything that came from messages of one channel.
     *
     * @param escape Escapes words by people for a fence.
     * @returns The sessions whose transcripts have changed, and the turns that have read the messages.
     */
    change(
      changed: readonly ChangedSource[],
      channelId: ChannelId,
      escape: (text: string) => string,
    ): { readonly keys: readonly string[]; readonly read: SourceReaders } {
      for (const { messageId } of changed) removeNotes.run(messageId);
      const read = readBy(changed, channelId);
      readers.remove(read);
      const firsts = new Map(Array.from(read.sessions, ([key, [first = 0]]) => [key, first]));
      for (const { sessionKey: key, entries } of find(changed, channelId, escape)) {
        for (const { after: { id, text } } of entries) update.run(text, id);
        firsts.set(key, Math.min(firsts.get(key) ?? Infinity, entries[0]?.before.id ?? 0));
      }
      for (const [key, entry] of firsts) {
        removeCarried.run({ key, entry });
        unfold.run({ key, entry });
      }
      return { keys: [...firsts.keys()], read };
    },
  };
}

function rewriteEntry(
  { messageId, now }: ChangedSource,
  rewrite: (text: string) => string,
): (entry: Row) => Row {
  return (entry) => {
    const { role, messageId: of } = entry;
    if (!now && role === "user" && of === messageId) return withText(entry, DELETED);
    return withText(entry, rewrite(entry.text));
  };
}

function withText(entry: Row, text: string): Row {
  return text === entry.text ? entry : { ...entry, text };
}

export interface ChangedMessage {
  readonly messageId: string;
  /** The message as it is now; absent: it is deleted. */
  readonly now?: Pick<InboundMessage, "text" | "extras" | "names">;
}

const DELETED = "[The sender has deleted this message.]";
/** Takes the place of its words where another message quotes it. */
const DELETED_QUOTE = "[deleted by its sender since]";
/** Takes the place of an earlier text of a message that a tool has read. */
const EDITED_SINCE = "[edited by its sender since]";

/**
 * Rewrites texts of turns that repeat a message whose sender has edited or deleted it (H6a).
 *
 * Barnacle wrote these texts itself (`render/prompt/envelope.ts`, results of tools), so each place that
 * repeats a message names its id: the fence of the message, the fence of a quote, and a line of JSON for
 * each overheard or read message. Everything else stays as it is, byte for byte.
 *
 * @param escape Escapes words by people for a fence.
 */
export function prepareRewrite(
  { messageId, now: edited }: ChangedMessage,
  escape: (text: string) => string,
): (text: string) => string {
  const now = edited && { ...edited, text: readable(edited.text, edited.names) };
  const own = new RegExp(
    `(\\[message_id: ${messageId}\\][^\\n]*\\n)(?:\\[voice message [^\\n]*\\n)?` +
      `<message boundary="([^"\\n]*)">\\n[^]*?\\n</message>` +
      `(?:\\n<extras boundary="\\2">\\n[^]*?\\n</extras>)?`,
    "g",
  );
  const quote = new RegExp(
    `(\\[discord message id: ${messageId}\\][^\\n]*\\n<quoted boundary="([^"\\n]*)">\\n)` +
      `[^]*?(\\n</quoted>)`,
    "g",
  );

  const ownNow = (_: string, head: string, boundary: string): string => {
    const fenced = (name: string, text: string) =>
      `<${name} boundary="${boundary}">\n${escape(text)}\n</${name}>`;
    if (!now) return `${head}${fenced("message", DELETED)}`;
    const extras = now.extras.map((extra) => JSON.stringify({ ...extra })).join("\n");
    const shown = [fenced("message", now.text), ...(extras && [fenced("extras", extras)])];
    return head + shown.join("\n");
  };

  /** @returns `undefined` for a line to remove. */
  function line(written: string): string | undefined {
    if (!written.startsWith("{") || !written.includes(messageId)) return written;
    const fields = fieldsOf(written);
    if (!fields) return written;
    if (fields["id"] === messageId) {
      return now ? escape(JSON.stringify({ ...fields, text: now.text })) : undefined;
    }
    if (fields["message_id"] === messageId) {
      return now ? JSON.stringify({ ...fields, text: EDITED_SINCE }) : undefined;
    }
    if (fields["to_message"] !== messageId || !("message_begins" in fields)) return written;
    const { message_begins: _, ...rest } = fields;
    return JSON.stringify(rest);
  }

  return (text) => {
    if (!text.includes(messageId)) return text; // most texts
    const fences = text.replace(own, ownNow).replace(
      quote,
      (_, head: string, _boundary: string, end: string) =>
        head + (now ? escape(now.text) : DELETED_QUOTE) + end,
    );
    return fences.split("\n").flatMap((written) => line(written) ?? []).join("\n");
  };
}

function fieldsOf(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const fields: unknown = JSON.parse(line);
    return typeof fields === "object" && fields !== null ? { ...fields } : undefined;
  } catch {
    return undefined; // not one of our lines
  }
}
