/**
 * `barnacle sessions`: lists conversations, shows and exports their transcripts, and begins new ones
 * (S2, S4a), with and without a running bot.
 */

import type { Entry } from "../../core/inbound/transcript.ts";
import type { NumberedEntry } from "../../core/turn/checkpoint.ts";
import { createHash } from "node:crypto";
import { bounded } from "../../lib/text/cut.ts";
import { printable, quoted } from "../../lib/text/quoted.ts";
import { saidIn } from "../../render/prompt/plain_summary.ts";
import { displayNameOf } from "../../session/session_key.ts";
import { inColumns, wrapLines } from "../shared/columns.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { CommonFlags } from "../shared/command.ts";
import { jsonLine } from "../../lib/text/json.ts";
import { withStore } from "../shared/with_store.ts";
import type { Io } from "../terminal/io.ts";
import { timeText } from "../../lib/text/units.ts";
import type { ListedCheckpoint, ListedSession } from "../../core/store/sessions.ts";
import type { Store } from "../../core/store/store.ts";

/** Options of `sessions show`. */
export interface ShowFlags extends CommonFlags {
  /** Number of the newest entries to show. */
  readonly limit: number;
}

/** UTF-16 units of an entry's text on one line. */
const PREVIEW_CHARS = 200;
/** Entries that an export reads at once. */
const PAGE = 500;

/** Lists all sessions, the one with the newest entry first. */
export function list(flags: CommonFlags, io: Io): Promise<ExitCode> {
  return withStore(flags, io, async ({ sessions }) => {
    const all = await sessions.list();
    if (flags.json) {
      io.out(jsonLine(all.map(publicOf)));
      return EXIT.done;
    }
    if (all.length === 0) io.err("No sessions yet.");
    const rows = all.map((session) => [
      handleOf(session),
      nameOf(session) ?? session.newest?.sender.username ?? "",
      `${session.open} shown`,
      `${session.current - session.open} folded`,
      `${session.entries} in all`,
      timeText(session.lastAt),
      session.sessionKey,
    ]);
    for (const line of inColumns(rows)) io.out(line);
    return EXIT.done;
  });
}

/** Shows the newest entries of a session, with its resets and summaries. */
export function show(flags: ShowFlags, key: string, io: Io): Promise<ExitCode> {
  return withSession(flags, key, io, async (session, { sessions }) => {
    const { sessionKey } = session;
    const entries = await sessions.newestOf(sessionKey, flags.limit);
    const checkpoints = await sessions.checkpointsOf(sessionKey);
    if (flags.json) {
      io.out(jsonLine({ ...publicOf(session), checkpoints, newest: entries.map(flat) }));
      return EXIT.done;
    }
    const name = nameOf(session);
    io.out(
      [handleOf(session), name === undefined ? undefined : printable(name), sessionKey]
        .filter((part) => part !== undefined).join("  "),
    );
    io.out(
      `${session.open} entries shown, ${session.current - session.open} folded, ` +
        `${session.entries} in all`,
    );
    const first = entries[0]?.id ?? 0;
    const shown = checkpoints.filter(({ lastEntry }) => lastEntry >= first);
    for (const { id, entry } of entries) {
      for (const line of wrapLines([lineOf(id, entry)], io.columns)) io.out(line);
      for (const checkpoint of shown) {
        if (checkpoint.lastEntry === id) io.out(checkpointLine(checkpoint));
      }
    }
    return EXIT.done;
  });
}

/** Begins a new transcript under the same key. */
export function reset(flags: CommonFlags, key: string, io: Io): Promise<ExitCode> {
  return withSession(flags, key, io, async ({ sessionKey }, { sessions }) => {
    const left = await sessions.reset(sessionKey, "command", Date.now());
    if (flags.json) io.out(jsonLine({ sessionKey, leftBehind: left }));
    else if (left === 0) io.err("The transcript is new already; nothing changed.");
    else io.out(`Began a new transcript; ${left} entries stay stored, and the model sees none`);
    return EXIT.done;
  });
}

