/**
 * Finds the bot that runs with a data directory, and asks for its status.
 *
 * The bot writes its HTTP address into its lock file. Its answer and `/healthz` come from the same
 * checks, so the two never disagree.
 *
 * @module
 */

import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { isLocked, type LockHolder, readHolder } from "../../host/locks/lock.ts";
import type { StatusReport } from "../../http/app.ts";
import { codeOf } from "../../lib/error_code.ts";
import { readConfig } from "./read_config.ts";
import type { Io } from "../terminal/io.ts";

/** Milliseconds to wait for a bot on this machine. */
export const STATUS_TIMEOUT_MS = 3_000;

/** The process that holds the data directory, or held it last. */
export function holderOf(dataDir: string): LockHolder | undefined {
  return readHolder(lockOf(dataDir));
}

/**
 * Tests whether a process holds the data directory.
 *
 * @returns `undefined` if this user, or this system, cannot tell.
 */
export function isHeld(dataDir: string): Promise<boolean | undefined> {
  return isLocked(lockOf(dataDir));
}

/**
 * Asks the bot for its status.
 *
 * @param address Host and port: `"127.0.0.1:8787"`.
 * @param token `http.token`, if the config has one.
 * @returns The report, or the reason for its absence.
 */
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
    if (error instanceof SyntaxError) return `another program listens on ${address}`;
    return error instanceof DOMException && error.name === "TimeoutError"
      ? `no response from ${address} within ${timeoutMs / 1_000} s`
      : `nothing listens on ${address}`; // each runtime has its own error for this
  }
}

/** `http.token` of the config; `undefined` if it has none, or is invalid. */
export async function httpTokenOf(
  flag: string | undefined,
  env: Io["env"],
): Promise<string | undefined> {
  const loaded = await readConfig(flag, env, true);
  return loaded.kind === "loaded" ? loaded.config.http.token?.reveal() : undefined;
}

/** Path of the file whose lock the bot holds. */
export function lockOf(dataDir: string): string {
  return join(dataDir, "lock");
}

/** Tests whether this user may not read a file, or not even see whether it exists. */
export function isHidden(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return false;
  } catch (error) {
    const code = codeOf(error);
    return code === "EACCES" || code === "EPERM";
  }
}
