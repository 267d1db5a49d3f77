/** `/memory`: the notes of the asker's messages (T14). */

import { cleanSecrets } from "../../account/per_account.ts";
import type { Command } from "../../interactions/base/command.ts";
import { plain } from "../../lib/text/quoted.ts";
import { MAX_NOTE_CHARS, type Note, spaceOf } from "./store.ts";

/** Maximum number of notes in one answer, and of characters of each. */
const SHOWN = 15;
const PREVIEW_CHARS = 90;

/** Works on one's own notes: in a server, on those of that server; in direct messages, on all. */
export const memory: Command = {
  name: "memory",
  isPrivate: true,
  description: "Show, edit or delete my notes from your messages",
  options: [
    { name: "show", description: "Number of a note to show whole", type: "whole" },
    { name: "edit", description: "Number of a note to edit", type: "whole" },
    { name: "text", description: "New text of that note", type: "text" },
    { name: "delete", description: "Number of a note to delete", type: "whole" },
  ],
  needs: "everyone",
  async run(call, account) {
    const { store: { notes }, now } = account;
    const { sender, place, options } = call;
    const isOwn = (note: Note | undefined): note is Note =>
      note?.authorId === sender.id && (place.kind === "dm" || note.space === spaceOf(call));
    const { show, edit, text, delete: deleted } = options;
    const number = [deleted, edit, show].find((value) => typeof value === "number");
    if (typeof number !== "number") {
      const space = place.kind === "dm" ? undefined : spaceOf(call);
      const own = await notes.by(sender.id, space, SHOWN + 1);
      return own.length === 0 ? "I keep no notes from your messages here." : listOf(own);
    }
    const note = await notes.find(number);
    if (!isOwn(note)) return `You have no note ${number} here. \`/memory\` lists yours.`;
    if (number === deleted) {
      await notes.remove(number);
      return `Note ${number} is deleted.`;
    }
    if (number !== edit) return `**${note.id}** (${note.scope}) ${plain(note.text)}`;
    const words = typeof text === "string" ? text.trim() : "";
    if (words === "" || words.length > MAX_NOTE_CHARS) {
      return `To edit a note, give its new \`text\` of at most ${MAX_NOTE_CHARS} characters.`;
    }
    await notes.update(number, cleanSecrets(account, words), [], now(), true);
    return `Note ${number} is changed.`;
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
