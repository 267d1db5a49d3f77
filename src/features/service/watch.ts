/** Waits until the service manager reports a bot that is ready, or finds out why it is not. */

import { realpathSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { meaningOf, StartError } from "../../cli/shared/exit_code.ts";
import { launchdLog } from "../../cli/shared/find_data.ts";
import { holderOf, isHeld } from "../../cli/shared/running_bot.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { isRecord, parseForeignJson, printable } from "../../lib/text/quoted.ts";
import { LABEL, layoutOf, UNIT, WINDOWS_TASK } from "./layout.ts";
import {
  endOf,
  firstLine,
  type HostMachine,
  queryTask,
  type ServiceTarget,
  sizeOfFile,
  stateOf,
  systemctlOf,
  targetOf,
} from "./machine.ts";

type Started =
  /** `status`: the bot's own line about itself. */
  | { readonly kind: "ready"; readonly status?: string }
  | { readonly kind: "failed"; readonly why: string; readonly log: readonly string[] };

/** Times of a wait, in milliseconds; tests have shorter ones. */
export interface WaitTimes {
  /** Between two looks. */
  readonly stepMs: number;
  /** Until the bot must be ready; the unit allows 120 s. */
  readonly readyMs: number;
  /** After that, for a bot that Discord refuses, or that connects. */
  readonly settleMs: number;
}

const TIMES: WaitTimes = { stepMs: 250, readyMs: 125_000, settleMs: 15_000 };

/** Fields of `systemctl show` that tell how the service is. */
const FIELDS =
  "LoadState,ActiveState,SubState,Result,StateChangeTimestamp,NRestarts,ExecMainCode," +
  "ExecMainStatus,MainPID,UnitFileState,StatusText,FragmentPath";

/**
 * Waits for the bot.
 *
 * @param before {@link logLength} before the start.
 */
export async function waitForReady(
  target: ServiceTarget,
  machine: HostMachine,
  { before, dataDir }: { readonly before: number; readonly dataDir: string },
  times: WaitTimes = TIMES,
): Promise<Started> {
  if (target === "task") return await waitForTask(machine, dataDir, times);
  if (target === "launchd") return await waitForAgent(machine, before, times);
  const since = Math.floor(Date.now() / 1_000) - 1;
  const start = performance.now();
  const restarts = Number((await showUnit(target, machine))["NRestarts"] ?? 0);
  let readyAt: number | undefined;
  let shown: Readonly<Record<string, string>> = {};
  while (performance.now() - start < times.readyMs) {
    shown = await showUnit(target, machine);
    const state = shown["ActiveState"];
    const hasEnded = state === "failed" || shown["SubState"] === "auto-restart" ||
      Number(shown["NRestarts"] ?? 0) > restarts;
    if (hasEnded) return failed(shown, await reasonsOf(target, machine, since));
    if (state === "active") {
      readyAt ??= performance.now();
      const status = shown["StatusText"];
      const isSettled = status?.startsWith("pass") || performance.now() - readyAt > times.settleMs;
      if (isSettled) return { kind: "ready", status: status === "" ? undefined : status };
    }
    await sleep(times.stepMs);
  }
  const log = await reasonsOf(target, machine, since);
  return { kind: "failed", why: `the bot is not ready after ${times.readyMs / 1_000} s`, log };
}

/** A task has no log of its own, so the bot's lock decides, and the scheduler knows an exit code. */
async function waitForTask(
  machine: HostMachine,
  dataDir: string,
  { stepMs, settleMs }: WaitTimes,
): Promise<Started> {
  const start = performance.now();
  for (;;) {
    await sleep(stepMs);
    if (await isHeld(`${machine.root}${dataDir}`) === true) {
      const { http } = holderOf(`${machine.root}${dataDir}`) ?? {};
      if (http !== undefined) return { kind: "ready", status: `http://${http}` };
    }
    const state = await queryTask(machine.run);
    if (state?.lastCode !== undefined) {
      const why = endText({ ExecMainCode: "1", ExecMainStatus: `${state.lastCode}` });
      return { kind: "failed", why: `the bot ended: ${why}`, log: [] };
    }
    if (performance.now() - start < settleMs) continue;
    return state?.isRunning === true
      ? { kind: "ready" }
      : { kind: "failed", why: "the scheduler does not start it", log: [] };
  }
}

/**
 * launchd knows no readiness, and counts a bot that ends again and again as running. So the log
 * decides, from the line on that the start writes.
 */
async function waitForAgent(
  machine: HostMachine,
  before: number,
  { stepMs, settleMs }: WaitTimes,
): Promise<Started> {
  const path = launchdLog(machine.home);
  const start = performance.now();
  do {
    await sleep(stepMs);
    const lines = linesOf(endOf(machine, path, before));
    if (lines.some(({ text }) => text === READY_EVENT)) return { kind: "ready" };
    if (lines.some(({ isError }) => isError)) {
      return { kind: "failed", why: "it does not start", log: chosenLines(lines) };
    }
  } while (performance.now() - start < settleMs);
  const { isActive } = await stateOf("launchd", machine);
  if (isActive) return { kind: "ready" };
  return { kind: "failed", why: `the bot does not run; ${path} has its log`, log: [] };
}

/** The log's event once Discord has accepted the bot (`cli/run/run.ts`). */
const READY_EVENT = "The bot is ready";

/** Bytes of the log before a start; service managers with a journal know the time instead. */
export function logLength(target: ServiceTarget, machine: HostMachine): number {
  return target === "launchd" ? sizeOfFile(machine, launchdLog(machine.home)) : 0;
}

function failed(shown: Readonly<Record<string, string>>, log: readonly string[]): Started {
  return { kind: "failed", why: `the bot ended: ${endText(shown) ?? "no reason known"}`, log };
}

/** How systemd says that the service is, by {@link FIELDS}. */
export async function showUnit(
  target: ServiceTarget,
  { run }: HostMachine,
): Promise<Readonly<Record<string, string>>> {
  const { stdout } = await run(systemctlOf(target, "show", `--property=${FIELDS}`, UNIT));
  return Object.fromEntries(
    stdout.split("\n").map((line): [string, string] => {
      const at = line.indexOf("=");
      return [line.slice(0, Math.max(0, at)), line.slice(at + 1)];
    }).filter(([name]) => name !== ""),
  );
}

/** Number of lines of the journal that are shown. */
const MOST_LINES = 6;

/** The errors in the journal since a time; without errors, its last lines. */
async function reasonsOf(
  target: ServiceTarget,
  { run }: HostMachine,
  since: number,
): Promise<readonly string[]> {
  const unit = target === "systemd-user" ? "--user-unit" : "--unit";
  const { code, stdout } = await run(
    ["journalctl", unit, UNIT, `--since=@${since}`, "--output=cat", "--no-pager", "--lines=200"],
  );
  if (code !== 0) return [];
  return chosenLines(linesOf(stdout));
}

function linesOf(log: string): readonly JournalLine[] {
  return log.split("\n").filter((line) => line.trim() !== "").map(readLine);
}

/** The errors; without errors, the last lines. */
function chosenLines(lines: readonly JournalLine[]): readonly string[] {
  const errors = lines.filter(({ isError }) => isError);
  const chosen = errors.length > 0 ? errors : lines;
  return [...new Set(chosen.map(({ text }) => printable(text)))].slice(-MOST_LINES);
}

interface JournalLine {
  readonly text: string;
  readonly isError: boolean;
}

/** A line of the journal: an event of the log, or text of a start that failed. */
function readLine(line: string): JournalLine {
  const event = line.startsWith("{") ? parseForeignJson(line) : undefined;
  if (!isRecord(event) || typeof event["event"] !== "string") {
    return { text: line, isError: /^(?:error:|barnacle:)/.test(line) };
  }
  const fields = isRecord(event["fields"]) ? event["fields"] : {};
  const hint = typeof fields["hint"] === "string" ? `: ${fields["hint"]}` : "";
  return { text: `${event["event"]}${hint}`, isError: event["level"] === "error" };
}

/** Reasons of systemd that are no exit code of Barnacle. */
const RESULTS: Readonly<Record<string, string>> = {
  watchdog: "it did not answer the watchdog",
  "oom-kill": "the kernel ended it for want of memory",
  timeout: "it took too long to start or to stop",
  resources: "systemd could not prepare it",
};

/** Exit codes by which systemd says that it could not start the program. */
const SYSTEMD: Readonly<Record<number, string>> = {
  200: "systemd cannot enter its folder",
  203: "systemd cannot run the program",
  217: "the unit's user does not exist, or this machine forbids user namespaces (write " +
    "PrivateUsers=no under [Service] with `systemctl edit barnacle`)",
  226: "systemd cannot prepare its sandbox",
  238: "systemd cannot create its data directory",
};

const SIGKILL = 9;
/** A second SIGTERM ends Barnacle at once. */
const AT_ONCE = 143;

/** `"78: invalid config"`; `undefined` if no process has ended yet. */
export function endText(shown: Readonly<Record<string, string>>): string | undefined {
  const { ExecMainCode: kind, ExecMainStatus: status = "", Result: result = "" } = shown;
  const reason = RESULTS[result];
  const number = Number(status);
  // 0: it has not ended. 1: it has exited. 2 and 3: a signal ended it.
  if (kind === "1") {
    const meaning = meaningOf(number) ?? SYSTEMD[number] ??
      (number === AT_ONCE ? "stopped at once" : "unknown");
    return `${number}: ${reason ?? meaning}`;
  }
  if (kind === "2" || kind === "3") {
    return `signal ${number}: ${reason ?? (number === SIGKILL ? "killed" : "ended")}`;
  }
  return reason;
}

/**
 * Restarts the service that runs a program, and waits until the bot is ready.
 *
 * @param program Absolute, with links resolved.
 * @param times Times of the wait; absent: those of the unit.
 * @returns `undefined` if no service runs the program.
 */
export async function restartService(
  program: string,
  machine: HostMachine,
  io: Io,
  times?: WaitTimes,
): Promise<Started | undefined> {
  const target = await targetOf(machine).catch((error: unknown) => {
    if (error instanceof StartError) return undefined;
    throw error;
  });
  if (target === undefined) return undefined;
  const layout = layoutOf(target, { ...machine, program });
  const isOwn = realPath(`${machine.root}${layout.program}`) === program;
  if (!isOwn || !(await stateOf(target, machine)).isActive) return undefined;
  const before = logLength(target, machine);
  for (const argv of commandsOf(target, machine)) {
    const { code, stderr } = await io.during("Restarting the service", machine.run(argv));
    if (code === 0) continue;
    const why = `\`${argv.join(" ")}\` ended with ${code}: ${firstLine(stderr)}`;
    return { kind: "failed", why, log: [] };
  }
  const { dataDir } = layout;
  const ready = waitForReady(target, machine, { before, dataDir }, times);
  return await io.during("Waiting until the bot is ready", ready);
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined; // there is none
  }
}

function commandsOf(target: ServiceTarget, { uid }: HostMachine) {
  type Argv = readonly [string, ...string[]];
  switch (target) {
    case "launchd":
      return [["launchctl", "kickstart", "-k", `gui/${uid}/${LABEL}`]] satisfies Argv[];
    case "task":
      return [
        ["schtasks", "/End", "/TN", WINDOWS_TASK],
        ["schtasks", "/Run", "/TN", WINDOWS_TASK],
      ] satisfies Argv[];
    default:
      // In two steps: the wait must not take the old bot for the new one.
      return [systemctlOf(target, "stop", UNIT), systemctlOf(target, "start", "--no-block", UNIT)];
  }
}
