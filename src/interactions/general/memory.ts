/**
 * `/memory`: shows, edits and deletes the notes of the person who asks (T14).
 *
 * @module
 */

import { MAX_NOTE_CHARS, type Note, spaceOf } from "../../core/notes/note.ts";
import { notice } from "../../render/notices/notices.ts";
import type { Command } from "../base/command.ts";

/** Maximum number of notes in one answer, and of characters of each. */
const SHOWN = 15;
const PREVIEW_CHARS = 90;

/** Works on one's own notes: in a server, on those of that server; in direct messages, on all. */
export const memory: Command = {
  name: "memory",
  isPrivate: true,
  description: "Show, edit or delete the notes that I keep from your messages",
  options: [
    {
      name: "show",
      description: "Number of a note to show whole",
      type: "whole",
      isRequired: false,
    },
    { name: "edit", description: "Number of a note to edit", type: "whole", isRequired: false },
    { name: "text", description: "New text of that note", type: "text", isRequired: false },
    { name: "delete", description: "Number of a note to delete", type: "whole", isRequired: false },
  ],
  needs: "everyone",
  async run(call, { notes, cleanSecrets, texts, now }) {
    const { sender, place, options } = call;
    const isOwn = (note: Note | undefined): note is Note =>
      note?.authorId === sender.id && (place.kind === "dm" || note.space === spaceOf(call));
    const { show, edit, text, delete: deleted } = options;
    const number = [deleted, edit, show].find((value) => typeof value === "number");
    if (typeof number !== "number") {
      const space = place.kind === "dm" ? undefined : spaceOf(call);
      const own = await notes.by(sender.id, space, SHOWN + 1);
      return own.length === 0 ? notice("memoryEmpty", {}, texts()) : listOf(own);
    }
    const note = await notes.find(number);
    if (!isOwn(note)) return notice("memoryUnknown", { number }, texts());
    if (number === deleted) {
      await notes.remove(number);
      return notice("memoryDeleted", { number }, texts());
    }
    if (number !== edit) return `**${note.id}** (${note.scope}) ${plain(note.text)}`;
    const words = typeof text === "string" ? text.trim() : "";
    if (words === "" || words.length > MAX_NOTE_CHARS) {
      return notice("memoryNeedsText", { max: MAX_NOTE_CHARS }, texts());
    }
    await notes.update(number, cleanSecrets(words), [], now());
    return notice("memoryEdited", { number }, texts());
  },
};

function listOf(notes: readonly Note[]): string {
  const lines = notes.slice(0, SHOWN).map(({ id, scope, text }) => {
    const words = plain(text).replaceAll(/\s+/g, " ");
    const preview = words.length > PREVIEW_CHARS ? `${words.slice(0, PREVIEW_CHARS)}…` : words;
    return `**${id}** (${scope}) ${preview}`;
  });
  return [...lines, ...(notes.length > SHOWN ? ["…"] : [])].join("\n");
}

/** A note as plain text: no Markdown hides a part of it. */
function plain(text: string): string {
  return text.replace(/[\\*_~`|>#[\]()<-]/g, "\\$&");
}
