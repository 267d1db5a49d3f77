/**
 * Watches a new version until its first accepted event, where no service manager does (O13).
 *
 * A bot that is about to go on as the new program starts this process from the program before it, with
 * its own environment and streams. If the new version ends or hangs, this process puts the old one
 * back, and goes on as it. Killed at any moment, it leaves a whole program and a whole store.
 */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";
import { readVersionRecord } from "../../host/files/version_record.ts";
import { readPid } from "../../host/process/boot.ts";
import { createCrashPoints, readCrashPoint } from "../../host/process/crash_points.ts";
import { replaceProcess } from "../../host/process/replace.ts";
import { WATCH_ARGUMENT } from "../../host/process/watch_argument.ts";
import type { Env } from "../../lib/env.ts";
import { parseForeignJson } from "../../lib/text/json.ts";
import { compareVersions } from "../../lib/version_order.ts";
import { inspect } from "../../store/database/database.ts";
import { VERSION } from "../../version.ts";
import { EXIT } from "../../cli/shared/exit_code.ts";
import { holderOf } from "../../cli/shared/running_bot.ts";
import { createAsk, UnansweredError } from "../../cli/shared/store_access.ts";
import { goBack, OPERATOR } from "./go_back.ts";
import { type ProgramFacts, tryProgram } from "./try_program.ts";

/** Times of a watch in milliseconds. */
const TIMES = {
  lookMs: 250,
  /** Without any bot: a supervisor that Barnacle does not know may start one meanwhile. */
  aloneMs: 12_000,
  /** From the start of a version to its first answer to a command. */
  silentMs: 60_000,
  /** Between two questions to a bot that seems to hang, and from SIGTERM to SIGKILL. */
  pauseMs: 5_000,
  longestMs: 15 * 60_000,
};

/** Milliseconds for the start of the watch. */
const CHILD_MS = 5_000;

/** Questions without an answer after which a bot hangs. */
const QUESTIONS = 3;

/** The bot to watch, and its files. */
export interface WatchTask {
  /** Process id of the bot, before and after the restart. */
  readonly pid: number;
  /** When that process began, in the kernel's ticks; absent if unknown. */
  readonly startTicks?: number;
  readonly dataDir: string;
  readonly program: string;
  /** When the restart began. */
  readonly since: number;
  /** The version that runs before the restart. */
  readonly version: string;
  /** Schema of its store: the new version may migrate it before the watch can look. Absent: no store. */
  readonly schema?: number;
  /** Whether the process that gets this is the bot's child. */
  readonly isChild: boolean;
}

const taskSchema: z.ZodType<WatchTask> = z.object({
  pid: z.int(),
  startTicks: z.int().optional(),
  dataDir: z.string(),
  program: z.string(),
  since: z.number(),
  version: z.string(),
  schema: z.int().optional(),
  isChild: z.boolean(),
});

/**
 * Starts the watch of this process, which is about to go on as another program.
 *
 * @param previous Path of the program that runs now.
 */
export async function startWatch(
  previous: string,
  dataDir: string,
  program: string,
): Promise<void> {
  const { pid } = process;
  const own = readPid(pid);
  const startTicks = own.kind === "running" ? own.startTicks : undefined;
  const child = startWith(previous, {
    pid,
    startTicks,
    dataDir,
    program,
    since: Date.now(),
    version: VERSION,
    schema: schemaOf(dataDir),
    isChild: true,
  }, process.argv.slice(2));
  await Promise.race([
    new Promise((resolve) => child.once("exit", resolve).once("error", resolve)),
    sleep(CHILD_MS), // without the watch, the restart is as good as one by hand
  ]);
}

/** The schema of the store; `undefined` without a store that can be read. */
function schemaOf(dataDir: string): number | undefined {
  const store = join(dataDir, DATABASE_NAME);
  try {
    return existsSync(store) ? inspect(store, Infinity) : undefined;
  } catch (error) {
    say(`Cannot watch the new version: ${wordsOf(error)}`);
    return undefined;
  }
}

function startWith(program: string, task: WatchTask, args: readonly string[]) {
  return spawn(program, [WATCH_ARGUMENT, JSON.stringify(task), ...args], { stdio: "inherit" });
}

/** Serves the argument of `main.ts`, and ends the process. */
export async function main(): Promise<void> {
  const [json = "", ...args] = process.argv.slice(3);
  const { data: task } = taskSchema.safeParse(parseForeignJson(json));
  if (!task) {
    say(`${WATCH_ARGUMENT} is for Barnacle itself; use \`barnacle upgrade\``);
    process.exit(EXIT.usage);
  }
  const { program, version, isChild } = task;
  if (isChild) {
    // The new version would not look after a child that the one before it has started.
    const child = startWith(process.execPath, { ...task, isChild: false }, args);
    await new Promise((resolve) => child.once("spawn", resolve).once("error", resolve));
    process.exit();
  }
  // Another program may have this name, if a person has exchanged them.
  const isWanted = version === VERSION &&
    await watch(task, timesOf(process.env)).catch((error: unknown) => {
      say(`Cannot watch the new version: ${wordsOf(error)}`);
      return false;
    });
  if (isWanted) {
    const problem = replaceProcess(program, args);
    say(`Cannot start ${program} (${wordsOf(problem)}); start it yourself`);
  }
  process.exit();
}

