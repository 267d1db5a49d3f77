/**
 * Tells where a service has its files, and writes its unit: the files of `packaging/`, with the
 * paths of this user. On Windows it is a task of the scheduler, which starts the bot at log-on.
 *
 * A service of Windows needs a program that speaks with the service manager, and an administrator. A
 * task at log-on needs neither. The scheduler starts it again each minute unless it runs, because it
 * knows no restart after an exit code. `conhost --headless` keeps the bot from opening a window.
 */

import { SERVICE_CONFIG, SERVICE_DATA } from "../../cli/shared/find_data.ts";
import type { ServiceTarget } from "./machine.ts";
import { TEXTS } from "./texts.js";

/** The line by which Barnacle knows its own tasks, of any version. */
const MARK = "Barnacle - Discord AI agent";

/** Makes the definition of a task, in ASCII: `schtasks` reads no other encoding without a mark. */
function taskXml({ program, args, user }: {
  readonly program: string;
  readonly args: readonly string[];
  /** The user as Windows names it: `"PC\\ada"`. */
  readonly user: string;
}): string {
  const words = ["--headless", program, ...args].map(windowsWord).join(" ");
  return `<?xml version="1.0"?>
<Task version="1.3" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>${MARK}</Description>
    <URI>\\${WINDOWS_TASK}</URI>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Repetition>
        <Interval>PT1M</Interval>
      </Repetition>
      <UserId>${asciiXml(user)}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>${asciiXml(user)}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>6</Priority>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>%SystemRoot%\\System32\\conhost.exe</Command>
      <Arguments>${asciiXml(words)}</Arguments>
    </Exec>
  </Actions>
</Task>
`;
}

