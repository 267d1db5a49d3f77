/** Adds the steps of an installation: account, program, config, secrets, unit, and start. */

import { existsSync, readdirSync, statSync } from "node:fs";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { isOurs, LABEL, type ServiceLayout, UNIT } from "./layout.ts";
import { exists, type HostMachine, serviceText, stateOf, systemctlOf } from "./machine.ts";
import { isSameProgram, type ServiceSteps } from "./steps.ts";
import { WINDOWS_TASK } from "./target.ts";

const FOLDER_MODE = 0o750;
const PRIVATE_MODE = 0o700;
const SHARED_MODE = 0o640;
const SECRET_MODE = 0o600;

/** The unit that a package has installed, unless the machine has one of its own. */
export function packagedUnit(
  { unit, packagedUnits }: ServiceLayout,
  machine: HostMachine,
): string | undefined {
  for (const path of [unit.path, ...packagedUnits]) refuseForeign(path, machine);
  if (exists(machine, unit.path)) return undefined;
  return packagedUnits.find((path) => exists(machine, path));
}

/** @throws {StartError} If another program's unit has the name. */
function refuseForeign(path: string, machine: HostMachine): void {
  const text = serviceText(machine, path);
  if (text === undefined || isOurs(text)) return;
  throw new StartError(
    text === ""
      ? `${path} is empty or masked. Run \`systemctl unmask ${UNIT}\`, or remove it first`
      : `${path} is not a unit of Barnacle, so it stays as it is. Rename or remove it first`,
    EXIT.failed,
  );
}

/** Adds account, program, config, secrets and unit. */
export function addFiles(
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
    const above = config.replace(/\/[^/]*$/, "");
    folder(above, FOLDER_MODE);
    share(above);
  }
  if (account !== undefined) {
    folder(credentials, FOLDER_MODE);
    share(credentials);
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
export const END_TASK = ["schtasks", "/End", "/TN", WINDOWS_TASK] as const;

/** The number of a user or a group. */
function idOf(machine: HostMachine, table: string, name: string): number | undefined {
  const line = serviceText(machine, `/etc/${table}`)?.split("\n")
    .find((one) => one.startsWith(`${name}:`));
  return line === undefined ? undefined : Number(line.split(":")[2]);
}

/** Adds the commands that start the service, unless it runs and nothing has changed. */
export function addStart(
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
