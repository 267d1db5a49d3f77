/** `barnacle service install` and `uninstall`: show the steps, ask once, and carry them out. */

import process from "node:process";
import { existsSync, lstatSync, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import {
  findConfig,
  problemsText,
  readConfigText,
  SECRET_MAX_BYTES,
  whyUnreadable,
} from "../../cli/shared/read_config.ts";
import { SERVICE_DATA } from "../../cli/shared/find_data.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { errorsOf, loadConfig } from "../../config/load.ts";
import { CREDENTIALS } from "../../config/schema/parts/secrets.ts";
import type { Problem } from "../../config/text/problem.ts";
import { readBounded } from "../../host/files/read_bounded.ts";
import { printable } from "../../lib/text/quoted.ts";
import { isOurUnit, LABEL, layoutOf, type ServiceLayout, UNIT, WINDOWS_TASK } from "./layout.ts";
import {
  exists,
  type HostMachine,
  openMachine,
  serviceText,
  stateOf,
  systemctlOf,
  targetOf,
  textOf,
} from "./machine.ts";
import { createSteps, isSameProgram, type ServiceSteps } from "./steps.ts";
import { logLength, waitForReady, type WaitTimes } from "./watch.ts";

const FOLDER_MODE = 0o750;
const PRIVATE_MODE = 0o700;
const SHARED_MODE = 0o640;
const SECRET_MODE = 0o600;

/** The unit that a package has installed, unless the machine has one of its own. */
function packagedUnit(
  { unit, packagedUnits }: ServiceLayout,
  machine: HostMachine,
): string | undefined {
  for (const path of [unit.path, ...packagedUnits]) refuseOtherUnit(path, machine);
  if (exists(machine, unit.path)) return undefined;
  return packagedUnits.find((path) => exists(machine, path));
}

/** @throws {StartError} If another program's unit has the name. */
function refuseOtherUnit(path: string, machine: HostMachine): void {
  const text = serviceText(machine, path);
  if (text === undefined || isOurUnit(text)) return;
  throw new StartError(
    text === ""
      ? `${path} is empty or masked. Run \`systemctl unmask ${UNIT}\`, or remove it first`
      : `${path} is not a unit of Barnacle, so it stays as it is. Rename or remove it first`,
    EXIT.failed,
  );
}

/** Adds account, program, config, secrets and unit. */
function addFiles(
  { file, folder, program: copy, run, steps }: ServiceSteps,
  layout: ServiceLayout,
  { program, copied, secrets, packaged, isActive }: {
    readonly program: string;
    readonly copied: { readonly path: string; readonly text: string } | undefined;
    readonly secrets: Readonly<Record<string, string>>;
    readonly packaged: string | undefined;
    readonly isActive: boolean;
  },
  machine: HostMachine,
): void {
  const { account, accountFile, config, credentials, target, unit } = layout;
  const isNew = packaged === undefined &&
    !isSameProgram(`${machine.root}${layout.program}`, program);
  if (target === "task" && isActive && isNew) run(END_TASK); // Windows replaces no running program
  if (accountFile && idOf(machine, "passwd", account ?? "") === undefined) {
    file(accountFile);
    run(["systemd-sysusers", accountFile.path]);
  }
  if (isNew) copy(program, layout.program);
  const group = account === undefined ? undefined : idOf(machine, "group", account);
  const share = (path: string) => {
    const stats = statSync(`${machine.root}${path}`, { throwIfNoEntry: false });
    const isShared = stats !== undefined && stats.gid === group && (stats.mode & 0o040) !== 0;
    if (account !== undefined && !isShared) run(["chgrp", account, path]);
    return isShared;
  };
  if (account !== undefined) {
    for (const path of [config.replace(/\/[^/]*$/, ""), credentials]) {
      folder(path, FOLDER_MODE);
      share(path);
    }
  } else if (Object.keys(secrets).length > 0) folder(credentials, PRIVATE_MODE);
  const existing = serviceText(machine, config);
  if (copied !== undefined && existing !== undefined && existing !== copied.text) {
    throw new StartError(
      `the service reads ${config}, which differs from ${copied.path}. Leave out --config to keep ` +
        "it, or replace it yourself",
      EXIT.failed,
    );
  }
  if (copied) file({ path: config, text: copied.text, mode: SHARED_MODE, from: copied.path });
  const mode = account === undefined ? SECRET_MODE : SHARED_MODE;
  for (const [name, text] of Object.entries(secrets)) {
    file({ path: `${credentials}/${name}`, text, mode, secret: true });
  }
  const names = new Set([...filesIn(`${machine.root}${credentials}`), ...Object.keys(secrets)]);
  for (const path of [config, ...Array.from(names, (name) => `${credentials}/${name}`)]) {
    const isThere = exists(machine, path);
    if (account !== undefined && !share(path) && isThere) run(["chmod", "g+r", path]);
  }
  if (packaged === undefined && file(unit) && target.startsWith("systemd")) {
    run(systemctlOf(target, "daemon-reload"));
  }
  if (target === "task" && isActive && !isNew && steps.length > 0) run(END_TASK);
}

function filesIn(folder: string): readonly string[] {
  const entries = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

/** The scheduler ends the program at once; the next start continues its turns. */
const END_TASK = ["schtasks", "/End", "/TN", WINDOWS_TASK] as const;

/** The number of a user or a group. */
function idOf(machine: HostMachine, table: string, name: string): number | undefined {
  const line = serviceText(machine, `/etc/${table}`)?.split("\n")
    .find((one) => one.startsWith(`${name}:`));
  return line === undefined ? undefined : Number(line.split(":")[2]);
}

/** Adds the commands that start the service, unless it runs and nothing has changed. */
function addStart(
  { steps, run }: ServiceSteps,
  { target, unit }: ServiceLayout,
  { isActive, isEnabled }: Awaited<ReturnType<typeof stateOf>>,
  machine: HostMachine,
): void {
  const isDone = isActive && steps.length === 0;
  switch (target) {
    case "launchd": {
      if (isDone) return;
      const domain = `gui/${machine.uid}`;
      if (isActive) run(["launchctl", "bootout", `${domain}/${LABEL}`]);
      return run(["launchctl", "bootstrap", domain, unit.path]);
    }
    case "task":
      if (isDone) return;
      run(["schtasks", "/Create", "/TN", WINDOWS_TASK, "/XML", unit.path, "/F"]);
      return run(["schtasks", "/Run", "/TN", WINDOWS_TASK]);
    default: {
      if (!isEnabled) run(systemctlOf(target, "enable", UNIT));
      const { user } = machine;
      if (target === "systemd-user" && !exists(machine, `/var/lib/systemd/linger/${user}`)) {
        run(
          ["loginctl", "enable-linger"],
          "Without lingering, the bot stops when you log out. As root: " +
            `sudo loginctl enable-linger ${user}`,
        );
      }
      // Without --no-block, systemctl would wait as long as failed starts are repeated.
      if (!isDone) run(systemctlOf(target, "restart", "--no-block", UNIT));
    }
  }
}

/**
 * Finds the config that the service is to use.
 *
 * @throws {StartError} If there is none, or it cannot be read.
 */
function configFor(
  layout: ServiceLayout,
  isMachine: boolean,
  flag: string | undefined,
  machine: HostMachine,
  io: Io,
): { readonly path: string; readonly text: string } {
  const existing = flag === undefined ? serviceText(machine, layout.config) : undefined;
  if (existing !== undefined) return { path: layout.config, text: existing };
  const found = findConfig(flag, io.env);
  if ("problem" in found) throw new StartError(problemsText([found.problem], io), EXIT.config);
  if ("looked" in found) {
    throw new StartError(
      `there is no config at ${layout.config}; \`barnacle setup\` writes one, and --config copies yours`,
      EXIT.config,
    );
  }
  const path = resolve(io.cwd, found.file);
  if (isMachine) refuseForeign(path, io);
  try {
    return { path, text: readConfigText(path) };
  } catch (cause) {
    throw new StartError(`cannot read ${path} (${whyUnreadable(cause)})`, EXIT.config, cause);
  }
}

/**
 * Refuses a config that a user could have changed who is neither root nor the person who typed sudo:
 * it would decide what the machine's service runs.
 */
function refuseForeign(path: string, { env }: Io): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  const self = process.getuid?.();
  if (stats === undefined || self === undefined) return;
  const isOwn = [0, self, Number(env["SUDO_UID"] ?? 0)].includes(stats.uid);
  if (isOwn && (stats.mode & 0o002) === 0) return;
  const why = isOwn ? "every user may write it" : `another user (uid ${stats.uid}) owns it`;
  throw new StartError(
    `the machine's service does not take ${path}: ${why}. Read it, and then ` +
      `\`chown root ${path}\` and \`chmod 640 ${path}\``,
    EXIT.config,
  );
}

/**
 * Checks the config with the service's environment, which has none of this shell's variables: a
 * service that misses its token would end with 78 after it was installed.
 *
 * @param given Secrets that the installation will write, by the name of their file.
 * @param copied Path of a config that will be copied. The files that it names are copied, too.
 * @returns All secrets that the installation must write.
 * @throws {StartError} If the bot could not start with it.
 */
async function assertUsable(
  { config, credentials }: ServiceLayout,
  text: string,
  given: Readonly<Record<string, string>>,
  copied: string | undefined,
  machine: HostMachine,
  io: Io,
): Promise<Readonly<Record<string, string>>> {
  const secrets: Record<string, string> = { ...given };
  const env = { HOME: machine.home };
  const source = { file: config, text };
  const read = (path: string) => {
    const name = path.startsWith(`${credentials}/`) ? path.slice(credentials.length + 1) : "";
    const known = secrets[name] ?? textOf(machine, path);
    if (known !== undefined || copied === undefined) return known;
    const beside = secretBeside(dirname(copied), name);
    if (beside !== undefined) secrets[name] = beside;
    return beside;
  };
  const problems = await problemsOf(source, env, read);
  if (problems.length === 0) return secrets;
  const isOfShell = (await problemsOf(source, { ...io.env, ...env }, read)).length === 0;
  const advice = isOfShell
    ? ": it does not have the variables of this shell. Write each secret with " +
      '`barnacle secret set`, and name it in the config: "token": { "file": "discord_token" }'
    : "";
  const shown = copied === undefined
    ? problems
    : problems.map((one) => one.file === config ? { ...one, file: copied } : one);
  throw new StartError(
    `the service could not start with this config${advice}\n${problemsText(shown, io)}`,
    EXIT.config,
  );
}

/** The text of a secret beside a config or in its folder `credentials`, where `run` would find it. */
function secretBeside(folder: string, name: string): string | undefined {
  if (!/^[\w.-]+$/.test(name)) return undefined; // only these names are a file of the service's folder
  const path = [join(folder, CREDENTIALS, name), join(folder, name)]
    .find((one) => lstatSync(one, { throwIfNoEntry: false })?.isFile());
  return path === undefined ? undefined : readBounded(path, { maxBytes: SECRET_MAX_BYTES });
}

async function problemsOf(
  source: { readonly file: string; readonly text: string },
  env: Io["env"],
  read: (path: string) => string | undefined,
): Promise<readonly Problem[]> {
  const loaded = await loadConfig(source, { env, readFile: async (path) => await read(path) });
  return errorsOf(loaded, env);
}

export interface ChangeRequest {
  /** Whether to ask no question. */
  readonly yes: boolean;
  /** Whether to change nothing. */
  readonly dryRun?: boolean;
  /** Whether stdout gets one line of JSON, and stderr all others. */
  readonly json?: boolean;
}

export interface InstallRequest extends ChangeRequest {
  /** Path of the config; absent: the service's own, or the one that `run` would use here. */
  readonly config?: string;
  /** Data directory, for a user's service. */
  readonly data?: string;
  /** Secrets to write into the service's folder, by the name of their file. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** The service that can be installed here, with its paths; `undefined` if there is none. */
export async function serviceOffer(machine: HostMachine): Promise<ServiceLayout | undefined> {
  try {
    assertBinary(machine);
    return layoutOf(await targetOf(machine), machine);
  } catch (error) {
    if (error instanceof StartError) return undefined;
    throw error;
  }
}

/**
 * Installs the service, or brings an older one up to date. It changes nothing before it has shown
 * each file and command, and before the operator has agreed.
 *
 * @param times Times of the wait; absent: those of the unit.
 * @throws {StartError} If it cannot be installed, or does not start.
 */
export async function installService(
  request: InstallRequest,
  io: Io,
  machine: HostMachine = openMachine(io.env),
  times?: WaitTimes,
): Promise<ExitCode> {
  const program = assertBinary(machine);
  const target = await targetOf(machine);
  if (target === "systemd-user") refuseBesideSystem(machine);
  const isMachine = target === "systemd";
  if (isMachine && request.data !== undefined) {
    throw new StartError(
      `the machine's service has its data in ${SERVICE_DATA}; leave out --data`,
      EXIT.usage,
    );
  }
  const own = layoutOf(target, machine);
  const source = configFor(own, isMachine, request.config, machine, io);
  const layout = layoutOf(target, {
    ...machine,
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
  );
  if (!isDone) return EXIT.done;
  const { dataDir } = layout;
  const ready = waitForReady(target, machine, { before, dataDir }, times);
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
  machine: HostMachine = openMachine(io.env),
): Promise<ExitCode> {
  const target = await targetOf(machine);
  const layout = layoutOf(target, machine);
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
  if (await finish({ steps, notes, nothing }, layout, request, io)) {
    for (const line of staying(layout, machine)) (request.json ? io.err : io.out)(line);
  }
  return EXIT.done;
}

/** Shows the steps, asks, and carries them out. @returns Whether it did. */
async function finish(
  { steps, notes, nothing }: {
    readonly steps: ServiceSteps["steps"];
    readonly notes: readonly string[];
    /** The line if there is no step. */
    readonly nothing: string;
  },
  { target, unit: { path } }: ServiceLayout,
  request: ChangeRequest,
  io: Io,
): Promise<boolean> {
  const tell = request.json ? io.err : io.out;
  for (const note of notes) tell(note);
  if (steps.length === 0) tell(nothing);
  for (const { line, text = "" } of steps) {
    tell(line);
    const shown = request.dryRun ? text.trimEnd().split("\n") : [];
    for (const one of shown) tell(`        | ${printable(one.replaceAll("\t", "    "))}`);
  }
  const isDone = steps.length > 0 && await isAgreed(request, io);
  for (const step of isDone ? steps : []) await step.carryOut();
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
  if (text === undefined || !isOurUnit(text)) return;
  throw new StartError(
    `this machine has the service ${path} already; to change it, run the command with sudo`,
    EXIT.failed,
  );
}

/** A dry run and a no change nothing. */
async function isAgreed(
  { yes, dryRun = false }: ChangeRequest,
  io: Io,
): Promise<boolean> {
  if (dryRun) {
    io.err("Dry run: nothing was changed.");
    return false;
  }
  if (yes) return true;
  if (io.confirm === undefined) {
    throw new StartError(
      "nothing was changed. Without a terminal, add --yes to do this, or --dry-run to see each step",
      EXIT.usage,
    );
  }
  if (await io.confirm("Do this?")) return true;
  io.err("Nothing was changed.");
  return false;
}

/** What an uninstallation leaves, and how to remove it. */
function staying(layout: ServiceLayout, machine: HostMachine): readonly string[] {
  const { dataDir, config, credentials, program } = layout;
  const rows = { data: dataDir, config, secrets: credentials, program };
  const left = Object.entries({ ...rows, "drop-ins": `${layout.unit.path}.d` })
    .flatMap(([name, path]) => exists(machine, path) ? [`  ${name.padEnd(8)} ${path}`] : []);
  return left.length === 0
    ? ["The service is removed."]
    : ["The service is removed. These stay; delete them yourself if you want:", ...left];
}
