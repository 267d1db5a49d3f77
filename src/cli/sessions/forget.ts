/**
 * `barnacle forget`: removes every trace of a person from the store and from the kept files (X5).
 *
 * A running bot does it itself, so its memory forgets the person, too. The command waits until no turn
 * of the person is open, because a running turn would store their words again.
 */

import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseUser } from "../../core/outbound/target.ts";
import type { UserId } from "../../core/discord/ids.ts";
import { DATABASE_NAME, MEDIA_NAME } from "../../host/files/data_dir.ts";
import { printable, quoted } from "../../lib/text/quoted.ts";
import { createMediaFolder } from "../../media/folder.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { CommonFlags } from "../shared/command.ts";
import { jsonLine } from "../../lib/text/json.ts";
import { withStore } from "../shared/with_store.ts";
import type { Io } from "../terminal/io.ts";
import type { Forgotten, Store } from "../../core/store/store.ts";

/** Options of `forget`. */
export interface ForgetFlags extends CommonFlags {
  /** Do not ask for confirmation. */
  readonly yes: boolean;
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
  confirm: ((question: string) => Promise<boolean>) | undefined,
): Promise<ExitCode> {
  const userId = parseUser(user);
  if (!userId) {
    io.problem(`${quoted(user)} is not a user id; use an id or <@id>`);
    return EXIT.usage;
  }
  if (!flags.yes && !confirm) {
    io.problem("without a terminal, --yes must confirm that the data are deleted");
    return EXIT.usage;
  }
  // Before the lock: a question that waits must not prevent a start of the bot.
  const question = `Delete everything that is stored about user ${userId}? ` +
    "Only a backup could bring it back.";
  if (!flags.yes && !await confirm?.(question)) {
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
    report(done, userId, flags, io);
    return done.backups.length === 0 ? EXIT.done : EXIT.failed;
  });
}

/** A person is forgotten, but for the listed files. */
export interface ForgottenPerson {
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
export async function forgetPerson(
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
  return { tables: forgotten.tables, backups: backupsBeside(path) };
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

/** Copies of the database that a migration left: they still have the person's data. */
function backupsBeside(path: string): readonly string[] {
  const name = basename(path);
  return readdirSync(dirname(path))
    .filter((file) => file.startsWith(name) && file.endsWith(".bak"))
    .map((file) => join(dirname(path), file));
}

/** `"Forgot user 12: 3 rows deleted, 1 rows changed"`. */
export function forgottenText(userId: UserId, tables: ForgottenPerson["tables"]): string {
  const counts = Object.values(tables);
  const deleted = counts.reduce((sum, count) => sum + count.deleted, 0);
  const changed = counts.reduce((sum, count) => sum + count.changed, 0);
  return `Forgot user ${userId}: ${deleted} rows deleted, ${changed} rows changed`;
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
    io.problem(`the backup ${printable(backup)} may still have their data; delete it by hand`);
  }
  io.err("If the config names this person, remove them there, too: the bot stores its config.");
}
