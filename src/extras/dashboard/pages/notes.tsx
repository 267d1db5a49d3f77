/** Part of the page Memory: the agent's notes with their sources, as of `barnacle memory list` (T14). */

/** @jsxImportSource hono/jsx */

import type { Note } from "../../../core/notes/note.ts";
import { Card, ChangeForm, Command, PageLink, Table, Time } from "../base/elements.tsx";
import { type AnyPage, page } from "../base/page.ts";
import { deleteNote } from "../changes/agent.ts";
import type { NamesById } from "./names.ts";

/** Lists notes, and offers to delete them. */
export const notesPart: AnyPage = page<{
  readonly notes: readonly Note[];
  readonly names: NamesById;
}>({
  async load({ store }) {
    return { notes: await store.notes.all(), names: await store.messages.askersNames() };
  },
  view: ({ notes, names }) => (
    <Card id="notes" title="Notes">
      <Table
        caption="Notes"
        empty="No notes."
        rowHead={1}
        head={["Note", "Text", "For", "By", "From messages", "Changed", "Actions"]}
        rows={notes.map((note) => [
          String(note.id),
          <span class="words">{note.text}</span>,
          <>
            {note.scope} <code>{note.scopeKey}</code>, agent {note.agentId}
          </>,
          names.get(note.authorId) ?? note.authorId,
          note.sources.length === 0 ? "none" : note.sources.map((message) => (
            <>
              <PageLink to="activity" query={{ message }}>{message}</PageLink>
              {" "}
            </>
          )),
          <Time at={note.updatedAt} />,
          <ChangeForm
            change={deleteNote}
            fields={{ id: String(note.id) }}
            of={`note ${note.id}`}
          />,
        ])}
      />
      <p class="hint">
        <Command>barnacle memory list</Command>
      </p>
    </Card>
  ),
});
