/**
 * Finds the log of the bot: the file or unit that the user names, `log.file`, the file that the bot's
 * stderr is, or the journal of its service. Else it says where the lines go.
 */

import { accessSync, constants, existsSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { isContainer, PROC } from "../../host/process/boot.ts";
import { withHome } from "../../lib/env.ts";
import { codeOf } from "../../lib/errors.ts";
import { printable } from "../../lib/text/quoted.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { configFlag, findData } from "../../cli/shared/find_data.ts";
import { readConfigLeniently, whyUnreadable } from "../../cli/shared/read_config.ts";
import { holderOf, isHeld } from "../../cli/shared/running_bot.ts";
import { serviceLogs } from "../../cli/shared/service_paths.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { fileSource } from "./file_source.ts";
import { journalSource } from "./journal.ts";
import type { LogSource } from "./source.ts";
import { stdinSource } from "./stdin.ts";

export interface SourceFlags extends CommonFlags {
  /** Path of a log file; `-` is stdin. */
  readonly file?: string;
  /** Name of a unit of systemd. */
  readonly unit?: string;
}

/** Where the lines of a running bot go. */
interface WritingBot {
  readonly pid: number;
  /** The target of its stderr: `"/dev/pts/3"`, `"pipe:[123]"`; absent: unknown. */
  readonly stderr?: string;
  /** Its unit of systemd: `"barnacle.service"`; absent: none, or unknown. */
  readonly unit?: string;
}

const SERVICE = "barnacle.service";

/**
 * Finds the log.
 *
 * @throws {StartError} If there is none, or this user may not read it.
 */
export async function findSource(flags: SourceFlags, io: Io): Promise<LogSource> {
  const { file, unit } = flags;
  if (file === "-") return stdinSource();
  if (file !== undefined) return named(resolve(io.cwd, file));
  if (unit !== undefined) {
    return journalSource(unit.includes(".") ? unit : `${unit}.service`, io.env);
  }
  const place = await findData(flags.data, io);
  const { dataDir } = place;
  const logFile = await configured(configFlag(flags.config, place, io), dataDir, io);
  if (logFile !== undefined && existsSync(logFile)) return named(logFile);
  const bot = await runningBot(dataDir);
  if (bot?.stderr !== undefined && isPlainFile(bot.stderr)) return named(bot.stderr);
  const journal = bot?.unit ?? SERVICE;
  const state = await stateOfJournal(journal, io);
  if (state === "filled") return journalSource(journal, io.env);
  const ofService = Object.values(serviceLogs(homedir())).find((path) => existsSync(path));
  if (ofService !== undefined) return named(ofService);
  if (state instanceof StartError) throw state;
  const text = noLogText({ logFile, bot, journal, state }, isContainer(io.env));
  throw new StartError(text, EXIT.tryAgain);
}

function named(path: string): LogSource {
  const shown = printable(path);
  try {
    if (!statSync(path).isFile()) throw new StartError(`${shown} is no file`, EXIT.usage);
    accessSync(path, constants.R_OK);
    return fileSource(path);
  } catch (error) {
    if (error instanceof StartError) throw error;
    const code = codeOf(error);
    if (code === "ENOENT") throw new StartError(`there is no file ${shown}`, EXIT.usage);
    const next = code === "EACCES" || code === "EPERM"
      ? "; run the command with sudo, or as the user that runs Barnacle"
      : "";
    throw new StartError(`cannot read ${shown}: ${whyUnreadable(error)}${next}`, EXIT.io);
  }
}

/** Path of `log.file`; `undefined` without it, or without a valid config. */
async function configured(
  config: string | undefined,
  dataDir: string,
  { env }: Pick<Io, "env">,
): Promise<string | undefined> {
  const loaded = await readConfigLeniently(config, env);
  if (loaded.kind === "refused") return undefined;
  const { file } = loaded.config.log;
  return file === undefined ? undefined : resolve(dataDir, withHome(file, homedir()));
}

/** Facts about the bot with a data directory, as far as this system tells them. */
async function runningBot(dataDir: string): Promise<WritingBot | undefined> {
  const holder = holderOf(dataDir);
  if (!holder || holder.isCommand || await isHeld(dataDir) === false) return undefined;
  const { pid } = holder;
  const folder = join(PROC, String(pid));
  const groups = read(() => readFileSync(join(folder, "cgroup"), "utf8"));
  return {
    pid,
    stderr: read(() => readlinkSync(join(folder, "fd", "2"))),
    unit: groups === undefined ? undefined : unitIn(groups),
  };
}

/** The innermost service in `/proc/<pid>/cgroup`. */
export function unitIn(groups: string): string | undefined {
  const [, unit] = /\/([\w@.:-]+\.service)\s*$/m.exec(groups) ?? [];
  return unit === undefined || /^(?:user@\d+|docker|containerd|podman)\.service$/.test(unit)
    ? undefined
    : unit;
}

function read(work: () => string): string | undefined {
  try {
    return work();
  } catch {
    return undefined; // no such system, or a process of another user
  }
}

function isPlainFile(path: string): boolean {
  return path.startsWith("/") && read(() => String(statSync(path).isFile())) === "true";
}

/** Whether the journal has a line of a unit. */
async function stateOfJournal(
  unit: string,
  { env }: Pick<Io, "env">,
): Promise<"filled" | "empty" | "absent" | StartError> {
  if (process.platform !== "linux") return "absent";
  try {
    for await (const _ of journalSource(unit, env).newestFirst?.() ?? []) return "filled";
    return "empty";
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return error.code === EXIT.io ? error : "absent";
  }
}

/** Says where the lines go instead, and the next step. */
export function noLogText(
  { logFile, bot, journal, state }: {
    readonly logFile?: string;
    readonly bot?: WritingBot;
    readonly journal: string;
    readonly state: "empty" | "absent";
  },
  inContainer: boolean,
): string {
  const keep = "to keep a log, set log.file: `barnacle config set log.file barnacle.log`, and " +
    "restart the bot";
  if (logFile !== undefined) {
    return `${
      printable(logFile)
    } does not exist yet: the bot has not started since log.file was set`;
  }
  if (inContainer) {
    return "in a container the log goes to the engine: `docker logs -f <container>` on the host, or " +
      `\`docker logs <container> 2>&1 | barnacle logs --file -\`; ${keep}`;
  }
  if (bot?.stderr?.startsWith("/dev/")) {
    return `the bot (pid ${bot.pid}) logs to its terminal ${bot.stderr} only; ${keep}`;
  }
  const missing = state === "absent"
    ? "this machine has no journal of systemd"
    : `the journal has no line of ${journal}, as far as this user may read it`;
  return `found no log: ${missing}, and the config has no log.file; name the log with --file or ` +
    `--unit; ${keep}`;
}