/** Escapes a text, and writes characters beyond ASCII by their numbers. */
function asciiXml(text: string): string {
  return text.replace(
    /[&<>"]|[^\x20-\x7e]/gu,
    (char) => `&#x${char.codePointAt(0)?.toString(16)};`,
  );
}

/**
 * Writes a word of a command line so that programs of Windows read it as one argument: backslashes count
 * only before a quotation mark.
 *
 * @see {@link https://learn.microsoft.com/en-us/cpp/c-language/parsing-c-command-line-arguments}
 */
function windowsWord(text: string): string {
  if (/^[^\s"]+$/.test(text)) return text;
  return `"${text.replace(/(\\*)"/g, '$1$1\\"').replace(/\\+$/, "$&$&")}"`;
}

/** A task, as `schtasks /Query /FO CSV /V /NH` tells it. */
export interface TaskState {
  readonly isRunning: boolean;
  /** Exit code of the last run; absent if it runs, or has not run yet. */
  readonly lastCode?: number;
}

/** The scheduler's own results: the task runs, and has not run yet. */
const RUNS = 0x41301;
const HAS_NOT_RUN = 0x41303;
/** Column with the last result. All words of the output are in the language of the system. */
const RESULT_COLUMN = 6;

/** Reads the state; `undefined` if the output has no such task. */
export function taskState(csv: string): TaskState | undefined {
  const cells = [...(csv.split(/\r?\n/)[0] ?? "").matchAll(/"((?:[^"]|"")*)"(?:,|$)/g)];
  const text = cells[RESULT_COLUMN]?.[1] ?? "";
  if (!/^-?\d+$/.test(text)) return undefined;
  const code = Number(text) >>> 0; // some versions print it with a sign
  return code === RUNS
    ? { isRunning: true }
    : { isRunning: false, lastCode: code === HAS_NOT_RUN ? undefined : code };
}

export interface UnitFile {
  /** Absolute path. */
  readonly path: string;
  readonly text: string;
  /** Permission bits. */
  readonly mode: number;
}

export interface ServiceLayout {
  readonly target: ServiceTarget;
  readonly unit: UnitFile;
  /** Describes the service's own user to `systemd-sysusers`. */
  readonly accountFile?: UnitFile;
  /** Places where a package of the distribution puts its unit. */
  readonly packagedUnits: readonly string[];
  readonly program: string;
  readonly config: string;
  readonly dataDir: string;
  /** Folder with the files of secrets. */
  readonly credentials: string;
  /** The service's own user; absent if it is this user. */
  readonly account?: "barnacle";
}

/** The facts of this user and the choices of the operator. */
interface LayoutFacts {
  readonly home: string;
  /** The running program, if it is the binary; paths of packages are kept. */
  readonly program?: string | undefined;
  /** Config of a user's service; that of the machine is always in `/etc/barnacle`. */
  readonly config?: string | undefined;
  /** Data directory of a user's service, if it is not the default. */
  readonly dataDir?: string | undefined;
  /** The user as Windows names it: `"PC\\ada"`. */
  readonly user?: string;
}

/** Names by which service managers know the service. */
export const UNIT = "barnacle.service";
export const LABEL = "bot.barnacle";
export const WINDOWS_TASK = "Barnacle";

/** The line by which Barnacle knows its own units and scripts, of any version. */
const MARKS = /Barnacle - Discord AI agent|<string>bot\.barnacle<\/string>/;

/** Whether a unit, script or plist is Barnacle's, of this version or another one. */
export function isOurUnit(text: string): boolean {
  return MARKS.test(text);
}

const SYSTEM_PROGRAM = "/usr/local/bin/barnacle";
const PACKAGED_PROGRAM = "/usr/bin/barnacle";

/** Tells the paths and the units of a service. */
export function layoutOf(target: ServiceTarget, facts: LayoutFacts): ServiceLayout {
  switch (target) {
    case "systemd":
      return machineLayout(facts);
    case "task":
      return taskLayout(facts);
    default:
      return userLayout(target, facts);
  }
}

/** The folders of a user of Windows, as `host/files/data_dir.ts` and `config/load.ts` have them. */
function taskLayout({ home, user = "", ...facts }: LayoutFacts): ServiceLayout {
  const local = `${home}\\AppData\\Local\\barnacle`;
  const program = `${local}\\bin\\barnacle.exe`;
  const roaming = `${home}\\AppData\\Roaming\\barnacle`;
  const config = facts.config ?? `${roaming}\\config.jsonc`;
  const dataDir = facts.dataDir ?? `${local}\\data`;
  const args = ["run", "--config", config, "--data", dataDir];
  const text = taskXml({ program, args, user });
  return {
    target: "task",
    unit: { path: `${local}\\task.xml`, text, mode: 0o600 },
    packagedUnits: [],
    program,
    config,
    dataDir,
    credentials: `${config.replace(/[^\\/]*$/, "")}credentials`,
  };
}

function machineLayout({ program }: LayoutFacts): ServiceLayout {
  const installed = program === PACKAGED_PROGRAM ? PACKAGED_PROGRAM : SYSTEM_PROGRAM;
  const text = TEXTS.systemUnit.replaceAll(SYSTEM_PROGRAM, installed);
  return {
    target: "systemd",
    program: installed,
    config: SERVICE_CONFIG,
    dataDir: SERVICE_DATA,
    credentials: "/etc/barnacle/credentials",
    account: "barnacle",
    unit: { path: `/etc/systemd/system/${UNIT}`, text, mode: 0o644 },
    accountFile: { path: "/etc/sysusers.d/barnacle.conf", text: TEXTS.sysusers, mode: 0o644 },
    packagedUnits: [`/usr/lib/systemd/system/${UNIT}`, `/lib/systemd/system/${UNIT}`],
  };
}

function userLayout(target: "systemd-user" | "launchd", facts: LayoutFacts): ServiceLayout {
  const { home } = facts;
  const installed = [SYSTEM_PROGRAM, PACKAGED_PROGRAM].find((one) => one === facts.program);
  const program = installed ?? `${home}/.local/bin/barnacle`;
  const config = facts.config ?? `${home}/.config/barnacle/config.jsonc`;
  const words = [program, "run", "--config", config];
  if (facts.dataDir !== undefined) words.push("--data", facts.dataDir);
  const common = {
    target,
    packagedUnits: [],
    program,
    config,
    dataDir: facts.dataDir ?? `${home}/.local/share/barnacle`,
    credentials: config.replace(/[^/]*$/, "credentials"),
  };
  if (target === "launchd") {
    const text = plistFor(home, words);
    const path = `${home}/Library/LaunchAgents/${LABEL}.plist`;
    return { ...common, unit: { path, text, mode: 0o644 } };
  }
  const text = TEXTS.userUnit.replace(
    /^ExecStart=.*$/m,
    () => `ExecStart=${words.map(systemdWord).join(" ")}`,
  );
  const path = `${home}/.config/systemd/user/${UNIT}`;
  return { ...common, unit: { path, text, mode: 0o644 } };
}

/** The plist with this user's folders, and with its arguments. */
function plistFor(home: string, words: readonly string[]): string {
  const rows = words.map((word) => `\t\t<string>${xmlText(word)}</string>\n`).join("");
  return TEXTS.launchdPlist
    .replace(
      /(<key>ProgramArguments<\/key>\s*<array>\n)[^]*?(\t<\/array>)/,
      (_all, start, end) => `${start}${rows}${end}`,
    )
    .replaceAll("/Users/me", () => xmlText(home));
}

function xmlText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/**
 * Writes a word of a command line for systemd, which expands `%` and `$`, and splits at blanks.
 *
 * @see {@link https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html}
 */
export function systemdWord(text: string): string {
  const expanded = text.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[\w@%+=:,./$-]+$/.test(expanded)) return expanded;
  const quoted = expanded.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  // A line end would begin a setting of its own.
  // deno-lint-ignore no-control-regex
  return `"${quoted.replace(/[\x00-\x1f\x7f]/g, hexOf)}"`;
}

function hexOf(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
