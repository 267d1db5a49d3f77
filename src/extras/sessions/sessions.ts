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
import { inColumns, printLines } from "../../cli/shared/columns.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { knownChannels } from "../../cli/verdict/known_channels.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { jsonLine } from "../../lib/text/json.ts";
import { readConfigLeniently, type SlugOf, slugsIn } from "../../cli/shared/read_config.ts";
import { withStore } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { timeText } from "../../lib/text/units.ts";
import type { ListedCheckpoint, ListedSession } from "../../store/sessions/sessions.ts";
import type { Store } from "../../store/store.ts";

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
  return withStore(flags, io, async (store) => {
    const all = await namedSessions(
      store,
      slugsIn(await readConfigLeniently(flags.config, io.env)),
    );
    if (flags.json) {
      io.out(jsonLine(all.map(toReport)));
      return EXIT.done;
    }
    if (all.length === 0) io.err("No sessions yet.");
    const rows = all.map((session) => [
      handleOf(session),
      titleOf(session),
      `${session.open} shown`,
      `${session.current - session.open} folded`,
      `${session.entries} in all`,
      timeText(session.lastAt),
      session.sessionKey,
    ]);
    printLines(inColumns(rows), io);
    return EXIT.done;
  });
}

/** Shows the newest entries of a session, with its resets and summaries. */
export function show(flags: ShowFlags, key: string, io: Io): Promise<ExitCode> {
  return withSession(flags, key, io, async (session, { sessions }) => {
    const { sessionKey } = session;
    const { entries, checkpoints } = await transcriptOf(session, flags.limit, sessions);
    const name = nameOf(session, slugsIn(await readConfigLeniently(flags.config, io.env)));
    if (flags.json) {
      io.out(
        jsonLine({ ...toReport({ ...session, name }), checkpoints, newest: entries.map(flat) }),
      );
      return EXIT.done;
    }
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
      printLines([lineOf(id, entry)], io);
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
  return withSession(flags, key, io, async (session, { sessions }) => {
    for await (const line of exportLines(session, sessions)) io.out(line);
    return EXIT.done;
  });
}

/** All entries and checkpoints of a session as JSON lines without their ends, oldest first. */
async function* exportLines(
  { sessionKey }: Pick<ListedSession, "sessionKey">,
  sessions: Store["sessions"],
): AsyncGenerator<string> {
  const checkpoints = [...await sessions.checkpointsOf(sessionKey)];
  function* checkpointsUpTo(id: number) {
    while (checkpoints[0] && checkpoints[0].lastEntry <= id) {
      yield jsonLine({ type: "checkpoint", ...checkpoints[0] });
      checkpoints.shift();
    }
  }
  for (let after = 0;;) {
    const page = await sessions.page(sessionKey, after, PAGE);
    for (const numbered of page) {
      yield* checkpointsUpTo(numbered.id - 1);
      yield jsonLine({ type: "entry", ...flat(numbered) });
    }
    const last = page.at(-1);
    if (!last) break;
    after = last.id;
  }
  yield* checkpointsUpTo(Infinity);
}

/** @param key A key, or the handle of one. */
function withSession(
  flags: CommonFlags,
  key: string,
  io: Io,
  work: (session: ListedSession, store: Store) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withStore(flags, io, async (store) => {
    const found = await findSession(key, store.sessions);
    if ("session" in found) return await work(found.session, store);
    io.problem(`${found.problem}; \`barnacle sessions list\` shows the keys`);
    return EXIT.failed;
  });
}

/**
 * Finds a session, or says why not.
 *
 * @param key A key, or the handle of one.
 */
async function findSession(
  key: string,
  sessions: Pick<Store["sessions"], "list">,
): Promise<{ readonly session: ListedSession } | { readonly problem: string }> {
  const all = await sessions.list();
  const named = all.filter((one) => one.sessionKey === key);
  const [session, ...others] = named.length > 0
    ? named
    : all.filter((one) => handleOf(one) === key.toLowerCase());
  if (session && others.length === 0) return { session };
  return {
    problem: session
      ? `several sessions have the handle ${key}; name the whole key`
      : `no session ${quoted(key, PREVIEW_CHARS)}`,
  };
}

/** The newest entries of a session, oldest first, with its resets and summaries. */
export async function transcriptOf(
  { sessionKey }: Pick<ListedSession, "sessionKey">,
  limit: number,
  sessions: Pick<Store["sessions"], "newestOf" | "checkpointsOf">,
): Promise<{
  readonly entries: readonly NumberedEntry[];
  readonly checkpoints: readonly ListedCheckpoint[];
}> {
  const entries = await sessions.newestOf(sessionKey, limit);
  return { entries, checkpoints: await sessions.checkpointsOf(sessionKey) };
}

const HANDLE_DIGITS = 6;

/** A short name of a session, which people can type: the beginning of its key's hash. */
function handleOf({ sessionKey }: Pick<ListedSession, "sessionKey">): string {
  return createHash("sha256").update(sessionKey).digest("hex").slice(0, HANDLE_DIGITS);
}

/** A session with the name of its place, as the bot's servers have it. */
type NamedSession = ListedSession & { readonly name?: string };

/** All sessions. Those whose messages are deleted or forgotten have the name of their channel now. */
async function namedSessions(
  { sessions, gateway }: Pick<Store, "sessions" | "gateway">,
  slugOf?: SlugOf,
): Promise<readonly NamedSession[]> {
  const all = await sessions.list();
  const isGone = all.some(({ newest }) => !newest);
  const channels = await knownChannels({ gateway }, isGone ? await gateway.accountIds() : []);
  const names = new Map<string, string>(channels.map(({ id, name, guild, guildId }) => {
    const place = { guild: { id: guildId, name: guild }, channel: { id, name } };
    return [id, displayNameOf({ kind: "guild", ...place }, slugOf?.(guildId))];
  }));
  return all.map((one) => ({
    ...one,
    name: nameOf(one, slugOf) ??
      names.get(/:discord:channel:(\d+)$/.exec(one.sessionKey)?.[1] ?? ""),
  }));
}

/** The display name (S2); `undefined` for direct messages, and if nothing tells it any more. */
function nameOf({ newest }: ListedSession, slugOf?: SlugOf): string | undefined {
  const { place } = newest ?? {};
  return place?.kind === "guild" ? displayNameOf(place, slugOf?.(place.guild.id)) : undefined;
}

/** The display name; of direct messages, the person's name. */
export function titleOf(session: NamedSession): string {
  return session.name ?? session.newest?.sender.username ?? "";
}

function toReport({ newest: _, ...session }: NamedSession): object {
  return { ...session, handle: handleOf(session) };
}

function flat({ id, entry }: NumberedEntry): object {
  // Thinking and signatures are for their server, not for people.
  return { id, ...entry, at: new Date(entry.at).toISOString(), carried: undefined };
}

function lineOf(id: number, entry: Entry): string {
  const calls = callsOf(entry);
  const words = saidBy(entry).map(({ from, words }) => `${from}: ${words}`).join(" / ");
  const called = calls.length > 0 ? ` (calls ${calls.join(", ")})` : "";
  const line = bounded(words.replaceAll(/\s+/g, " ").trim(), PREVIEW_CHARS) + called;
  return [String(id).padStart(6), timeText(entry.at), printable(line)].join("  ");
}

/** Who says which words in an entry, without the envelope that the model reads around them. */
export function saidBy(
  { role, text }: Entry,
): readonly { readonly from: string; readonly words: string }[] {
  const said = role === "user" ? saidIn(text) : [];
  return said.length > 0 ? said : [{ from: role === "assistant" ? "bot" : role, words: text }];
}

export function callsOf(entry: Entry): readonly string[] {
  return entry.role === "assistant" ? (entry.calls ?? []).map(({ name }) => name) : [];
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
