/**
 * Opens the store for commands, with and without a bot that is running.
 *
 * The process with the lock of the data directory alone opens the store to write. If a bot has it, a
 * command reads the file, and asks the bot over its socket to change it (`store_methods.ts`).
 */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  askSocket,
  BotSocketError,
  GREETING_MS,
  MAX_REQUEST_BYTES,
  type RequestResult,
} from "../../host/bot_socket.ts";
import { DATABASE_NAME, findDataDir } from "../../host/files/data_dir.ts";
import { type LockHolder, readHolder } from "../../host/locks/lock.ts";
import { isGone } from "../../host/process/end_process.ts";
import { isCurrent, schemaIn } from "../../store/database/database.ts";
import { MIGRATIONS } from "../../store/database/migrations.ts";
import { openStore, openStoreReader } from "../../store/store.ts";
import { EXIT, StartError } from "./exit_code.ts";
import type { Io } from "../terminal/io.ts";
import type { HeldLock } from "../../host/locks/lock.ts";
import { lockForCommand, lockOf } from "./running_bot.ts";
import {
  ANSWER_MS,
  askedStore,
  type AskStore,
  readMethodAnswer,
  type SocketMethod,
  toRequest,
} from "./store_methods.ts";
import type { Store } from "../../store/store.ts";

/** Whether the user names the data directory, or the service manager does. */
export function isDataNamed(flag: string | undefined, { env }: Pick<Io, "env">): boolean {
  return Boolean(flag || env["BARNACLE_DATA"] || env["STATE_DIRECTORY"]);
}

/** Path of the data directory; creates nothing. */
export function dataDirOf(flag: string | undefined, { env }: Pick<Io, "env">): string {
  return findDataDir({ env, home: homedir(), flag });
}

export interface CommandStore {
  /** The store. Its listed methods go to the process with the lock, if that is another one. */
  readonly store: Store;
  /** Who has the lock: this process, or a bot or another command. */
  readonly holder: "us" | "another";
  close(): Promise<void>;
}

/**
 * Opens an existing store without migrating it.
 *
 * @param greetingMs How long the process with the lock may take to greet. A test on a busy machine
 * gives more.
 * @returns `undefined` if there is no store yet.
 * @throws {StartError} If its schema is of another version, whose bot may be using it.
 * @throws {StoreError} As `openStore` does.
 */
export async function openForCommand(
  dataDir: string,
  greetingMs = GREETING_MS,
): Promise<CommandStore | undefined> {
  if (!existsSync(join(dataDir, DATABASE_NAME))) return undefined;
  assertCurrent(dataDir);
  const until = performance.now() + greetingMs;
  let lock = await lockForCommand(dataDir);
  // Another command has it for a moment, which a lock file without a description may mean, too.
  while (lock.kind === "taken" && mayBeCommand(lock.heldBy) && performance.now() < until) {
    await sleep(RETRY_MS);
    lock = await lockForCommand(dataDir);
  }
  return lock.kind === "held" ? openLocked(dataDir, lock) : openBeside(dataDir, greetingMs);
}

function mayBeCommand(heldBy: LockHolder | undefined): boolean {
  return !heldBy || heldBy.isCommand === true || isGone(heldBy);
}

/**
 * Refuses a store of another version, whose bot may be using it.
 *
 * @throws {StartError} If the store in the directory is one.
 */
function assertCurrent(dataDir: string): void {
  const path = join(dataDir, DATABASE_NAME);
  if (isCurrent(path)) return;
  const words = schemaIn(path) > MIGRATIONS.length
    ? "a newer version; use the command of that version"
    : "another version; use the command of that version, or start the bot of this one first";
  throw new StartError(`the data in ${dataDir} are of ${words}`, EXIT.tryAgain);
}

/** Opens, creates or migrates the store. The lock is released with it, also if this fails. */
function openLocked(dataDir: string, { release }: HeldLock): CommandStore {
  try {
    const store = openStore(join(dataDir, DATABASE_NAME), {
      now: Date.now(),
      elapsed: () => performance.now(),
    });
    return {
      store,
      holder: "us",
      close() {
        store.close();
        release();
        return Promise.resolve();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Opens the store beside the process with the lock, which makes the changes. */
function openBeside(dataDir: string, greetingMs = GREETING_MS): CommandStore {
  assertCurrent(dataDir);
  const path = join(dataDir, DATABASE_NAME);
  const reader = openStoreReader(path, { elapsed: () => performance.now() });
  return {
    store: askedStore(reader, createAsk(dataDir, greetingMs)),
    holder: "another",
    close() {
      reader.close();
      return Promise.resolve();
    },
  };
}

type Unanswered = Exclude<RequestResult["kind"], "answered">;

const WHY: Readonly<Record<Unanswered, string>> = {
  absent: "takes no commands (it is starting or ending, or of another version)",
  silent: `does not answer within ${GREETING_MS / 1_000} s`,
  other: "is of another version",
  lost: "has ended",
};

/** Who has the lock: `"the bot (pid 12)"`. */
function holderText(dataDir: string): string {
  const holder = readHolder(lockOf(dataDir));
  const who = holder?.isCommand ? "another command" : "the bot";
  return holder ? `${who} (pid ${holder.pid})` : who;
}

/** A folder that other users can change is as good as no socket: the reason is in the error. */
async function send(
  dataDir: string,
  name: SocketMethod,
  args: readonly unknown[],
  greetingMs: number,
): Promise<RequestResult> {
  const request = toRequest(name, args);
  const bytes = request.files.reduce((sum, { length }) => sum + length, 0);
  if (bytes > MAX_REQUEST_BYTES - 2 ** 20) {
    const why = "the files are too large together for a running bot; send them one by one";
    throw new StartError(why, EXIT.usage);
  }
  try {
    return await askSocket(dataDir, request, { greetingMs, answerMs: ANSWER_MS });
  } catch (error) {
    if (!(error instanceof BotSocketError)) throw error;
    throw new StartError(error.message, EXIT.io, error);
  }
}

/** The process with the lock has not answered. */
export class UnansweredError extends StartError {
  /** Whether it got the request; then it may have carried it out. */
  readonly isLost: boolean;

  /** Creates the error of a request to the process with the lock of a data directory. */
  constructor(dataDir: string, kind: Unanswered) {
    const [isLost, holder] = [kind === "lost", holderText(dataDir)];
    super(
      isLost
        ? `the bot with the data in ${dataDir} ended before it answered, so the change may be stored ` +
          "or not. Look at the list of this command before you try again"
        : `${holder} has the data in ${dataDir}, and ${
          WHY[kind]
        }: nothing is changed. Try again, ` +
          "or restart the bot",
      EXIT.tryAgain,
    );
    this.isLost = isLost;
  }
}

/** Milliseconds between two attempts. */
const RETRY_MS = 25;

/** Creates the calls to the process with the lock of a data directory. */
export function createAsk(dataDir: string, greetingMs = GREETING_MS): AskStore {
  return async (name, args) => {
    const until = performance.now() + greetingMs;
    let answer = await send(dataDir, name, args, greetingMs);
    // A bot that starts has the lock before it takes commands.
    while (answer.kind === "absent" && performance.now() < until) {
      await sleep(RETRY_MS);
      answer = await send(dataDir, name, args, greetingMs);
    }
    if (answer.kind !== "answered") throw new UnansweredError(dataDir, answer.kind);
    return readMethodAnswer(answer.text);
  };
}
