/**
 * Judges the ends of earlier runs, for a bot that "dies silently" (O9).
 *
 * A killed process leaves no trace in its log. The store knows when it was last alive. The kernel's
 * boot id tells whether the machine went down with it.
 */

import { type Env, isSameBoot } from "../../lib/env.ts";
import { DAY_MS } from "../../lib/clock.ts";
import type { Finding } from "../../core/finding.ts";
import type { LastRun } from "../../store/gateway/sessions.ts";
import type { LogFields } from "../../lib/log.ts";

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
