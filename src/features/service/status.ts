/** `barnacle service status`: the service on one screen. */

import { printable } from "../../lib/text/quoted.ts";
import { durationText, timeText } from "../../lib/text/units.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { LABEL, layoutOf } from "./layout.ts";
import {
  exists,
  type HostMachine,
  openMachine,
  queryTask,
  type ServiceTarget,
  stateOf,
  targetOf,
} from "./machine.ts";
import { endText, showUnit } from "./watch.ts";

interface ServiceStatus {
  readonly target: ServiceTarget;
  /** Path of the unit; absent if the service is not installed. */
  readonly unit?: string;
  readonly isRunning: boolean;
  /** `"running"`, or the service manager's own word. */
  readonly state: string;
  /** Time of the last change of the state, in Unix milliseconds. */
  readonly since?: number;
  /** Process id; absent if no process runs. */
  readonly pid?: number;
  readonly startsAtBoot: boolean;
  /** Restarts by the service manager since an operator started it; absent if it does not count. */
  readonly restarts?: number;
  /** How the process ended last; absent if it has not ended. */
  readonly lastEnd?: string;
  /** Whether the service goes on without a login; absent for a service of the machine. */
  readonly lingers?: boolean;
  /** The bot's own line. */
  readonly bot?: string;
}

export async function showService(
  { json }: { readonly json: boolean },
  io: Io,
  machine: HostMachine = openMachine(io.env),
): Promise<ExitCode> {
  const target = await targetOf(machine);
  const status = await readStatus(target, machine);
  if (json) io.out(JSON.stringify(status));
  else for (const line of statusLines(status, machine.user, Date.now())) io.out(line);
  return status.isRunning ? EXIT.done : EXIT.failed;
}

export async function readStatus(
  target: ServiceTarget,
  machine: HostMachine,
): Promise<ServiceStatus> {
  const layout = layoutOf(target, machine);
  const path = [layout.unit.path, ...layout.packagedUnits].find((one) => exists(machine, one));
  const unit = { target, unit: path };
  if (target === "task") return { ...unit, ...await readTask(machine) };
  if (target === "launchd") return { ...unit, ...await readAgent(machine) };
  const shown = await showUnit(target, machine);
  if (shown["ActiveState"] === undefined) {
    throw new StartError("systemctl does not answer; is systemd running?", EXIT.failed);
  }
  const since = Date.parse(shown["StateChangeTimestamp"] ?? "");
  const pid = Number(shown["MainPID"] ?? 0);
  const isRunning = shown["ActiveState"] === "active";
  return {
    ...unit,
    unit: path ?? (shown["FragmentPath"] || undefined),
    isRunning,
    state: stateText(shown),
    since: Number.isNaN(since) ? undefined : since,
    pid: pid === 0 ? undefined : pid,
    startsAtBoot: shown["UnitFileState"] === "enabled",
    restarts: Number(shown["NRestarts"] ?? 0),
    lastEnd: endText(shown),
    lingers: target === "systemd-user"
      ? exists(machine, `/var/lib/systemd/linger/${machine.user}`)
      : undefined,
    bot: isRunning ? shown["StatusText"] || undefined : undefined,
  };
}

async function readTask(machine: HostMachine) {
  const state = await queryTask(machine.run);
  const code = state?.lastCode;
  return {
    isRunning: state?.isRunning === true,
    state: state === undefined ? "no such task" : state.isRunning ? "running" : "stopped",
    startsAtBoot: state !== undefined,
    lastEnd: code === undefined
      ? undefined
      : endText({ ExecMainCode: "1", ExecMainStatus: `${code}` }),
  };
}

async function readAgent(machine: HostMachine) {
  const { isActive, isEnabled } = await stateOf("launchd", machine);
  const { stdout } = await machine.run(["launchctl", "print", `gui/${machine.uid}/${LABEL}`]);
  const field = (name: string) => new RegExp(`^\\s*${name} = (.+)$`, "m").exec(stdout)?.[1];
  const code = field("last exit code");
  const [pid, runs] = [field("pid"), field("runs")].map(Number);
  return {
    isRunning: isActive && field("state") === "running",
    state: field("state") ?? (isActive ? "running" : "stopped"),
    pid: pid || undefined,
    startsAtBoot: isEnabled,
    restarts: runs ? runs - 1 : undefined,
    lastEnd: code === undefined || !/^\d+$/.test(code)
      ? undefined
      : endText({ ExecMainCode: "1", ExecMainStatus: code }),
  };
}

function stateText(shown: Readonly<Record<string, string>>): string {
  const { ActiveState: state = "", SubState: sub = "" } = shown;
  if (state === "active" && sub === "running") return "running";
  if (state === "activating" && sub === "auto-restart") return "ended, restarts soon";
  if (state === "activating") return "starting";
  if (state === "deactivating") return "stopping";
  if (state === "failed") return "failed, and not restarted";
  return state === "inactive" ? "stopped" : `${state} (${sub})`;
}

/** The state for people. */
export function statusLines(status: ServiceStatus, user: string, now: number): readonly string[] {
  const { target, unit, since, restarts, lastEnd, lingers } = status;
  if (unit === undefined) {
    return ["Service   not installed; `barnacle service install` installs it"];
  }
  const ago = since === undefined ? "" : ` since ${timeText(since)} (${durationText(now - since)})`;
  const process = status.pid === undefined ? "" : `, pid ${status.pid}`;
  const rows: (readonly [string, string | undefined])[] = [
    ["Service", `${status.state}${ago}${process}`],
    ["Bot", status.bot === undefined ? undefined : printable(status.bot)],
    ["Unit", unit],
    ["At boot", bootText(status)],
    ["Restarts", restarts === undefined ? undefined : `${restarts}`],
    ["Last end", lastEnd ?? (restarts === undefined ? undefined : "none")],
    ["Linger", lingers === undefined ? undefined : lingers ? "on" : lingerText(user)],
    ["Log", LOG_TEXTS[target]],
  ];
  return rows.flatMap(([name, text]) => text === undefined ? [] : [`${name.padEnd(10)}${text}`]);
}

function bootText({ startsAtBoot, lingers, target }: ServiceStatus): string {
  if (!startsAtBoot) return "does not start";
  return lingers === false || target === "launchd" || target === "task"
    ? "starts when you log in"
    : "starts";
}

/** How to read the log. */
const LOG_TEXTS: Readonly<Record<ServiceTarget, string>> = {
  systemd: "sudo journalctl -u barnacle",
  "systemd-user": "journalctl --user -u barnacle",
  launchd: "~/Library/Logs/barnacle.log",
  task: "the file of `log.file`",
};

function lingerText(user: string): string {
  return `off: the bot stops when you log out; sudo loginctl enable-linger ${user}`;
}
