/**
 * Replaces the entries of a turn in their place in the transcript, because the turn has followed an
 * edit of its question (H6a). Works within a transaction of the caller's.
 */

import type { DatabaseSync } from "node:sqlite";
import { integer, rows } from "../schema/columns.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import type { Entry } from "../../core/inbound/transcript.ts";
import { type EntryPlace, writeEntry } from "./transcripts.ts";

const ID = rows({ id: integer() });

/**
 * Replaces the entries of messages.
 *
 * @returns The entries that have no place among the earlier ones: the caller adds them.
 */
export type ReplaceEntries = (
  place: EntryPlace,
  messageIds: readonly MessageId[],
  entries: readonly Entry[],
) => readonly Entry[];

/** Prepares the statements. */
export function prepareReplaceEntries(database: DatabaseSync): ReplaceEntries {
  const select = database.prepare(
    `SELECT id FROM entry
     WHERE session_key = ? AND message_id IN (SELECT value FROM json_each(?)) ORDER BY id`,
  );
  const remove = database.prepare("DELETE FROM entry WHERE id = ?");
  const update = database.prepare(
    "UPDATE entry SET channel_id = ?, role = ?, text = ?, calls = ?, message_id = ?, at = ? WHERE id = ?",
  );

  return (place, messageIds, entries) => {
    const ids = select.all(place.sessionKey, JSON.stringify(messageIds)).map((row) =>
      ID.read(row).id
    );
    const plain = entries.filter((entry) => entry.role === "user" || isAnswer(entry));
    // Numbers are in the order of the transcript, so there is no room for more entries than before.
    const kept = entries.length <= ids.length ? entries : plain;
    const fits = kept.length <= ids.length;
    for (const id of fits ? ids.slice(kept.length) : ids) remove.run(id);
    if (!fits) return entries;
    for (const [index, entry] of kept.entries()) {
      update.run(place.channelId, ...writeEntry(entry), ids[index] ?? 0);
    }
    return [];
  };
}

function isAnswer(entry: Entry): boolean {
  return entry.role === "assistant" && entry.calls === undefined;
}
