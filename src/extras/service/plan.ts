/**
 * Plans an installation: from the facts of the machine to the list of files and commands. Nothing
 * here reads or changes the machine, so a dry run shows exactly the list that an installation does.
 */

import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { WINDOWS_TASK } from "./target.ts";
import { isOurs, LABEL, type ServiceLayout, UNIT, type UnitFile } from "./layout.ts";

export type PlanStep =
  | { readonly kind: "folder"; readonly path: string; readonly mode: number }
  | UnitFile & {
    readonly kind: "file";
    /** The text that the file has now; absent if there is none. */
    readonly before?: string;
    /** Whether the text must not be shown. */
    readonly isSecret?: true;
    /** The operator's file with this text, which may hold secrets. */
    readonly from?: string;
  }
  | { readonly kind: "program"; readonly from: string; readonly path: string }
  | { readonly kind: "remove"; readonly path: string }
  | {
    readonly kind: "run";
    readonly argv: readonly [string, ...string[]];
    /** What the operator does if the command fails; absent: its failure ends the installation. */
    readonly advice?: string;
  }
  /** Waits until the bot is ready. */
  | { readonly kind: "wait" };

/** The state of the machine, as far as a service of Barnacle is concerned. */
export interface Found {
  /** Texts of existing files among those of the layout and the wish. */
  readonly texts: ReadonlyMap<string, string>;
  /** Modes of existing folders among those of the layout. */
  readonly folders: ReadonlyMap<string, number>;
  /** Whether the service's program is this one, byte for byte. */
  readonly hasProgram: boolean;
  /** Whether the service's own user exists. */
  readonly hasAccount: boolean;
  /** Paths of the service's own group that this group may read. */
  readonly shared: ReadonlySet<string>;
  readonly isEnabled: boolean;
  readonly isActive: boolean;
  /** Whether services of this user go on without a login. */
  readonly lingers: boolean;
}

/** The choices of the operator. */
export interface InstallWish {
  readonly program: string;
  /** A config to copy to the service's place. */
  readonly config?: { readonly path: string; readonly text: string };
  /** Secrets to write, by the name of their file. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly user: string;
  /** Number of the user, as launchd wants it. */
  readonly uid: number;
}

export interface Plan {
  readonly steps: readonly PlanStep[];
  readonly notes: readonly string[];
}

const FOLDER_MODE = 0o750;
const PRIVATE_MODE = 0o700;
const CONFIG_MODE = 0o640;
const SECRET_MODE = 0o600;

/**
 * Plans an installation; an empty list of steps if everything is in place.
 *
 * @throws {StartError} If the machine has another service of that name, or another config.
 */
export function planInstall(layout: ServiceLayout, found: Found, wish: InstallWish): Plan {
  const [unit] = layout.units;
  const packaged = layout.packagedUnits.find((path) => found.texts.has(path));
  for (const path of [...layout.units.map((one) => one.path), packaged]) refuseForeign(path, found);
  const isPackaged = packaged !== undefined && !found.texts.has(unit.path);
  const files = [
    // Windows replaces no running program.
    ...(layout.target === "task" && found.isActive && !found.hasProgram ? [endTask()] : []),
    ...accountSteps(layout, found),
    ...(isPackaged ? [] : programSteps(layout, found, wish)),
    ...configSteps(layout, found, wish),
    ...(isPackaged ? [] : unitSteps(layout, found)),
  ];
  const isChanged = files.length > 0;
  return {
    steps: [...files, ...startSteps(layout, found, wish, isChanged)],
    notes: notesOf(layout, found, packaged),
  };
}

function refuseForeign(path: string | undefined, { texts }: Found): void {
  const text = path === undefined ? undefined : texts.get(path);
  if (text === undefined || isOurs(text)) return;
  if (text === "") {
    throw new StartError(
      `${path} is empty or masked. Run \`systemctl unmask ${
        nameOf(path ?? "")
      }\`, or remove it first`,
      EXIT.failed,
    );
  }
  throw new StartError(
    `${path} is not a unit of Barnacle, so it stays as it is. Rename or remove it first`,
    EXIT.failed,
  );
}

