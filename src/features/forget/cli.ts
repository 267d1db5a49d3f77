/**
 * `barnacle forget`: removes every trace of a person from the store and from the kept files (X5). A
 * running bot does it itself, so its memory forgets the person, too. The command waits until no turn of
 * the person is open, because a running turn would store their words again.
 */

import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { withStore } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { findUser } from "../../cli/verdict/named.ts";
import type { UserId } from "../../core/discord/ids.ts";
import { parseUser } from "../../core/outbound/target.ts";
import type { Forgotten } from "../../core/store/store.ts";
import {
  BACKUPS_NAME,
  DATABASE_NAME,
  dropLogins,
  isOldContent,
  MEDIA_NAME,
} from "../../host/files/data_dir.ts";
import { printable } from "../../lib/text/quoted.ts";
import { countText } from "../../lib/text/units.ts";
import { createMediaFolder } from "../../media/folder.ts";
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
    const work = forgetPerson(userId, store, dataDir, holder === "another");
    const tables = await io.during("Forgetting", work);
    if (typeof tables === "string") {
      io.problem(tables);
      return EXIT.tryAgain;
    }
    const { made, elsewhere = [] } = await store.settings.backups();
    const copies = copiesIn(dataDir, made ? [made.path, ...elsewhere] : elsewhere);
    const isDeleted = copies.length > 0 && await mayDelete(copies, flags, io);
    for (const copy of isDeleted ? copies : []) rmSync(copy, { recursive: true, force: true });
    const backups = copies.filter((copy) => existsSync(copy));
    report(tables, backups, userId, flags, io);
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

/**
 * Removes every trace of a person, once no turn of theirs is open, and writes the file anew.
 *
 * @returns The number of rows that were deleted or changed, by table; or why nothing was forgotten.
 */
async function forgetPerson(
  userId: UserId,
  { forgetting }: Store,
  dataDir: string,
  isRunning: boolean,
): Promise<Forgotten["tables"] | string> {
  if (isRunning && statSync(join(dataDir, DATABASE_NAME)).size > LARGE_BYTES) {
    return "the store is large, and the bot is running; stop the bot, and try again";
  }
  const until = performance.now() + WAIT_MS;
  let forgotten = await forgetting.forget(userId, isRunning);
  while (forgotten === "open turns" && performance.now() < until) {
    await sleep(LOOK_EVERY_MS);
    forgotten = await forgetting.forget(userId, isRunning);
  }
  if (forgotten === "open turns") {
    return `a turn of user ${userId} is still open; try again later, or stop the bot first`;
  }
  for (;;) {
    try {
      await forgetting.vacuum();
      break;
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(LOOK_EVERY_MS);
    }
  }
  await createMediaFolder(join(dataDir, MEDIA_NAME)).forget(userId);
  dropLogins(dataDir, userId);
  return forgotten.tables;
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
  const made = backups.filter((name) => name.endsWith(".tar.gz")).map((name) => join(folder, name));
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

function report(
  tables: Forgotten["tables"],
  backups: readonly string[],
  userId: UserId,
  { json }: ForgetFlags,
  io: Io,
): void {
  if (json) io.out(JSON.stringify({ userId, tables, backups }));
  else {
    const sum = (what: "deleted" | "changed") =>
      countText(Object.values(tables).reduce((all, count) => all + count[what], 0), "row");
    io.out(`Forgot user ${userId}: ${sum("deleted")} deleted, ${sum("changed")} changed`);
  }
  for (const backup of backups) {
    io.problem(
      `the backup ${printable(backup)} may still have their data; --delete-backups deletes it`,
    );
  }
  io.err("If the config names this person, remove them there, too: the bot stores its config.");
}
