/**
 * Makes a backup each night, while the bot runs (O11).
 *
 * Each backup is the command `barnacle backup` in a process of its own, so nothing of it runs in the
 * bot. A night that was missed, because the bot was stopped or the backup failed, is made up.
 */

import { spawn } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { basename, join, resolve as resolvePath } from "node:path";
import type { Served, ServedPart } from "../../cli/run/served_parts.ts";
import type { BackupState } from "../../core/store/store.ts";
import { BACKUPS_NAME } from "../../host/files/data_dir.ts";
import { ownCommand } from "../../host/process/own_process.ts";
import { schedule as inTime, type Timers } from "../../lib/clock.ts";
import type { Env } from "../../lib/env.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { ENDING } from "./backup.ts";

/** Milliseconds from the start of the bot until the first look. */
const FIRST_LOOK_MS = 20_000;
/** Longest time between two looks: a clock that is set, or a computer that slept, is noticed by then. */
const LOOK_EVERY_MS = 10 * 60_000;
/** Milliseconds from a failure to the next attempt. */
const RETRY_MS = 60 * 60_000;
/** Largest part of an error of the command. */
const MAX_WHY = 500;

/** The beginning of the names of a bot's nightly backups. Only these are deleted: bots may share a folder. */
const nightlyOf = (botId: string) => `barnacle-nightly-${botId}-`;

/** Begins with the nightly backups of a running bot. */
export function serveNightly(
  { store, dataDir, env, setup: first, logging }: Served,
  { now, schedule }: Timers = { now: Date.now, schedule: inTime },
  startBackup: typeof backUp = backUp,
): ServedPart {
  const { settings, gateway } = store;
  const log = logging.forPart("store");
  let setup = first;
  let cancel = () => {};
  let running: ReturnType<typeof backUp> | undefined;
  let isStopped = false;

  /** User id of the bot; `undefined` before its first connection, when there is nothing to copy. */
  async function botId(): Promise<string | undefined> {
    for (const accountId of await gateway.accountIds()) {
      const { self } = await gateway.loadAccount(accountId);
      if (self) return self.userId;
    }
    return undefined;
  }

  function lookIn(ms: number): void {
    if (isStopped) return;
    cancel = schedule(() => void look().then(lookIn), ms);
  }

  /** @returns Milliseconds until the next look. */
  async function look(): Promise<number> {
    try {
      const state = await settings.backups();
      const { enabled, hour } = setup.config.backup;
      if (!enabled) return LOOK_EVERY_MS;
      if (state.since === undefined) await settings.recordBackup({ kind: "first", at: now() });
      const dueAt = nextBackupAt({ since: now(), ...state }, hour, now());
      if (dueAt > now()) return Math.min(LOOK_EVERY_MS, dueAt - now());
      const bot = await botId();
      if (bot !== undefined) await make(nightlyOf(bot));
    } catch (error) {
      log.error("Cannot look after the nightly backup; will try again", { error });
    }
    return LOOK_EVERY_MS;
  }

  async function make(nightly: string): Promise<void> {
    const stamp = new Date(now()).toISOString().replace(/\.\d+/, "").replaceAll(":", "-");
    const folder = resolvePath(dataDir, setup.config.backup.folder ?? BACKUPS_NAME);
    const path = join(folder, `${nightly}${stamp}${ENDING}`);
    const begun = now();
    running = startBackup(path, dataDir, first.config.file, env);
    const why = await running.ended.finally(() => running = undefined);
    if (isStopped) return;
    if (why === undefined) {
      log.info("Made the nightly backup", { path, ms: now() - begun });
      removeOld(folder, nightly, setup.config.backup.keep, basename(path));
      return;
    }
    const failure = {
      kind: "failed" as const,
      at: now(),
      why: withoutControls(why).slice(0, MAX_WHY),
    };
    log.error("The nightly backup has failed; will try again in an hour", { why: failure.why });
    await settings.recordBackup(failure);
  }

  lookIn(FIRST_LOOK_MS);
  return {
    applied: (next) => void (setup = next),
    close() {
      isStopped = true;
      cancel();
      running?.kill();
    },
  };
}

/** The time of the next backup, which may be over. */
function nextBackupAt(
  { since = 0, made, failed }: BackupState,
  hour: number,
  now: number,
): number {
  // What a clock that was ahead has written says nothing.
  const last = Math.max(0, ...[since, made?.at ?? 0].filter((at) => at <= now));
  const night = new Date(last);
  night.setHours(hour, 0, 0, 0);
  if (night.getTime() <= last) night.setDate(night.getDate() + 1);
  const dueAt = night.getTime();
  return failed && failed.at <= now ? Math.max(dueAt, failed.at + RETRY_MS) : dueAt;
}

/**
 * Deletes all but the newest nightly backups. The one that was made just now stays in every case: a
 * clock that was once ahead has given later names to older ones.
 */
function removeOld(folder: string, nightly: string, keep: number, made: string): void {
  const names = readdirSync(folder).filter((name) =>
    name.startsWith(nightly) && name.endsWith(ENDING)
  ).toSorted();
  for (const name of names.slice(0, -keep)) {
    if (name !== made) rmSync(join(folder, name), { force: true });
  }
}

/**
 * Makes a backup by the command, in a process of its own.
 *
 * @param config Path of the config file; absent without one.
 */
function backUp(
  path: string,
  dataDir: string,
  config: string | undefined,
  env: Env,
) {
  const { program, args } = ownCommand();
  const child = spawn(program, [
    ...args,
    "backup",
    "--json",
    "--data",
    dataDir,
    "--to",
    path,
    ...(config === undefined ? [] : ["--config", config]),
  ], { env: { ...env }, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text: string) => said = (said + text).slice(-MAX_WHY * 4));
  const { promise: ended, resolve } = Promise.withResolvers<string | undefined>();
  child.once("error", (error) => resolve(error.message));
  child.once("close", (code, signal) => {
    const lines = said.trim().split("\n").filter((line) => line.startsWith("barnacle: "));
    const why = lines.at(-1)?.slice("barnacle: ".length);
    resolve(code === 0 ? undefined : why ?? `the process ended with ${signal ?? code}`);
  });
  return {
    /** Resolves with the error if it fails. */
    ended,
    /** Ends it at once. */
    kill: () => void child.kill("SIGKILL"),
  };
}
