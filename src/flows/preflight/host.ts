/**
 * Judges this machine: the ends of earlier runs, for a bot that "dies silently" (O9), the disk of the data
 * directory (O3, O12), and the backups (O11).
 *
 * A killed process leaves no trace in its log. The store knows when it was last alive. The kernel's
 * boot id tells whether the machine went down with it.
 */

import type { Finding } from "../../core/finding.ts";
import type { BackupState } from "../../core/store/store.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { type Env, isSameBoot } from "../../lib/env.ts";
import type { LogFields } from "../../lib/log.ts";
import { durationText, sizeOf, timeText } from "../../lib/text/units.ts";
import type { LastRun } from "../../store/gateway/gateway.ts";

/** A hosting company that stops idle processes. */
interface Hosting {
  /** Name of the company: `"Replit"`. */
  readonly name: string;
  readonly variable: string;
  /** Whether `http.keepAliveUrl` is set. */
  readonly isKeptAwake?: boolean;
}

export interface LogLine {
  readonly event: string;
  readonly fields: LogFields;
}

/** Silent ends in a day that are no accident any more. */
const SILENT_MANY = 3;

/** Variables that hosting companies set in every process. */
const HOSTS: readonly (readonly [variable: string, name: string])[] = [
  ["REPL_ID", "Replit"],
  ["SPACE_ID", "Hugging Face Spaces"],
  ["RENDER", "Render"],
  ["RAILWAY_ENVIRONMENT", "Railway"],
  ["RAILWAY_ENVIRONMENT_NAME", "Railway"],
  ["FLY_APP_NAME", "Fly.io"],
  ["DYNO", "Heroku"],
];

/**
 * Finds the hosting company by the environment.
 *
 * @returns `undefined` if no known company runs this process.
 */
export function hostingOf(env: Env): Hosting | undefined {
  const found = HOSTS.find(([variable]) => env[variable]);
  return found && { variable: found[0], name: found[1] };
}

/**
 * The line to log at a start about the end of the last run.
 *
 * @param bootId The kernel's current boot id.
 * @returns `undefined` if the last run was stopped, or if there was none.
 */
export function describeLastRun(
  last: LastRun | undefined,
  now: number,
  bootId: string | undefined,
): LogLine | undefined {
  if (!last || last.ending === "stopped") return undefined;
  const { aliveAt, ending } = last;
  const fields = {
    lastAlive: new Date(aliveAt).toISOString(),
    awaySec: Math.max(0, Math.round((now - aliveAt) / 1_000)),
  };
  return ending === undefined
    ? { event: SILENT_ENDS[silentEndOf(last, bootId)], fields }
    : { event: "The last run ended by itself", fields: { ...fields, why: ending } };
}

/**
 * Judges whether runs keep ending silently, and names a likely cause.
 *
 * @param bootId The kernel's current boot id.
 */
export function judgeRuns(
  runs: readonly LastRun[],
  now: number,
  bootId: string | undefined,
  hosting: Hosting | undefined,
): Finding {
  const row = { id: "host.runs", what: "Ends of earlier runs" };
  const silent = runs.filter(({ ending, aliveAt }) =>
    ending === undefined && aliveAt > now - DAY_MS && aliveAt <= now
  );
  const last = silent.reduce((latest, { aliveAt }) => Math.max(latest, aliveAt), -Infinity);
  if (silent.length === 0) {
    return { ...row, status: "pass", why: "none was killed or crashed in the last 24 hours" };
  }
  const times = silent.length === 1 ? "once" : `${silent.length} times`;
  const why = `in the last 24 hours it was killed, or crashed, ${times}, ` +
    `last at ${new Date(last).toISOString()}`;
  if (silent.length < SILENT_MANY) return { ...row, status: "warn", why };
  const wentDown = silent.filter((run) => silentEndOf(run, bootId) === "machine").length;
  return {
    ...row,
    status: "fail",
    where: hosting ? `${hosting.name} (${hosting.variable} is set)` : undefined,
    why,
    fix: fixOf(hosting, wentDown * 2 > silent.length),
  };
}

