/**
 * Allows one Barnacle per data directory.
 *
 * Two would claim each other's messages and answer them twice. The lock is the kernel's, on a file
 * that is never removed: after a removal, two processes could each lock a file of their own. The
 * file's content is for people, and for the CLI, which finds the running bot by it.
 *
 * The lock is `flock(2)` of the C library, or `LockFileEx` of Windows, since neither
 * runtime offers them. The kernel frees it when the process ends, however it ends, so no stale lock
 * exists. A file made by `link()` and checked for a living owner has a race when taking over from a
 * dead owner. It would not notice a process that locks with `flock`. So Barnacle does not start if
 * it cannot call the C library: a second Barnacle would answer twice.
 *
 * A process id alone may belong to another process after a reboot. So a holder also has the boot
 * and the start within it.
 *
 * Windows gives no program the handle behind a descriptor of the runtime, so the lock has a handle
 * of its own. Its locks are mandatory: no other process could read a locked byte. So the locked
 * byte is far beyond the content. A named pipe is no lock: a second process can listen on the same
 * name.
 *
 * Two data directories do not share a lock, so two bots with one token would each answer
 * everything. The lock is a file of the user outside of them, locked like a data directory. Its
 * name is a hash and contains no part of the token.
 */

import process from "node:process";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join, toNamespacedPath } from "node:path";
import { z } from "zod";
import { codeOf } from "../../lib/errors.ts";
import { runtimeDir } from "../files/data_dir.ts";
import { readBounded } from "../files/read_bounded.ts";
import { readBootId } from "../process/boot.ts";
import { type ProcessToEnd, readPid } from "../process/end_process.ts";
import { type CFunction, LibcUnavailableError, loadLibc } from "../process/libc.ts";

export interface LockFile {
  /** As the runtime numbers its open files. */
  readonly descriptor: number;
  /** Absolute, or from the working directory. */
  readonly path: string;
}

/**
 * Acquires the lock of an open file without waiting.
 *
 * @param mode `alone` by default. `shared` fails only beside a process that holds it alone. `free`
 *   releases it. Closing alone is not enough: a process that another thread is starting has a copy of
 *   the descriptor until it loads its program. The copy holds the lock.
 * @returns Whether the call succeeded.
 */
export type Flock = (file: LockFile, mode?: "alone" | "shared" | "free") => boolean;

/** The system cannot be called here, so no lock can prove that this Barnacle is alone. */
export class FlockUnavailableError extends Error {
  override readonly name = "FlockUnavailableError";
}

/** `LOCK_EX`, `LOCK_SH` and `LOCK_UN`: the same numbers on Linux and macOS. */
const OPERATIONS = { alone: 2, shared: 1, free: 8 };
/** `LOCK_NB`: does not wait. */
const AT_ONCE = 4;

/**
 * Loads `flock`, or its equal on Windows.
 *
 * @throws {FlockUnavailableError} If the process may not call the system's library.
 */
export async function loadFlock(): Promise<Flock> {
  try {
    if (process.platform === "win32") return await loadWindowsLock();
    const libc = await loadLibc({ flock: { parameters: ["i32", "i32"], result: "i32" } });
    const flock = libc("flock");
    return ({ descriptor }, mode = "alone") => flock(descriptor, OPERATIONS[mode] | AT_ONCE) === 0;
  } catch (cause) {
    if (!(cause instanceof LibcUnavailableError)) throw cause;
    throw new FlockUnavailableError(`Cannot lock a file: ${cause.message}`, { cause });
  }
}

const GENERIC_READ_WRITE = 0xc000_0000;
/** Others may read, write, rename and delete the file. */
const SHARE_ALL = 7;
const OPEN_EXISTING = 3;
const ATTRIBUTE_NORMAL = 0x80;
const INVALID_HANDLE = -1;

const EXCLUSIVE = 2;
const FAIL_IMMEDIATELY = 1;

/** An `OVERLAPPED` with the place of the locked byte: 2^62. */
const PLACE = { bytes: 32, offsetHighAt: 20, offsetHigh: 0x4000_0000 } as const;

/**
 * Loads the lock.
 *
 * @throws {LibcUnavailableError} If the process may not call the system's library.
 */
async function loadWindowsLock(): Promise<Flock> {
  return windowsLock(
    await loadLibc({
      CreateFileW: {
        parameters: ["buffer", "u32", "u32", "usize", "u32", "u32", "usize"],
        result: "isize",
      },
      LockFileEx: { parameters: ["usize", "u32", "u32", "u32", "u32", "buffer"], result: "i32" },
      UnlockFileEx: { parameters: ["usize", "u32", "u32", "u32", "buffer"], result: "i32" },
      CloseHandle: { parameters: ["usize"], result: "i32" },
    }),
  );
}

