/**
 * Allows one Barnacle per data directory.
 *
 * Two would claim each other's messages and answer them twice. The lock is the kernel's, on a file
 * that is never removed: after a removal, two processes could each lock a file of their own. The
 * file's content is for people, and for the CLI, which finds the running bot by it.
 *
 * The lock is `flock(2)` of the C library, or `LockFileEx` of Windows (`flock.ts`), since neither
 * runtime offers them. The kernel frees it when the process ends, however it ends, so no stale lock
 * exists. A file made by `link()` and checked for a living owner has a race when taking over from a
 * dead owner. It would not notice a process that locks with `flock`. So Barnacle does not start if
 * it cannot call the C library: a second Barnacle would answer twice.
 *
 * A process id alone may belong to another process after a reboot. So a holder also has the boot and
 * the start within it.
 */

import process from "node:process";
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  ftruncateSync,
  openSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { codeOf } from "../../lib/errors.ts";
import { readBootId, readPid } from "../process/boot.ts";
import { readBounded } from "../files/read_bounded.ts";
import { type Flock, FlockUnavailableError, loadFlock } from "./flock.ts";

export interface LockHolder {
  readonly pid: number;
  readonly startedAt: number;
  /** Id of the kernel's boot; absent if unknown. */
  readonly bootId?: string;
  /** When the process began in that boot, in the kernel's ticks; absent if unknown. */
  readonly startTicks?: number;
  /** Absolute path of its data directory, for the lock of a token. */
  readonly dataDir?: string;
  /** `"127.0.0.1:8787"`; absent until it listens. */
  readonly http?: string;
  /** The secret by which commands see the details there; others cannot read the file. */
  readonly httpKey?: string;
  /** The port that another program has, so that this process has no HTTP server. */
  readonly portInUse?: number;
  /** Set by a short-lived command; absent for the bot. */
  readonly isCommand?: true;
  /** Absolute path of the config that the bot started with; absent without a file. */
  readonly config?: string;
  /** Exit code of the last bot, if it has ended and was not killed. */
  readonly exitCode?: number;
}

/** The result of taking the lock of a data directory. */
export type Lock =
  | {
    readonly kind: "held";
    /** Exit code of the bot that had the lock before; `undefined` if it was killed. */
    readonly lastExitCode: number | undefined;
    /** Writes the address that this process listens on, and the secret for commands. */
    setHttp(address: string, key: string): void;
    /** Writes that this process has no HTTP server, because another program has the port. */
    setPortInUse(port: number): void;
    /** Releases the lock; the end of the process does the same. */
    release(exitCode?: number): void;
  }
  /**
   * The result of taking the lock. The holder is absent if it has not written its description yet,
   * or the disk supports no locks.
   */
  | { readonly kind: "taken"; readonly heldBy?: LockHolder };

/** A {@link Lock} that this process holds. */
export type HeldLock = Extract<Lock, { readonly kind: "held" }>;

/** Bound of the file: a description has some hundred bytes. */
const BOUND = { maxBytes: 65_536 };

/** One schema for all fields: each costs a start some microseconds. */
const text = z.string().optional();

const lockHolderSchema = z.object({
  pid: z.int().positive(),
  startedAt: z.number(),
  bootId: text,
  startTicks: z.int().optional(),
  dataDir: text,
  http: text,
  httpKey: text,
  portInUse: z.int().optional(),
  isCommand: z.literal(true).optional(),
  config: text,
  exitCode: z.int().optional(),
});

/**
 * Acquires the lock for the life of this process, without waiting.
 *
 * @param path The lock file, in the data directory.
 * @param about Further facts about the holder.
 * @throws {FlockUnavailableError} If locks are unavailable.
 */
export async function acquireLock(
  path: string,
  now: number,
  load: () => Promise<Flock> = loadFlock,
  about: Pick<LockHolder, "isCommand" | "dataDir" | "config"> = {},
): Promise<Lock> {
  const flock = await load();
  const descriptor = openSync(path, "a+", 0o600);
  if (process.geteuid?.() === 0) keepOwner(descriptor, path);
  const file = { descriptor, path };
  if (!flock(file)) {
    closeSync(descriptor);
    const heldBy = readHolder(path);
    return { kind: "taken", heldBy };
  }

  const own = readPid(process.pid);
  const lastExitCode = readHolder(path)?.exitCode;
  let holder: LockHolder = {
    exitCode: about.isCommand && lastExitCode,
    pid: process.pid,
    startedAt: now,
    bootId: readBootId(),
    ...about,
    startTicks: own.kind === "running" ? own.startTicks : undefined,
  };
  let isHeld = true;
  const write = (news: Partial<LockHolder> = {}) => {
    holder = { ...holder, ...news };
    if (!isHeld) return;
    try {
      ftruncateSync(descriptor); // the file is open to append, so the length is also the place to write
      writeSync(descriptor, JSON.stringify(holder) + "\n");
    } catch {
      // The disk is full: the lock holds without its description, and the store reports the
      // problem.
    }
  };
  write();
  // The store may be what has failed. A few bytes of a file that exists need no room on a full disk.
  const onExit = (exitCode: number) => write({ exitCode });
  if (!about.isCommand && about.dataDir === undefined) process.once("exit", onExit);
  return {
    kind: "held",
    lastExitCode,
    setHttp: (http, httpKey) => write({ http, httpKey, portInUse: undefined }),
    setPortInUse: (portInUse) => write({ http: undefined, httpKey: undefined, portInUse }),
    release(exitCode) {
      if (!isHeld) return;
      if (exitCode !== undefined) write({ exitCode });
      isHeld = false;
      process.off("exit", onExit);
      flock(file, "free");
      closeSync(descriptor);
    },
  };
}

/** A command of root's may create the file, which the bot's user must be able to open. */
function keepOwner(descriptor: number, path: string): void {
  const { uid, gid } = statSync(dirname(path));
  if (fstatSync(descriptor).uid !== uid) fchownSync(descriptor, uid, gid);
}

/**
 * Tests whether a process holds the lock. It releases the lock at once and writes nothing, so the
 * file keeps its last holder.
 *
 * @returns `undefined` if this user, or this system, cannot tell.
 */
export async function isLocked(path: string): Promise<boolean | undefined> {
  let descriptor: number;
  try {
    // A pipe in its place would wait for a writer. Windows has no such flag, and no pipes.
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    return codeOf(error) === "ENOENT" ? false : undefined; // the file belongs to another user
  }
  try {
    const flock = await loadFlock();
    const file = { descriptor, path };
    const isFree = flock(file, "shared"); // two tests at once do not see each other
    if (isFree) flock(file, "free");
    return !isFree;
  } catch (error) {
    if (error instanceof FlockUnavailableError) return undefined;
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Reads the lock file, whether or not a process still holds the lock.
 *
 * @returns `undefined` if it is missing, empty or being written.
 */
export function readHolder(path: string): LockHolder | undefined {
  try {
    return lockHolderSchema.safeParse(JSON.parse(readBounded(path, BOUND))).data;
  } catch {
    return undefined; // it may be read between two writes
  }
}