/** The service's own user. */
function accountSteps({ accountFile }: ServiceLayout, found: Found): readonly PlanStep[] {
  if (accountFile === undefined || found.hasAccount) return [];
  return [...fileSteps(accountFile, found), run("systemd-sysusers", accountFile.path)];
}

function programSteps(
  { program }: ServiceLayout,
  found: Found,
  wish: InstallWish,
): readonly PlanStep[] {
  return found.hasProgram ? [] : [{ kind: "program", from: wish.program, path: program }];
}

function configSteps(layout: ServiceLayout, found: Found, wish: InstallWish): readonly PlanStep[] {
  const { account, config, credentials } = layout;
  const steps: PlanStep[] = [];
  const share = (path: string) => {
    if (account !== undefined && !found.shared.has(path)) steps.push(run("chgrp", account, path));
  };
  const secrets = Object.entries(wish.secrets ?? {}).map(([name, text]) => ({
    path: `${credentials}/${name}`,
    text,
    mode: SECRET_MODE,
  })).filter(({ path, text }) => found.texts.get(path) !== text);
  if (account !== undefined) {
    steps.push(...folderSteps(folderOf(config), FOLDER_MODE, found));
    share(folderOf(config));
  }
  if (account !== undefined || secrets.length > 0) {
    steps.push(...folderSteps(credentials, PRIVATE_MODE, found));
  }
  const existing = found.texts.get(config);
  if (wish.config !== undefined && existing === undefined) {
    const { path: from, text } = wish.config;
    steps.push({ kind: "file", path: config, text, mode: CONFIG_MODE, from });
  } else if (wish.config !== undefined && existing !== wish.config.text) {
    throw new StartError(
      `the service reads ${config}, which differs from ${wish.config.path}. Leave out --config to ` +
        "keep it, or replace it yourself",
      EXIT.failed,
    );
  }
  if (account !== undefined && (existing ?? wish.config) !== undefined) {
    share(config);
    const isHidden = existing !== undefined && !found.shared.has(config);
    if (isHidden) steps.push(run("chmod", "g+r", config));
  }
  for (const file of secrets) {
    const before = found.texts.get(file.path);
    steps.push({ kind: "file", ...file, before, isSecret: true });
  }
  return steps;
}

function unitSteps({ target, units }: ServiceLayout, found: Found): readonly PlanStep[] {
  const steps = units.flatMap((unit) => fileSteps(unit, found));
  if (steps.length === 0 || !target.startsWith("systemd")) return steps;
  return [...steps, systemctl(target, "daemon-reload")];
}

function startSteps(
  { target, units }: ServiceLayout,
  found: Found,
  wish: InstallWish,
  isChanged: boolean,
): readonly PlanStep[] {
  const isDone = found.isActive && !isChanged;
  const steps: PlanStep[] = [];
  if (target === "launchd") {
    if (isDone) return [];
    const domain = `gui/${wish.uid}`;
    if (found.isActive) steps.push(run("launchctl", "bootout", `${domain}/${LABEL}`));
    steps.push(run("launchctl", "bootstrap", domain, units[0].path), { kind: "wait" });
    return steps;
  }
  if (target === "task") {
    if (isDone) return [];
    const { path } = units[0];
    if (found.isActive && found.hasProgram) steps.push(endTask());
    return [
      ...steps,
      run("schtasks", "/Create", "/TN", WINDOWS_TASK, "/XML", path, "/F"),
      run("schtasks", "/Run", "/TN", WINDOWS_TASK),
      { kind: "wait" },
    ];
  }
  if (!found.isEnabled) steps.push(systemctl(target, "enable", UNIT));
  if (target === "systemd-user" && !found.lingers) {
    steps.push({
      kind: "run",
      argv: ["loginctl", "enable-linger"],
      advice: "Without lingering, the bot stops when you log out. As root: " +
        `sudo loginctl enable-linger ${wish.user}`,
    });
  }
  if (isDone) return steps;
  // Without --no-block, systemctl would wait as long as failed starts are repeated.
  return [...steps, systemctl(target, "restart", "--no-block", UNIT), { kind: "wait" }];
}

