/** Works on notes with the rights of the asker, and only on those of the asker's space (T14, SEC-R4). */

import { cleanSecrets } from "../../account/per_account.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import { badArguments, RefusedCall, type ToolContext } from "../../core/turn/tool.ts";
import { showing } from "../../flows/actions/targets.ts";
import { isOwner } from "../../flows/owners/owner_ids.ts";
import { MAX_NOTES, type Note, type NoteScope, scopeKeyOf, spaceOf, visibleKeys } from "./store.ts";

interface WrittenNote {
  readonly text: string;
  /** Messages that it came from, beside the asker's own. */
  readonly sources: readonly MessageId[];
  readonly isOwnWords: boolean;
}

/** The messages that a note comes from. The asker's also stands for all that its turn reads (H6a). */
const sourcesOf = ({ message }: ToolContext, { sources }: WrittenNote) => [
  ...new Set([message.id, ...sources]),
];

/** A note that the asker's turn sees and that the asker may change. */
async function changeable(
  { account, agentId, message }: ToolContext,
  id: number,
): Promise<Note | undefined> {
  const note = await account.store.notes.find(id);
  if (note?.agentId !== agentId) return undefined;
  const owns = isOwner(account, message);
  if (!visibleKeys(message, owns).includes(note.scopeKey)) return undefined;
  if (note.authorId === message.sender.id || owns) return note;
  throw new RefusedCall(
    "not_theirs",
    `only its author or an owner of the bot may change note ${id}`,
  );
}

/** A repetition of the call saves no second note. */
export async function saveNote(
  call: ToolContext,
  { scope, ...written }: WrittenNote & { readonly scope: NoteScope },
): Promise<Note> {
  const { account, agentId, message, callKey } = call;
  const scopeKey = scopeKeyOf(scope, message);
  if (scopeKey === undefined) {
    throw badArguments(
      scope === "guild"
        ? "there is no server here; use another scope"
        : "notes of the agent are only for direct messages of owners; use another scope",
    );
  }
  if ((scope === "guild" || scope === "agent") && !isOwner(account, message)) {
    throw new RefusedCall("owners_only", `only an owner of the bot may save notes of the ${scope}`);
  }
  const note = await account.store.notes.save({
    agentId,
    scope,
    scopeKey,
    callKey,
    isOwnWords: written.isOwnWords,
    space: spaceOf(message),
    channelId: message.channelId,
    authorId: message.sender.id,
    text: cleanSecrets(account, written.text.trim()),
    sources: sourcesOf(call, written),
  }, account.now());
  if (note) return note;
  throw new RefusedCall(
    "budget",
    `this scope has ${MAX_NOTES} notes already; delete or merge some of them first`,
  );
}

/** Visible notes that have words of the query, the best first; without words, the newest. */
export async function searchNotes(
  { account, agentId, message }: ToolContext,
  query: string,
  limit: number,
): Promise<readonly Note[]> {
  const keys = visibleKeys(message, isOwner(account, message));
  const mayShow = showing(account, message);
  const shown: Note[] = [];
  for (const note of await account.store.notes.search(agentId, keys, query, MAX_NOTES)) {
    if (shown.length < limit && await mayShow(note.channelId)) shown.push(note);
  }
  return shown;
}

export async function updateNote(
  call: ToolContext,
  id: number,
  written: WrittenNote,
): Promise<void> {
  const { account, message } = call;
  const note = await changeable(call, id);
  if (!note) throw badArguments(`there is no note ${id} here`);
  const isOfHere = message.place.kind !== "guild" || note.channelId === message.channelId;
  if (!isOfHere) throw badArguments(`note ${id} is of another channel: save a new one`);
  const text = cleanSecrets(account, written.text.trim());
  const from = sourcesOf(call, written);
  await account.store.notes.update(id, text, from, account.now(), written.isOwnWords);
}

/** A second call does nothing. @returns Whether there was such a note. */
export async function removeNote(call: ToolContext, id: number): Promise<boolean> {
  const note = await changeable(call, id);
  if (note) await call.account.store.notes.remove(id);
  return note !== undefined;
}
