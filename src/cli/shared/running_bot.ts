/**
 * Finds the Barnacle that runs with a data directory, and asks it how it is.
 *
 * The bot writes its address beside its lock; what it answers is what its
 * `/healthz` is judged by, so there is no second truth.
 *
 * @module
 */

import { accessSync, closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";
import { FlockUnavailableError, loadFlock } from "../../host/locks/flock.ts";
import { type LockHolder, readHolder } from "../../host/locks/lock.ts";
import type { StatusReport } from "../../http/app.ts";
import { codeOf } from "../../lib/error_code.ts";
import { readConfig } from "./read_config.ts";
import type { Io } from "../terminal/io.ts";

/** Milliseconds that a bot of this machine may take to answer. */
export const STATUS_TIMEOUT_MS = 3_000;

/** Who has, or last had, the data directory. */
export function holderOf(dataDir: string): LockHolder | undefined {
  return readHolder(lockOf(dataDir));
}

/**
 * Whether somebody has the data directory now. The lock is let go at once; nothing is written, so
 * what the file says of the last holder stays.
 *
 * @returns `undefined` where nobody can tell.
 */
export async function isHeld(dataDir: string): Promise<boolean | undefined> {
  let descriptor: number;
  try {
    descriptor = openSync(lockOf(dataDir), "r");
  } catch (error) {
    return codeOf(error) === "ENOENT" ? false : undefined; // another user's
  }
  try {
    return !(await loadFlock())(descriptor);
  } catch (error) {
    if (error instanceof FlockUnavailableError) return undefined;
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** @returns The bot's report, or why there is none. */
export async function askStatus(
  address: string,
  token: string | undefined,
  timeoutMs: number,
): Promise<StatusReport | string> {
  try {
    const response = await fetch(`http://${address}/status`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(timeoutMs),
    });
    return response.ok ? await response.json() : `HTTP ${response.status} from ${address}`;
  } catch (error) {
    if (error instanceof SyntaxError) return `what listens on ${address} is no Barnacle`;
    return error instanceof DOMException && error.name === "TimeoutError"
      ? `no word from ${address} for ${timeoutMs / 1_000} s`
      : `nothing listens on ${address}`; // whatever the runtime calls it
  }
}

/** `http.token` of the config, which need not be right otherwise for its bot to be asked. */
export async function httpTokenOf(
  flag: string | undefined,
  env: Io["env"],
): Promise<string | undefined> {
  const loaded = await readConfig(flag, env, true);
  return loaded.kind === "loaded" ? loaded.config.http.token?.reveal() : undefined;
}

/** The file whose lock the bot holds. */
export function lockOf(dataDir: string): string {
  return join(dataDir, "lock");
}

/** Whether this user may not read a file, or may not even see whether it is there. */
export function isHidden(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return false;
  } catch (error) {
    const code = codeOf(error);
    return code === "EACCES" || code === "EPERM";
  }
}
