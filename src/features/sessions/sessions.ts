/**
 * `barnacle sessions`: lists conversations, and begins their transcripts anew (S2, S4a), with and without a
 * running bot.
 *
 * `barnacle forget` removes every trace of a person from the store and from the kept files (X5). A
 * running bot does it itself, so its memory forgets the person, too. The command waits until no turn of
 * the person is open, because a running turn would store their words again.
 */

import { createHash } from "node:crypto";
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inColumns, printLines } from "../../cli/shared/columns.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { readConfigLeniently, type SlugOf, slugsIn } from "../../cli/shared/read_config.ts";
import { withStore } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { findUser, knownChannels } from "../../cli/verdict/named.ts";
import type { UserId } from "../../core/discord/ids.ts";
import { parseUser } from "../../core/outbound/outbound.ts";
import type { Forgotten } from "../../core/store/store.ts";
import {
  BACKUPS_NAME,
  DATABASE_NAME,
  dropLogins,
  isOldContent,
  MEDIA_NAME,
} from "../../host/files/data_dir.ts";
import { jsonLine } from "../../lib/text/json.ts";
import { printable, quoted } from "../../lib/text/quoted.ts";
import { countText, timeText } from "../../lib/text/units.ts";
import { createMediaFolder } from "../../media/folder.ts";
import { displayNameOf } from "../../session/session.ts";
import type { ListedSession } from "../../store/sessions/sessions.ts";
import type { Store } from "../../store/store.ts";

export interface ForgetFlags extends CommonFlags {
  /** Do not ask for confirmation. */
  readonly yes: boolean;
  /** Delete the copies of the store that still have the person's data. */
  readonly deleteBackups: boolean;
}

/** Milliseconds to wait for open turns of the person, and between two checks. */
const WAIT_MS = 30_000;
const LOOK_EVERY_MS = 250;
const BACKUP_NAME = /\.tar\.gz$/;
/** A larger file takes so long to write anew that a running bot could not store messages. */
const LARGE_BYTES = 256 * 2 ** 20;

/** Forgets the person that an id or a mention names. */
export async function forget(
  flags: ForgetFlags,
  user: string,
  io: Io,
): Promise<ExitCode> {
  const userId = parseUser(user) ?? await userOf(user, flags, io);
  if (typeof userId === "number") return userId;
  if (!flags.yes && !io.confirm) {
    io.problem("without a terminal, --yes must confirm that the data are deleted");
    return EXIT.usage;
  }
  // Before the lock: a question that waits must not prevent a start of the bot.
  const question = `Delete everything that is stored about user ${userId}? ` +
    "Only a backup could bring it back.";
  if (!flags.yes && !await io.confirm?.(question)) {
    io.err("Nothing was deleted.");
    return EXIT.failed;
  }
  return await withStore(flags, io, async (store, { dataDir, holder }) => {
    const isRunning = holder === "another";
    const work = forgetPerson(userId, { store, dataDir, isRunning, waitMs: WAIT_MS });
    const done = await io.during("Forgetting", work);
    if ("problem" in done) {
      io.problem(done.problem);
      return EXIT.tryAgain;
    }
    const { backups: copies } = done;
    const isDeleted = copies.length > 0 && await mayDelete(copies, flags, io);
    for (const copy of isDeleted ? copies : []) rmSync(copy, { recursive: true, force: true });
    const backups = copies.filter((copy) => existsSync(copy));
    report({ ...done, backups }, userId, flags, io);
    for (const copy of copies.filter((copy) => !backups.includes(copy))) {
      io.err(`Deleted ${printable(copy)}`);
    }
    return backups.length === 0 ? EXIT.done : EXIT.failed;
  });
}

/** The person whom a text names; the exit code if it names none. */
async function userOf(user: string, flags: ForgetFlags, io: Io): Promise<UserId | ExitCode> {
  const found: UserId[] = [];
  const code = await withStore(flags, io, async (store) => {
    const named = await findUser(user, store);
    if (typeof named === "string") found.push(named);
    else io.problem(`${named.problem}; use ${named.hint}`);
    return EXIT.usage;
  });
  return found[0] ?? code;
}

/** A person is forgotten, but for the listed files. */
interface ForgottenPerson {
  /** The number of rows that were deleted or changed, by table. */
  readonly tables: Forgotten["tables"];
  /** Copies of the database that still have the person's data. */
  readonly backups: readonly string[];
}

/**
 * Removes every trace of a person.
 *
 * @param where `isRunning`: whether a bot has the store open. `waitMs`: milliseconds to wait for open
 * turns of the person.
 * @returns The reason if nothing was forgotten.
 */
