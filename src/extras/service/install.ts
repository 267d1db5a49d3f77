/** `barnacle service install` and `uninstall`: show the steps, ask once, and carry them out. */

import { resolve } from "node:path";
import { printable } from "../../lib/text/quoted.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import { SERVICE_DATA } from "../../cli/shared/service_paths.ts";
import { toStartError } from "../../cli/shared/start_error.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { confirmOnTerminal } from "../../cli/terminal/confirm.ts";
import { isOurs, LABEL, layoutOf, type ServiceLayout, UNIT } from "./layout.ts";
import {
  exists,
  type HostMachine,
  managerFacts,
  serviceText,
  stateOf,
  systemctlOf,
  thisMachine,
} from "./machine.ts";
import { assertUsable, configFor } from "./service_config.ts";
import { addFiles, addStart, END_TASK, packagedUnit } from "./install_steps.ts";
import { createSteps, type ServiceStep } from "./steps.ts";
import { chooseTarget, type ServiceTarget, WINDOWS_TASK } from "./target.ts";
import { logLength, waitForReady, type WaitTimes } from "./watch.ts";

export interface InstallRequest {
  /** Path of the config; absent: the service's own, or the one that `run` would use here. */
  readonly config?: string;
  /** Data directory, for a user's service. */
  readonly data?: string;
  /** Secrets to write into the service's folder, by the name of their file. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Whether to ask no question. */
  readonly yes: boolean;
  /** Whether to change nothing. */
  readonly dryRun?: boolean;
  /** Whether stdout gets one line of JSON, and stderr all others. */
  readonly json?: boolean;
}

export type ChangeRequest = Pick<InstallRequest, "yes" | "dryRun" | "json">;

/** The parts that a test replaces. */
export interface ServicePorts {
  readonly machine: HostMachine;
  /** Absent without a terminal. */
  readonly confirm?: (question: string) => Promise<boolean>;
  /** Times of the wait; absent: those of the unit. */
  readonly times?: WaitTimes;
}

export function servicePorts(io: Io): ServicePorts {
  return { machine: thisMachine(io.env), confirm: confirmOnTerminal() };
}

/**
 * Says whether a service can be installed here, for `barnacle setup`.
 *
 * @returns The service manager, or one line why there is none.
 */
export async function serviceOffer(
  io: Io,
  { machine }: Pick<ServicePorts, "machine"> = servicePorts(io),
): Promise<{ readonly target: ServiceTarget } | { readonly why: string }> {
  try {
    assertBinary(machine);
    return { target: chooseTarget(await managerFacts(machine)) };
  } catch (error) {
    return { why: toStartError(error).message };
  }
}

/** The paths that a service of this machine uses, for `barnacle setup`. */
export function servicePaths(
  target: ServiceTarget,
  io: Io,
  { machine }: Pick<ServicePorts, "machine"> = servicePorts(io),
): Pick<ServiceLayout, "config" | "credentials" | "dataDir"> {
  return layoutOf(target, {
    home: machine.home,
    program: machine.program ?? "",
    user: machine.user,
  });
}

/**
 * Installs the service, or brings an older one up to date. It changes nothing before it has shown
 * each file and command, and before the operator has agreed.
 *
 * @throws {StartError} If it cannot be installed, or does not start.
 */
export async function installService(
  request: InstallRequest,
  io: Io,
  ports: ServicePorts = servicePorts(io),
): Promise<ExitCode> {
  const { machine } = ports;
  const program = assertBinary(machine);
  const target = chooseTarget(await managerFacts(machine));
  if (target === "systemd-user") refuseBesideSystem(machine);
  const isMachine = target === "systemd";
  if (isMachine && request.data !== undefined) {
    throw new StartError(
      `the machine's service has its data in ${SERVICE_DATA}; leave out --data`,
      EXIT.usage,
    );
  }
  const own = layoutOf(target, { home: machine.home, program, user: machine.user });
  const source = configFor(own, isMachine, request.config, machine, io);
  const layout = layoutOf(target, {
    home: machine.home,
    program,
    user: machine.user,
    config: isMachine ? undefined : source.path,
    dataDir: request.data === undefined ? undefined : resolve(io.cwd, request.data),
  });
  const copied = isMachine && source.path !== layout.config ? source : undefined;
  const secrets = await assertUsable(
    layout,
    source.text,
    request.secrets ?? {},
    copied?.path,
    machine,
    io,
  );
  const packaged = packagedUnit(layout, machine);
  const state = await stateOf(target, machine);
  const steps = createSteps(machine, io);
  addFiles(
    steps,
    layout,
    { program, copied, secrets, packaged, isActive: state.isActive },
    machine,
  );
  addStart(steps, layout, state, machine);
  const notes = [
    ...target === "task"
      ? ["The task has no console: for a log, set `log.file` in the config."]
      : [],
    ...packaged === undefined ? [] : [`A package has installed ${packaged}; it stays as it is.`],
  ];
  const before = logLength(target, machine);
  const isDone = await finish(
    { steps: steps.steps, notes, nothing: "The service is installed and runs; nothing to do." },
    layout,
    request,
    io,
    ports,
  );
  if (!isDone) return EXIT.done;
  const { dataDir } = layout;
  const ready = waitForReady(target, machine, { before, dataDir }, ports.times);
  const started = await io.during("Waiting until the bot is ready", ready);
  if (started.kind === "failed") {
    const log = started.log.map((line) => `\n  ${line}`).join("");
    throw new StartError(`the service is installed, but ${started.why}${log}`, EXIT.failed);
  }
  const { status } = started;
  (request.json ? io.err : io.out)(`The service runs${status === undefined ? "" : `: ${status}`}`);
  return EXIT.done;
}

