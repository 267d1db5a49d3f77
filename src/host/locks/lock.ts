/**
 * One Barnacle per data directory.
 *
 * Two would claim each other's messages and answer them twice. The lock is the
 * kernel's, on a file that is never removed: who removes it lets two in, each
 * with a file of its own. What the file says is for people, and for the CLI,
 * which finds the running bot by it.
 *
 * @module
 */

import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import process from "node:process";
import { z } from "zod";
import { readBootId, readPid } from "../process/boot.ts";
import { type Flock, loadFlock } from "./flock.ts";

/** What the holder says of itself. */
export interface LockHolder {
  readonly pid: number;
  /** Unix time in milliseconds at which it took the lock. */
  readonly startedAt: number;
  /** Of the kernel's last boot; absent where there is no telling. */
  readonly bootId?: string | undefined;
  /** When in that boot the process began, in the kernel's ticks; absent where there is no telling. */
  readonly startTicks?: number | undefined;
  /** `"127.0.0.1:8787"`; absent until it listens. */
  readonly http?: string | undefined;
  /** Set by a command that is gone again in a moment; absent: it is the bot. */
  readonly isErrand?: true | undefined;
}

export type Lock =
  | {
    readonly kind: "held";
    /** Tells where this process listens. */
    setHttp(address: string): void;
    /** Lets the next one in; the end of the process does the same. */
    release(): void;
  }
  /** The holder is absent where it has not said who it is yet, or the disk knows no locks. */
  | { readonly kind: "taken"; readonly heldBy?: LockHolder };

const holderSchema = z.object({
  pid: z.number(),
  startedAt: z.number(),
  bootId: z.string().optional(),
  startTicks: z.number().optional(),
  http: z.string().optional(),
  isErrand: z.literal(true).optional(),
});

/**
 * Takes the lock for the life of this process, without waiting.
 *
 * @param path The lock file, in the data directory.
 * @param now Unix time in milliseconds.
 * @param about What else the holder says of itself.
 * @throws {FlockUnavailableError} Where there are no locks to take.
 */
export async function takeLock(
  path: string,
  now: number,
  load: () => Promise<Flock> = loadFlock,
  about: Pick<LockHolder, "isErrand"> = {},
): Promise<Lock> {
  const flock = await load();
  const descriptor = openSync(path, "a+", 0o600);
  if (!flock(descriptor)) {
    closeSync(descriptor);
    const heldBy = readHolder(path);
    return { kind: "taken", ...(heldBy && { heldBy }) };
  }

  const own = readPid(process.pid);
  let holder: LockHolder = {
    pid: process.pid,
    startedAt: now,
    bootId: readBootId(),
    ...about,
    ...(own.kind === "running" && { startTicks: own.startTicks }),
  };
  let isHeld = true;
  const write = () => {
    try {
      ftruncateSync(descriptor); // the file is open to append, so this is also the place to write
      writeSync(descriptor, JSON.stringify(holder) + "\n");
    } catch {
      // A full disk: the lock holds without its words, and the store says what is wrong.
    }
  };
  write();
  return {
    kind: "held",
    setHttp(address) {
      holder = { ...holder, http: address };
      if (isHeld) write();
    },
    release() {
      if (isHeld) closeSync(descriptor);
      isHeld = false;
    },
  };
}

/**
 * What the lock file says, whether or not anybody holds the lock still.
 *
 * @returns `undefined` if it says nothing: there is none, or it is being written.
 */
export function readHolder(path: string): LockHolder | undefined {
  try {
    return holderSchema.safeParse(JSON.parse(readFileSync(path, "utf8"))).data;
  } catch {
    return undefined; // it is for a message only, and may be read between two writes
  }
}
