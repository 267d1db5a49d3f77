/** `barnacle service install` and `uninstall`: show a plan, ask once, and carry it out. */

import { resolve } from "node:path";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import { SERVICE_DATA } from "../../cli/shared/service_paths.ts";
import { toStartError } from "../../cli/shared/start_error.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { confirmOnTerminal } from "../../cli/terminal/confirm.ts";
import { carryOut, stepLines } from "./apply.ts";
import { isOurs, layoutOf, type ServiceLayout } from "./layout.ts";
import {
  exists,
  type HostMachine,
  inspect,
  managerFacts,
  serviceText,
  thisMachine,
} from "./machine.ts";
import { type Plan, planInstall, planUninstall } from "./plan.ts";
import { assertUsable, configFor } from "./service_config.ts";
import { chooseTarget, type ServiceTarget } from "./target.ts";
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
  const found = await inspect(layout, machine, Object.keys(secrets));
  const plan = planInstall(layout, found, {
    program,
    config: copied,
    secrets,
    user: machine.user,
    uid: machine.uid,
  });
  return await finish(
    plan,
    layout,
    request,
    "The service is installed and runs; nothing to do.",
    io,
    ports,
  );
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
  const plan = planUninstall(layout, await inspect(layout, machine), machine);
  const nothing = `There is no service of Barnacle at ${layout.units[0].path}; nothing to do.`;
  return await finish(plan, layout, request, nothing, io, ports, () => staying(layout, machine));
}

/** Shows a plan, asks, and carries it out. */
async function finish(
  plan: Plan,
  layout: ServiceLayout,
  request: ChangeRequest,
  nothing: string,
  io: Io,
  ports: ServicePorts,
  lastLines: () => readonly string[] = () => [],
): Promise<ExitCode> {
  const tell = request.json ? io.err : io.out;
  if (plan.steps.length === 0) tell(nothing);
  const isDone = plan.steps.length > 0 && await isAgreed(plan, request, tell, io, ports);
  if (isDone) {
    await perform(plan, layout, tell, io, ports);
    for (const line of lastLines()) tell(line);
  }
  if (request.json) {
    const { target, units: [{ path }] } = layout;
    const steps = plan.steps.flatMap((step) => stepLines(step, false));
    io.out(JSON.stringify({ target, unit: path, steps, changed: isDone }));
  }
  return EXIT.done;
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

/** Shows the plan, and asks. A dry run and a no change nothing. */
async function isAgreed(
  { steps, notes }: Plan,
  { yes, dryRun = false }: ChangeRequest,
  tell: Io["out"],
  io: Io,
  { confirm }: ServicePorts,
): Promise<boolean> {
  for (const note of notes) tell(note);
  for (const step of steps) for (const line of stepLines(step, dryRun)) tell(line);
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

async function perform(
  { steps }: Plan,
  { target, dataDir }: ServiceLayout,
  tell: Io["out"],
  io: Io,
  { machine, times }: ServicePorts,
): Promise<void> {
  const before = logLength(target, machine);
  for (const step of steps) {
    if (step.kind !== "wait") {
      await carryOut(step, machine, io);
      continue;
    }
    const started = await io.during(
      "Waiting until the bot is ready",
      waitForReady(target, machine, { before, dataDir }, times),
    );
    if (started.kind === "failed") {
      const log = started.log.map((line) => `\n  ${line}`).join("");
      throw new StartError(`the service is installed, but ${started.why}${log}`, EXIT.failed);
    }
    tell(`The service runs${started.status === undefined ? "" : `: ${started.status}`}`);
  }
}

/** What an uninstallation leaves, and how to remove it. */
function staying(layout: ServiceLayout, machine: HostMachine): readonly string[] {
  const { dataDir, config, credentials, program } = layout;
  const rows = [["data", dataDir], ["config", config], ["secrets", credentials], [
    "program",
    program,
  ]];
  const dropIns = `${layout.units[0].path}.d`;
  rows.push(["drop-ins", dropIns]);
  const left = rows.flatMap(([name = "", path = ""]) =>
    exists(machine, path) ? [`  ${name.padEnd(8)} ${path}`] : []
  );
  return left.length === 0
    ? ["The service is removed."]
    : ["The service is removed. These stay; delete them yourself if you want:", ...left];
}