/**
 * Removes the service, and says what stays.
 *
 * @throws {StartError} If another program's unit has its name, or a command fails.
 */
export async function uninstallService(
  request: ChangeRequest,
  io: Io,
  ports: ServicePorts = servicePorts(io),
): Promise<ExitCode> {
  const { machine } = ports;
  const target = chooseTarget(await managerFacts(machine));
  const layout = layoutOf(target, {
    home: machine.home,
    program: machine.program ?? "",
    user: machine.user,
  });
  const { unit } = layout;
  const packaged = packagedUnit(layout, machine);
  const { steps, run, remove } = createSteps(machine, io);
  if (exists(machine, unit.path) || packaged !== undefined) {
    const { isActive, isEnabled } = await stateOf(target, machine);
    if (target === "launchd") {
      if (isActive) run(["launchctl", "bootout", `gui/${machine.uid}/${LABEL}`]);
    } else if (target === "task") {
      if (isActive) run(END_TASK);
      if (isEnabled) run(["schtasks", "/Delete", "/TN", WINDOWS_TASK, "/F"]);
    } else run(systemctlOf(target, "disable", "--now", UNIT));
    if (packaged === undefined) {
      remove(unit.path);
      if (target.startsWith("systemd")) run(systemctlOf(target, "daemon-reload"));
    }
  }
  const notes = packaged === undefined
    ? []
    : [`${packaged} belongs to a package; remove the package to remove it.`];
  const nothing = `There is no service of Barnacle at ${unit.path}; nothing to do.`;
  if (await finish({ steps, notes, nothing }, layout, request, io, ports)) {
    for (const line of staying(layout, machine)) (request.json ? io.err : io.out)(line);
  }
  return EXIT.done;
}

/** Shows the steps, asks, and carries them out. @returns Whether it did. */
async function finish(
  { steps, notes, nothing }: {
    readonly steps: readonly ServiceStep[];
    readonly notes: readonly string[];
    /** The line if there is no step. */
    readonly nothing: string;
  },
  { target, unit: { path } }: ServiceLayout,
  request: ChangeRequest,
  io: Io,
  { confirm }: ServicePorts,
): Promise<boolean> {
  const tell = request.json ? io.err : io.out;
  for (const note of notes) tell(note);
  if (steps.length === 0) tell(nothing);
  for (const { line, text = "" } of steps) {
    tell(line);
    const shown = request.dryRun ? text.trimEnd().split("\n") : [];
    for (const one of shown) tell(`        | ${printable(one.replaceAll("\t", "    "))}`);
  }
  const isDone = steps.length > 0 && await isAgreed(request, io, confirm);
  if (isDone) { for (const step of steps) await step.carryOut(); }
  if (request.json) {
    const lines = steps.map(({ line }) => line);
    io.out(JSON.stringify({ target, unit: path, steps: lines, changed: isDone }));
  }
  return isDone;
}

function assertBinary({ program }: HostMachine): string {
  if (program !== undefined) return program;
  throw new StartError(
    "Barnacle runs from source here, and a service needs the binary; `deno task compile host` " +
      "makes dist/barnacle",
    EXIT.failed,
  );
}

/** A second service of one bot would only be refused by the first one's locks. */
function refuseBesideSystem(machine: HostMachine): void {
  const path = "/etc/systemd/system/barnacle.service";
  const text = serviceText(machine, path);
  if (text === undefined || !isOurs(text)) return;
  throw new StartError(
    `this machine has the service ${path} already; to change it, run the command with sudo`,
    EXIT.failed,
  );
}

/** A dry run and a no change nothing. */
async function isAgreed(
  { yes, dryRun = false }: ChangeRequest,
  io: Io,
  confirm: ServicePorts["confirm"],
): Promise<boolean> {
  if (dryRun) {
    io.err("Dry run: nothing was changed.");
    return false;
  }
  if (yes) return true;
  if (confirm === undefined) {
    throw new StartError(
      "nothing was changed. Without a terminal, add --yes to do this, or --dry-run to see each step",
      EXIT.usage,
    );
  }
  if (await confirm("Do this?")) return true;
  io.err("Nothing was changed.");
  return false;
}

/** What an uninstallation leaves, and how to remove it. */
function staying(layout: ServiceLayout, machine: HostMachine): readonly string[] {
  const { dataDir, config, credentials, program } = layout;
  const rows = [["data", dataDir], ["config", config], ["secrets", credentials], [
    "program",
    program,
  ]];
  const dropIns = `${layout.unit.path}.d`;
  rows.push(["drop-ins", dropIns]);
  const left = rows.flatMap(([name = "", path = ""]) =>
    exists(machine, path) ? [`  ${name.padEnd(8)} ${path}`] : []
  );
  return left.length === 0
    ? ["The service is removed."]
    : ["The service is removed. These stay; delete them yourself if you want:", ...left];
}