async function forgetPerson(
  userId: UserId,
  { store, dataDir, isRunning, waitMs }: {
    readonly store: Store;
    readonly dataDir: string;
    readonly isRunning: boolean;
    readonly waitMs: number;
  },
): Promise<ForgottenPerson | { readonly problem: string }> {
  const path = join(dataDir, DATABASE_NAME);
  if (isRunning && statSync(path).size > LARGE_BYTES) {
    return { problem: "the store is large, and the bot is running; stop the bot, and try again" };
  }
  const forgotten = await forgetIn(store, userId, isRunning, waitMs);
  if (forgotten === "open turns") {
    return {
      problem: `a turn of user ${userId} is still open; try again later, or stop the bot first`,
    };
  }
  await createMediaFolder(join(dataDir, MEDIA_NAME)).forget(userId);
  dropLogins(dataDir, userId);
  const { made, elsewhere = [] } = await store.settings.backups();
  const known = made ? [made.path, ...elsewhere] : elsewhere;
  return { tables: forgotten.tables, backups: copiesIn(dataDir, known) };
}

/** Waits for open turns of a running bot, forgets, and writes the file anew. */
async function forgetIn(
  { forgetting }: Store,
  userId: UserId,
  isRunning: boolean,
  waitMs: number,
): Promise<Forgotten | "open turns"> {
  const until = performance.now() + waitMs;
  let forgotten = await forgetting.forget(userId, isRunning);
  while (forgotten === "open turns" && performance.now() < until) {
    await sleep(LOOK_EVERY_MS);
    forgotten = await forgetting.forget(userId, isRunning);
  }
  if (forgotten === "open turns") return forgotten;
  for (;;) {
    try {
      await forgetting.vacuum();
      return forgotten;
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(LOOK_EVERY_MS);
    }
  }
}

/**
 * Lists the copies of the store that are older than this command: of migrations, of restores, and
 * backups. They still have the person's data.
 *
 * @param known Paths of backups that the store knows, which may be elsewhere.
 */
function copiesIn(dataDir: string, known: readonly string[]): readonly string[] {
  const beside = readdirSync(dataDir)
    .filter((name) =>
      isOldContent(name) || (name.startsWith(DATABASE_NAME) && name.endsWith(".bak"))
    )
    .map((name) => join(dataDir, name));
  const folder = join(dataDir, BACKUPS_NAME);
  const backups = existsSync(folder) ? readdirSync(folder) : [];
  const made = backups.filter((name) => BACKUP_NAME.test(name)).map((name) => join(folder, name));
  return [...new Set([...beside, ...made, ...known.filter((path) => existsSync(path))])];
}

/** Asks before it deletes copies, which may be the only ones. */
async function mayDelete(
  copies: readonly string[],
  { deleteBackups, yes }: ForgetFlags,
  io: Io,
): Promise<boolean> {
  if (deleteBackups) return true;
  if (yes || !io.confirm) return false;
  for (const copy of copies) io.err(printable(copy));
  return await io.confirm("These copies still have their data. Delete them?");
}

/** `"Forgot user 12: 3 rows deleted, 1 row changed"`. */
function forgottenText(userId: UserId, tables: ForgottenPerson["tables"]): string {
  const counts = Object.values(tables);
  const deleted = counts.reduce((sum, count) => sum + count.deleted, 0);
  const changed = counts.reduce((sum, count) => sum + count.changed, 0);
  return `Forgot user ${userId}: ${countText(deleted, "row")} deleted, ${
    countText(changed, "row")
  } changed`;
}

function report(
  { tables, backups }: ForgottenPerson,
  userId: UserId,
  { json }: ForgetFlags,
  io: Io,
): void {
  if (json) io.out(jsonLine({ userId, tables, backups }));
  else {
    io.out(forgottenText(userId, tables));
  }
  for (const backup of backups) {
    io.problem(
      `the backup ${printable(backup)} may still have their data; --delete-backups deletes it`,
    );
  }
  io.err("If the config names this person, remove them there, too: the bot stores its config.");
}

/** UTF-16 units of a key in a problem. */
const KEY_CHARS = 200;

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
  sessions: Store["sessions"],
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
      : `no session ${quoted(key, KEY_CHARS)}`,
  };
}

const HANDLE_DIGITS = 6;

/** A short name of a session, which people can type: the beginning of its key's hash. */
function handleOf({ sessionKey }: ListedSession): string {
  return createHash("sha256").update(sessionKey).digest("hex").slice(0, HANDLE_DIGITS);
}

/** A session with the name of its place, as the bot's servers have it. */
type NamedSession = ListedSession & { readonly name?: string };

/** All sessions. Those whose messages are deleted or forgotten have the name of their channel now. */
async function namedSessions(
  { sessions, gateway }: Store,
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
function titleOf(session: NamedSession): string {
  return session.name ?? session.newest?.sender.username ?? "";
}

function toReport({ newest: _, ...session }: NamedSession): object {
  return { ...session, handle: handleOf(session) };
}
