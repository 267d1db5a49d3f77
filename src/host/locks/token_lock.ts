/**
 * Allows one Barnacle per bot token for a user of this machine, whatever its data directory (G11).
 *
 * Two data directories do not share a lock, so two bots with one token would each answer everything.
 * The lock is a file of the user outside of them, locked like a data directory. Its name is a hash and
 * contains no part of the token.
 */

import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { runtimeDir } from "../files/data_dir.ts";
import { acquireLock, isLocked, type Lock, type LockHolder, readHolder } from "./lock.ts";

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
