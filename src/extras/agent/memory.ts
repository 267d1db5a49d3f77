/**
 * `barnacle memory`: lists, shows and deletes the agent's notes (T14), and traces what came from a
 * message (H6a), with and without a running bot.
 */

import { changeRows, printList } from "../../cli/shared/columns.ts";
import { parseUser } from "../../core/outbound/target.ts";
import type { Note } from "../../core/notes/note.ts";
import { printable, quoted } from "../../lib/text/quoted.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { withStore } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { countText, timeText } from "../../lib/text/units.ts";
import type { SourceTrace } from "../../store/trace.ts";
import { parseSubject } from "../../cli/verdict/subject.ts";

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

/** Lists everything that came from a message, and changes nothing (H6a). */
export function trace(flags: CommonFlags, written: string, io: Io): Promise<ExitCode> {
  const subject = parseSubject(written);
  if (subject.kind !== "message") {
    io.problem(`${quoted(written)} is no message: give its link or its id`);
    return Promise.resolve(EXIT.usage);
  }
  return withStore(flags, io, async ({ sources }) => {
    const found = await sources.trace(subject.messageId, subject.place?.channelId);
    if (flags.json) io.out(JSON.stringify(found));
    else for (const line of traceLines(found)) io.out(line);
    return EXIT.done;
  });
}

function traceLines(found: SourceTrace): readonly string[] {
  const { messageId, turn, entries, readers, notes, summaries, isOverheard, models } = found;
  const own = entries.filter(({ of }) => of === messageId).length;
  const others = entries.filter(({ of }) => of !== messageId);
  const lines = [
    ...(own > 0 ? [`Transcript: ${countText(own, "entry", "entries")} of its own turn`] : []),
    ...others.map(({ of, sessionKey, role }) =>
      `Transcript: repeated in the ${role} entry of message ${of} (${printable(sessionKey)})`
    ),
    ...readers.map((id) => `Answer, calls, results and cards: of the turn of message ${id}`),
    ...summaries.map(({ sessionKey, at }) =>
      `Summary: of ${timeText(at)} (${printable(sessionKey)})`
    ),
    ...notes.map((id) => `Note: ${id}`),
    ...(isOverheard ? ["Context: kept as an overheard message of its channel"] : []),
  ];
  if (!turn && lines.length === 0) return [`Nothing in the store came from message ${messageId}.`];
  const { state, change } = turn ?? {};
  const since = change === undefined ? "" : `, ${change} since`;
  return [
    turn
      ? `Message ${messageId}: ${state}${since}`
      : `Message ${messageId}: no turn has answered it`,
    ...lines.map((line) => `  ${line}`),
    "If its sender deletes it while the bot runs, all of these go from the store.",
    ...(models.length > 0
      ? [
        `Cannot be undone: its words were sent to the server of ${
          models.map((model) => printable(model)).join(", ")
        }.`,
      ]
      : []),
  ];
}

export function unknownNote(id: number): string {
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