/** A test shortens the times, as far as Discord is simulated. */
function timesOf(env: Env): typeof TIMES {
  const ms = Number(env["BARNACLE_WATCH_MS"]);
  if (!(ms > 0) || !env["DISCORD_API_URL"]) return TIMES;
  return { ...TIMES, aloneMs: ms, silentMs: ms, pauseMs: ms / 5 };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function say(line: string): void {
  process.stderr.write(`barnacle: ${line}\n`);
}

/**
 * Watches a version.
 *
 * @returns Whether this process must go on as the installed program, because no other one does.
 */
export async function watch(task: WatchTask, times: typeof TIMES): Promise<boolean> {
  const { dataDir, since, schema } = task;
  const { accepted } = readVersionRecord(dataDir);
  if (schema === undefined) return false; // a bot without data loses nothing
  const begin = performance.now();
  let aloneAt: number | undefined;
  let lookAt = begin + times.silentMs;
  let why = "it ended before its first event";
  for (;;) {
    await sleep(times.lookMs);
    const now = performance.now();
    const { accepted: current, trial, failed } = readVersionRecord(dataDir);
    const hasLeft = trial?.left !== undefined && trial.left >= since; // such as by Ctrl-C
    if (current !== accepted || hasLeft || now - begin > times.longestMs) return false;
    const isBack = failed !== undefined && failed.at >= since;
    if (isBack && failed.why === OPERATOR) return false;
    const isRunning = runs(task);
    if (isRunning || runsOther(dataDir)) {
      if (isBack) return false;
      aloneAt = undefined;
    } else {
      aloneAt ??= now;
    }
    if (isRunning && now > lookAt) {
      lookAt = now + times.silentMs;
      if (!await hangs(task, schema, times)) continue;
      why = `it answered no command for ${Math.round((now - begin) / 1_000)} s, and was ended`;
      await end(task, times.pauseMs);
    }
    if (aloneAt === undefined || now - aloneAt < times.aloneMs) continue;
    return isBack || await putBack(task, { accepted, schema, why });
  }
}

/** Puts the old version back, unless the new one has accepted an event in its last moments. */
async function putBack(
  { dataDir, program, since }: WatchTask,
  { accepted, schema, why }: {
    readonly accepted: string | undefined;
    readonly schema: number;
    readonly why: string;
  },
): Promise<boolean> {
  const facts = await tryProgram(program);
  const version = typeof facts === "string" ? "of the new program" : facts.version;
  if (isOlder(facts)) return false;
  const crash = createCrashPoints(readCrashPoint(process.env));
  crash.at("watched");
  const trial = { version, from: VERSION, schema, since, starts: 0 };
  const isBack = await goBack({ dataDir, program, trial, why }, crash, say);
  return isBack || readVersionRecord(dataDir).accepted !== accepted;
}

/** Whether the new version takes no commands, and changes no store either. */
async function hangs(
  { dataDir, program }: WatchTask,
  schema: number,
  { pauseMs }: typeof TIMES,
): Promise<boolean> {
  const facts = await tryProgram(program);
  if (isOlder(facts)) return false;
  if (typeof facts !== "string" && facts.schema > schema && !isMigrated(dataDir, facts.schema)) {
    return false; // a large store takes minutes
  }
  for (let question = 0; question < QUESTIONS; question++) {
    if (question > 0) await sleep(pauseMs);
    try {
      await createAsk(dataDir)("catchUp", []);
      return false;
    } catch (error) {
      if (!(error instanceof UnansweredError)) return false; // it has answered something
    }
  }
  return true;
}

/** An older version is on no trial. */
function isOlder(facts: ProgramFacts | string): boolean {
  return typeof facts !== "string" && compareVersions(facts.version, VERSION) <= 0;
}

function isMigrated(dataDir: string, schema: number): boolean {
  try {
    return inspect(join(dataDir, DATABASE_NAME), Infinity) >= schema;
  } catch {
    return false; // it cannot be read while it is migrated
  }
}

/** Whether the watched process lives. The number could be another one's by now. */
function runs({ pid, startTicks }: Pick<WatchTask, "pid" | "startTicks">): boolean {
  const found = readPid(pid);
  if (found.kind === "running") return startTicks === undefined || found.startTicks === startTicks;
  return found.kind === "unknown" && signal(pid, 0);
}

/** Whether a bot that somebody else has started works with the data. */
function runsOther(dataDir: string): boolean {
  const holder = holderOf(dataDir);
  return holder !== undefined && !holder.isCommand && runs(holder);
}

async function end(task: WatchTask, pauseMs: number): Promise<void> {
  signal(task.pid, "SIGTERM");
  for (let waitedMs = 0; runs(task) && waitedMs < pauseMs; waitedMs += 50) await sleep(50);
  if (runs(task)) signal(task.pid, "SIGKILL");
}

/** @returns Whether there is such a process. */
function signal(pid: number, name: "SIGTERM" | "SIGKILL" | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}