/** Writes all entries and checkpoints of a session as JSON lines, oldest first. */
export function exportSession(flags: CommonFlags, key: string, io: Io): Promise<ExitCode> {
  return withSession(flags, key, io, async ({ sessionKey }, { sessions }) => {
    const checkpoints = [...await sessions.checkpointsOf(sessionKey)];
    const checkpointsUpTo = (id: number) => {
      while (checkpoints[0] && checkpoints[0].lastEntry <= id) {
        io.out(jsonLine({ type: "checkpoint", ...checkpoints[0] }));
        checkpoints.shift();
      }
    };
    for (let after = 0;;) {
      const page = await sessions.page(sessionKey, after, PAGE);
      for (const numbered of page) {
        checkpointsUpTo(numbered.id - 1);
        io.out(jsonLine({ type: "entry", ...flat(numbered) }));
      }
      const last = page.at(-1);
      if (!last) break;
      after = last.id;
    }
    checkpointsUpTo(Infinity);
    return EXIT.done;
  });
}

/** @param key A key, or the handle of one. */
function withSession(
  flags: CommonFlags,
  key: string,
  io: Io,
  work: (session: ListedSession, store: Store) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withStore(flags, io, async (store) => {
    const all = await store.sessions.list();
    const named = all.filter((one) => one.sessionKey === key);
    const [session, ...others] = named.length > 0
      ? named
      : all.filter((one) => handleOf(one) === key.toLowerCase());
    if (session && others.length === 0) return await work(session, store);
    io.problem(
      session
        ? `several sessions have the handle ${key}; name the whole key`
        : `no session ${quoted(key, PREVIEW_CHARS)}; \`barnacle sessions list\` shows the keys`,
    );
    return EXIT.failed;
  });
}

/** Hex digits of a handle. */
const HANDLE_DIGITS = 6;

/** A short name of a session, which people can type: the beginning of its key's hash. */
function handleOf({ sessionKey }: Pick<ListedSession, "sessionKey">): string {
  return createHash("sha256").update(sessionKey).digest("hex").slice(0, HANDLE_DIGITS);
}

/** The display name (S2); `undefined` for direct messages, and once the newest message is deleted. */
function nameOf({ newest }: ListedSession): string | undefined {
  return newest?.place.kind === "guild" ? displayNameOf(newest.place) : undefined;
}

function publicOf(session: ListedSession): object {
  const { newest: _, ...rest } = session;
  return { ...rest, handle: handleOf(session), name: nameOf(session) };
}

function flat({ id, entry }: NumberedEntry): object {
  return { id, ...entry, at: new Date(entry.at).toISOString() };
}

/** One line for an entry: its words, without the envelope that the model reads around them. */
function lineOf(id: number, entry: Entry): string {
  const { role, text, at } = entry;
  const calls = entry.role === "assistant" ? entry.calls ?? [] : [];
  const said = role === "user" ? saidIn(text) : [];
  const words = said.length > 0
    ? said.map(({ from, words }) => `${from}: ${words}`).join(" / ")
    : `${role === "assistant" ? "bot" : role}: ${text}`;
  const called = calls.length > 0 ? ` (calls ${calls.map(({ name }) => name).join(", ")})` : "";
  const line = bounded(words.replaceAll(/\s+/g, " ").trim(), PREVIEW_CHARS) + called;
  return [String(id).padStart(6), timeText(at), printable(line)].join("  ");
}

function checkpointLine(checkpoint: ListedCheckpoint): string {
  const { kind, cause, entries, at, modelId, summary = "" } = checkpoint;
  const how = modelId === undefined ? `${cause}, without a model` : cause;
  return kind === "reset"
    ? `  ---- new transcript (${cause}) ${timeText(at)}`
    : `  ---- ${entries} entries folded (${how}) ${timeText(at)}: ${
      quoted(summary, PREVIEW_CHARS)
    }`;
}