function notesOf(
  layout: ServiceLayout,
  found: Found,
  packaged: string | undefined,
): readonly string[] {
  const [unit] = layout.units;
  const notes: string[] = [];
  if (layout.target === "task") {
    notes.push("The task has no console: for a log, set `log.file` in the config.");
  }
  if (packaged !== undefined) notes.push(`A package has installed ${packaged}; it stays as it is.`);
  const before = found.texts.get(unit.path);
  if (before !== undefined && before !== unit.text && packaged === undefined) {
    notes.push(
      `${unit.path} is another version of Barnacle's unit; a copy stays as ${unit.path}.bak.`,
    );
  }
  return notes;
}

/** Plans the removal of the service. Data, config, secrets, program and user stay. */
export function planUninstall(
  layout: ServiceLayout,
  found: Found,
  wish: Pick<InstallWish, "uid">,
): Plan {
  const { target, units } = layout;
  const [unit] = units;
  const packaged = layout.packagedUnits.find((path) => found.texts.has(path));
  for (const path of [...layout.units.map((one) => one.path), packaged]) refuseForeign(path, found);
  if (!found.texts.has(unit.path) && packaged === undefined) return { steps: [], notes: [] };
  const removed = units.filter(({ path }) => found.texts.has(path))
    .map(({ path }): PlanStep => ({ kind: "remove", path }));
  return {
    steps: [...stopSteps(layout, found, wish), ...removed, ...afterRemoval(target, removed)],
    notes: packaged === undefined
      ? []
      : [`${packaged} belongs to a package; remove the package to remove it.`],
  };
}

function stopSteps(
  { target }: ServiceLayout,
  found: Found,
  { uid }: Pick<InstallWish, "uid">,
) {
  if (target === "launchd") {
    return found.isActive ? [run("launchctl", "bootout", `gui/${uid}/${LABEL}`)] : [];
  }
  if (target === "task") {
    return [
      ...(found.isActive ? [endTask()] : []),
      ...(found.isEnabled ? [run("schtasks", "/Delete", "/TN", WINDOWS_TASK, "/F")] : []),
    ];
  }
  return [systemctl(target, "disable", "--now", UNIT)];
}

function afterRemoval(
  target: ServiceLayout["target"],
  removed: readonly PlanStep[],
): readonly PlanStep[] {
  if (removed.length === 0 || !target.startsWith("systemd")) return [];
  return [systemctl(target, "daemon-reload")];
}

function fileSteps(file: UnitFile, { texts }: Found): readonly PlanStep[] {
  const before = texts.get(file.path);
  return before === file.text ? [] : [{ kind: "file", ...file, before }];
}

function folderSteps(path: string, mode: number, { folders }: Found): readonly PlanStep[] {
  return folders.get(path) === mode ? [] : [{ kind: "folder", path, mode }];
}

function run(...argv: [string, ...string[]]): PlanStep {
  return { kind: "run", argv };
}

function systemctl(target: ServiceLayout["target"], ...words: string[]): PlanStep {
  return run("systemctl", ...(target === "systemd-user" ? ["--user"] : []), ...words);
}

function nameOf(path: string): string {
  return path.replace(/^.*\//, "");
}

/** The scheduler ends the program at once; the next start continues its turns. */
function endTask(): PlanStep {
  return run("schtasks", "/End", "/TN", WINDOWS_TASK);
}

function folderOf(path: string): string {
  return path.replace(/\/[^/]*$/, "");
}