/** Makes the lock from the functions; a test passes its own. */
export function windowsLock(
  kernel: (name: "CreateFileW" | "LockFileEx" | "UnlockFileEx" | "CloseHandle") => CFunction,
): Flock {
  /** Handles with a lock, by the descriptor of their file. */
  const held = new Map<number, number>();
  const close = (handle: number) => void kernel("CloseHandle")(handle);
  return ({ descriptor, path }, mode = "alone") => {
    const before = held.get(descriptor);
    if (mode === "free") {
      if (before === undefined) return true;
      held.delete(descriptor);
      const isFree = kernel("UnlockFileEx")(before, 0, 1, 0, place()) !== 0;
      close(before);
      return isFree;
    }
    if (before !== undefined) return true;
    const name = Buffer.from(`${toNamespacedPath(path)}\0`, "utf16le");
    const handle = kernel("CreateFileW")(
      new Uint8Array(name),
      GENERIC_READ_WRITE,
      SHARE_ALL,
      0,
      OPEN_EXISTING,
      ATTRIBUTE_NORMAL,
      0,
    );
    if (handle === INVALID_HANDLE) return false;
    const flags = FAIL_IMMEDIATELY | (mode === "alone" ? EXCLUSIVE : 0);
    if (kernel("LockFileEx")(handle, flags, 0, 1, 0, place()) === 0) {
      close(handle);
      return false;
    }
    held.set(descriptor, handle);
    return true;
  };
}

function place(): Uint8Array<ArrayBuffer> {
  const overlapped = new Uint8Array(PLACE.bytes);
  new DataView(overlapped.buffer).setUint32(PLACE.offsetHighAt, PLACE.offsetHigh, true);
  return overlapped;
}

export interface LockHolder extends ProcessToEnd {
  readonly startedAt: number;
  /** Absolute path of its data directory, for the lock of a token. */
  readonly dataDir?: string;
  /** `"127.0.0.1:8787"`; absent until it listens. */
  readonly http?: string;
  /** The secret by which commands see the details there; others cannot read the file. */
  readonly httpKey?: string;
  /** Set by a short-lived command; absent for the bot. */
  readonly isCommand?: true;
  /** Absolute path of the config that the bot started with; absent without a file. */
  readonly config?: string;
  /** Exit code of the last bot, if it has ended and was not killed. */
  readonly exitCode?: number;
}

export type Lock =
  | {
    readonly kind: "held";
    /** Exit code of the bot that had the lock before; `undefined` if it was killed. */
    readonly lastExitCode: number | undefined;
    /** Writes the address that this process listens on, and the secret for commands. */
    setHttp(address: string, key: string): void;
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
    setHttp: (http, httpKey) => write({ http, httpKey }),
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

/** `unsupported`: the user has no folder that is safe from others. */
export type TokenLock = Lock | { readonly kind: "unsupported" };

/** This process's description of itself. */
export interface TokenOwner {
  readonly startedAt: number;
  /** Absolute path. */
  readonly dataDir: string;
}

/**
 * Acquires the lock for the life of this process, without waiting for it.
 *
 * @param token The bot's token, with its server if that is not Discord.
 * @param self The description for a second process.
 * @throws {FlockUnavailableError} If the system has no file locks.
 */
export async function acquireTokenLock(
  token: string,
  { startedAt, dataDir }: TokenOwner,
  folder: string | undefined = runtimeDir(),
): Promise<TokenLock> {
  if (folder === undefined) return { kind: "unsupported" };
  return await acquireLock(pathOf(token, folder), startedAt, undefined, { dataDir });
}

/**
 * Finds the bot of this user that runs with a token.
 *
 * @returns `"none"` if there is none, `"unknown"` if this system cannot tell.
 */
export async function findTokenHolder(
  token: string,
  folder: string | undefined = runtimeDir(),
): Promise<LockHolder | "none" | "unknown"> {
  if (folder === undefined) return "unknown";
  const path = pathOf(token, folder);
  const isTaken = await isLocked(path);
  return isTaken ? readHolder(path) ?? "unknown" : isTaken === false ? "none" : "unknown";
}

/**
 * Finds the bots of this user that run on this machine.
 *
 * @returns One holder per token: several for a bot with several accounts.
 */
export async function findTokenHolders(
  folder: string | undefined = runtimeDir(),
): Promise<readonly LockHolder[]> {
  if (folder === undefined) return [];
  const paths = readdirSync(folder).filter((file) => FILE.test(file)).map((file) =>
    join(folder, file)
  );
  const holders = await Promise.all(
    paths.map(async (path) => await isLocked(path) === true ? readHolder(path) : undefined),
  );
  return holders.filter((holder) => holder !== undefined);
}

const FILE = /^barnacle-[0-9a-f]{32}\.lock$/;

function pathOf(token: string, folder: string): string {
  const digest = createHash("sha256").update("barnacle token lock 1\n").update(token);
  return join(folder, `barnacle-${digest.digest("hex").slice(0, 32)}.lock`);
}
