/**
 * Finds the bot that runs with a data directory, and asks for its status.
 *
 * The bot writes its HTTP address into its lock file, with a key that only its user can read. Its
 * answer and `/healthz` come from the same checks, so the two never disagree.
 *
 * `fetch` sends requests through a proxy of the environment, and the token with them. This module
 * always connects directly, and follows no redirect.
 */

import { Buffer } from "node:buffer";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  acquireLock,
  type HeldLock,
  isLocked,
  type Lock,
  type LockHolder,
  readHolder,
} from "../../host/locks/lock.ts";
import { readReport, type ShownReport } from "../../http/snapshot.ts";
import { schedule, type StartTimer } from "../../lib/clock.ts";
import { codeOf } from "../../lib/errors.ts";
import { printable } from "../../lib/text/quoted.ts";
import { EXIT, StartError } from "./exit_code.ts";

interface GotResponse {
  /** HTTP status. */
  readonly status: number;
  readonly text: string;
}

/**
 * Why there is no response.
 *
 * - `late`: not within the time, to its last byte.
 * - `too_large`: more than the bound.
 * - `unreachable`: no connection, or it broke.
 */
type GetProblem = "late" | "too_large" | "unreachable";

/**
 * Sends the request.
 *
 * @param url Must start with `http:`.
 * @param headers Header fields by name.
 */
async function boundedGet(
  url: string,
  headers: Readonly<Record<string, string>>,
  { timeoutMs, maxBytes, schedule }: {
    /** Milliseconds until the response's last byte. */
    readonly timeoutMs: number;
    /** Largest body in bytes. */
    readonly maxBytes: number;
    readonly schedule: StartTimer;
  },
): Promise<GotResponse | GetProblem> {
  // Not at the top: the bundler puts this module into a chunk that a bot loads, too, and Bun takes
  // 5 ms to load its HTTP module.
  const { request } = await import("node:http");
  return await new Promise((resolve) => {
    const sent = request(url, { headers: { ...headers, connection: "close" }, agent: false });
    const finish = (result: GotResponse | GetProblem) => {
      cancel();
      resolve(result);
      sent.destroy();
    };
    const cancel = schedule(() => finish("late"), timeoutMs);
    sent.on("error", () => finish("unreachable"));
    sent.on("close", () => finish("unreachable"));
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxBytes) finish("too_large");
        else chunks.push(chunk);
      });
      response.on("error", () => finish("unreachable"));
      response.on("end", () => {
        const status = response.statusCode ?? 0;
        finish({ status, text: Buffer.concat(chunks).toString("utf8") });
      });
    });
    sent.end();
  });
}

/** Milliseconds to wait for a bot on this machine. */
export const STATUS_TIMEOUT_MS = 3_000;

/** Milliseconds after its start within which a bot may be about to listen. */
const STARTING_MS = 10_000;

const LOOK_EVERY_MS = 25;

/** Maximum size of the bot's answer. */
const MAX_REPORT_BYTES = 8 * 2 ** 20;

export interface BotAnswer {
  /** The shown part, unescaped. */
  readonly report: ShownReport;
  /** The whole report on one line, without characters that a terminal obeys. */
  readonly json: string;
}

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
 * Finds the process that holds the data directory. One that has just started gets time to listen.
 *
 * @param timeoutMs Milliseconds that it gets.
 * @returns The holder, with an address if it has one by then; `undefined` if no process holds the
 * directory, or if this cannot be known.
 */
export async function listeningHolder(
  dataDir: string,
  timeoutMs: number,
): Promise<LockHolder | undefined> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const holder = await isHeld(dataDir) === true ? holderOf(dataDir) : undefined;
    if (!holder || holder.http !== undefined) return holder;
    const isStarting = Date.now() - holder.startedAt < STARTING_MS;
    if (!isStarting || performance.now() >= until) return holder;
    await sleep(LOOK_EVERY_MS);
  }
}

/**
 * Asks the bot for its status.
 *
 * The caller has seen that a process holds the lock.
 *
 * @param dataDir Absolute path.
 * @param holder The holder of the directory's lock.
 * @returns The report, or the reason for its absence.
 */
export async function askStatus(
  dataDir: string,
  { pid, startedAt, http = "", httpKey = "" }: LockHolder,
  timeoutMs: number,
): Promise<BotAnswer | string> {
  const another = `another program listens on ${printable(http)}`;
  const address = URL.parse(`http://${http}`);
  if (!address || address.host !== http) return "its lock file has no valid address";
  const got = await boundedGet(`${address.origin}/status`, {
    host: "localhost", // the guard takes no address such as 0.0.0.0
    authorization: `Bearer ${httpKey}`,
  }, { timeoutMs, maxBytes: MAX_REPORT_BYTES, schedule });
  switch (got) {
    case "late":
      return `no response from ${http} within ${timeoutMs / 1_000} s`;
    case "too_large":
      return another;
    case "unreachable":
      return `nothing listens on ${http}`;
  }
  // Only the lock shows who answered.
  const now = await isHeld(dataDir) === true ? holderOf(dataDir) : undefined;
  if (now?.pid !== pid || now.startedAt !== startedAt) return "it ended meanwhile";
  if (got.status !== 200) return `HTTP ${got.status} from ${http}`;
  return readReport(got.text) ?? another;
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

/** Takes the lock for a command that lasts a moment, if it is free. */
export function lockForCommand(dataDir: string): Promise<Lock> {
  return acquireLock(lockOf(dataDir), Date.now(), undefined, { isCommand: true });
}

/**
 * Takes the lock for a restore, which needs a stopped bot.
 *
 * @throws {StartError} If a bot has the lock.
 */
export async function lockOfStopped(dataDir: string): Promise<HeldLock> {
  const lock = await lockForCommand(dataDir);
  if (lock.kind === "held") return lock;
  const pid = lock.heldBy ? ` (pid ${lock.heldBy.pid})` : "";
  throw new StartError(
    `a bot${pid} runs with the data in ${dataDir}; stop it first, then restore`,
    EXIT.tryAgain,
  );
}
