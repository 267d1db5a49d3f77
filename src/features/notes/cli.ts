/** `barnacle memory`: lists, shows and deletes the agent's notes, with and without a running bot. */

import { changeRows, printList } from "../../cli/shared/columns.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { withStore } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { parseUser } from "../../core/outbound/target.ts";
import { printable, quoted } from "../../lib/text/quoted.ts";
import { timeText } from "../../lib/text/units.ts";
import type { Note } from "./store.ts";

/** Options of `memory list`. */
export interface MemoryFlags extends CommonFlags {
  /** Lists only notes from messages of this user. */
  readonly user?: string;
}

const PREVIEW_CHARS = 80;

export function list(flags: MemoryFlags, io: Io): Promise<ExitCode> {
  const userId = flags.user === undefined ? undefined : parseUser(flags.user);
  if (flags.user !== undefined && userId === undefined) {
    io.problem(`${quoted(flags.user)} is not a user id`);
    return Promise.resolve(EXIT.usage);
  }
  return withStore(flags, io, async ({ notes }) => {
    return printList(await notes.all(userId), "No notes.", flags, io, (all) => all.map(lineOf));
  });
}

export function show(flags: CommonFlags, id: number, io: Io): Promise<ExitCode> {
  return withStore(flags, io, async ({ notes }) => {
    const note = await notes.find(id);
    if (!note) {
      io.problem(unknownNote(id));
      return EXIT.failed;
    }
    if (flags.json) {
      io.out(JSON.stringify(note));
      return EXIT.done;
    }
    io.out(`Note ${id} (${note.scopeKey}) by user:${note.authorId}`);
    io.out(`Written ${timeText(note.createdAt)}, changed ${timeText(note.updatedAt)}`);
    io.out(`From messages: ${note.sources.join(", ") || "none"}`);
    for (const line of note.text.split("\n")) io.out(`  ${printable(line)}`);
    return EXIT.done;
  });
}

export function remove(flags: CommonFlags, ids: readonly number[], io: Io): Promise<ExitCode> {
  const words = { key: "deleted", done: "deleted", failed: unknownNote };
  return withStore(
    flags,
    io,
    ({ notes }) => changeRows(ids, (id) => notes.remove(id), words, flags, io),
  );
}

function unknownNote(id: number): string {
  return `no note ${id}; \`barnacle memory list\` shows them`;
}

function lineOf({ id, scopeKey, authorId, text, updatedAt }: Note): string {
  const preview = text.length > PREVIEW_CHARS ? `${text.slice(0, PREVIEW_CHARS)}…` : text;
  return [
    String(id).padStart(6),
    timeText(updatedAt),
    scopeKey,
    `user:${authorId}`,
    quoted(preview, PREVIEW_CHARS + 1),
  ].join("  ");
}