function fixOf(hosting: Hosting | undefined, wasMachine: boolean): string {
  if (hosting?.isKeptAwake) {
    return "http.keepAliveUrl is set: see whether it goes on; then use a plan that does not sleep";
  }
  if (hosting) {
    return `${hosting.name} stops services without visitors: set http.keepAliveUrl to the ` +
      "service's public address, or use a plan that does not sleep";
  }
  return wasMachine
    ? "the machine itself goes down: check its power supply and `journalctl --list-boots`"
    : "find out what kills it: `journalctl -k` shows the kernel's out-of-memory killer, " +
      "the service's log the last lines";
}

type SilentEnd = "process" | "machine" | "either";

const SILENT_ENDS: Readonly<Record<SilentEnd, string>> = {
  process:
    "The last run was killed or crashed: it ended without a log line while the machine kept running",
  machine: "The machine went down during the last run",
  either: "The last run was killed or crashed, or the machine went down with it",
};

function silentEndOf(run: LastRun, bootId: string | undefined): SilentEnd {
  const isThisBoot = isSameBoot(run.bootId, bootId);
  if (isThisBoot === undefined) return "either";
  return isThisBoot ? "process" : "machine";
}

/** Free bytes below which the store may soon fail to write. */
const LOW_SPACE = 268_435_456;
const NO_SPACE = 20_000_000;

export interface DiskFacts {
  readonly path: string;
  /** Absent: unknown. */
  readonly freeBytes?: number;
  /** Its file system, if other machines have it, too: `"NFS"`. */
  readonly network?: string;
}

/** Every check of the disk. */
export function judgeDisk(facts: DiskFacts): readonly Finding[] {
  return [space(facts), ...fileSystem(facts)];
}

function space({ path: where, freeBytes }: DiskFacts): Finding {
  const about = { id: "host.data", what: "Data directory", where };
  if (freeBytes === undefined) {
    return { ...about, status: "skipped", why: "its disk tells no room" };
  }
  const why = `${sizeOf(freeBytes)} are free`;
  if (freeBytes >= LOW_SPACE) return { ...about, status: "pass", why };
  return {
    ...about,
    status: freeBytes < NO_SPACE ? "fail" : "warn",
    why,
    fix:
      "free some space on that disk, lower `store.retention`, or choose another directory with " +
      "--data: with a full disk, no message is answered",
  };
}

function fileSystem({ path: where, network }: DiskFacts): readonly Finding[] {
  if (network === undefined) return [];
  return [{
    id: "host.fileSystem",
    what: "File system",
    status: "warn",
    where,
    why:
      `the data directory is on a network file system (${network}), and a database cannot trust its locks and writes`,
    fix: "choose a directory on a disk of this machine with --data; backups may go to the network",
  }];
}

/** Milliseconds from which the newest backup is too old: two nights have passed. */
const OLD_MS = 2 * DAY_MS;

/**
 * The newest backup, and the failure after it, in one line.
 *
 * @param isThere Whether its file is at its place; it may be deleted, or its disk be away.
 */
export function backupText({ made, failed }: BackupState, now: number, isThere: boolean): string {
  const last = made
    ? `${durationText(now - made.at)} ago, ${sizeOf(made.bytes)}, ${made.path}` +
      (isThere ? "" : ", which is not there now")
    : "none yet";
  return failed ? `failed at ${timeText(failed.at)}: ${failed.why}; the last one: ${last}` : last;
}

/** The row of `doctor`. */
export function judgeBackups(
  state: BackupState,
  { enabled }: { readonly enabled: boolean },
  now: number,
  isThere: boolean,
): Finding {
  const about = { id: "host.backups", what: "Backups", where: state.made?.path };
  const { since = now, made, failed } = state;
  const why = backupText(state, now, isThere);
  if (failed) {
    return {
      ...about,
      status: enabled ? "fail" : "warn",
      why,
      fix: "run `barnacle backup` once the cause is gone",
    };
  }
  if (now - Math.max(since, made?.at ?? 0) > OLD_MS) {
    const fix = enabled
      ? "let the bot run at night, or run `barnacle backup`"
      : "run `barnacle backup`, or set `backup.enabled` to true";
    return { ...about, status: "warn", why, fix };
  }
  if (made && !isThere) {
    const fix = "connect the disk that has it, or run `barnacle backup`";
    return { ...about, status: "warn", why, fix };
  }
  return { ...about, status: "pass", why };
}
