/**
 * Does parts of a setup by commands that Barnacle has, `service install` and `send`, and writes the
 * agent's first instructions, `AGENTS.md` and `SOUL.md`, into its workspace (S6).
 *
 * Only a setup that creates the config writes these, and it replaces no file: a person who has deleted
 * them does not want them. They name no server: names of other people are no instructions (H4).
 */

import process from "node:process";
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  lchownSync,
  mkdirSync,
  openSync,
  realpathSync,
  statSync,
  writeSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join, sep } from "node:path";
import { EXIT, type ExitCode } from "../../../cli/shared/exit_code.ts";
import { readConfig } from "../../../cli/shared/read_config.ts";
import type { Io } from "../../../cli/terminal/io.ts";
import { findDataDir, prepareDataDir } from "../../../host/files/data_dir.ts";
import { INSTRUCTION_FILES } from "../../../host/files/instruction_files.ts";
import { startedAs } from "../../../host/process/own_process.ts";
import { wordsOfCode } from "../../../lib/errors.ts";
import { printable } from "../../../lib/text/quoted.ts";
import { workspaceOf } from "../../../workspace/skills.ts";
import { send } from "../../delivery/send.ts";
import { installService, serviceOffer, servicePaths } from "../../service/install.ts";
import type { SetupPerson } from "../answers/state.ts";

/** The texts: short, so that a person reads and changes them. */
const TEXTS: Readonly<Record<typeof INSTRUCTION_FILES[number], string>> = {
  "AGENTS.md": `# Instructions

The model reads this file and SOUL.md before each answer. Edit both: a change counts from the next message on.

- Answer the question first. Then explain as much as the question needs.
- If you do not know something, or cannot do it, say so in one sentence.
- Before you change or delete something on the server, say what you are going to do.
`,
  "SOUL.md": `# Character

You are friendly and calm. You write short, plain sentences, in the language of the person who asks.
`,
};

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * Writes both files, unless one of them exists.
 *
 * @param workspace Folder of the agent.
 * @param dataDir The data directory, which need not exist. If it belongs to the user of a service, so
 *   do the files.
 * @returns Whether it wrote them.
 * @throws {Error} If the system refuses, or if a link leads out of the data directory of a service.
 */
export function writeInstructions(workspace: string, dataDir: string): boolean {
  if (INSTRUCTION_FILES.some((name) => existsSync(join(workspace, name)))) return false;
  if (!existsSync(dataDir)) prepareDataDir(dataDir);
  const { uid, gid } = statSync(dataDir);
  const isOthers = process.geteuid?.() === 0 && uid !== 0;
  const own = (path: string) => isOthers ? lchownSync(path, uid, gid) : undefined;
  const missing = missingFolders(workspace);
  const existing = missing[0] === undefined ? workspace : dirname(missing[0]);
  if (isOthers && !isWithin(existing, dataDir)) {
    // The service's user could have put a link there, which would lead root to any folder.
    throw new Error("a link leads out of the data directory");
  }
  for (const folder of missing) {
    mkdirSync(folder, { mode: FOLDER_MODE });
    own(folder);
  }
  for (const name of INSTRUCTION_FILES) {
    writeNew(join(workspace, name), TEXTS[name], isOthers ? { uid, gid } : undefined);
  }
  return true;
}

/** The folders of a path that do not exist, the outermost first. */
function missingFolders(path: string): readonly string[] {
  if (existsSync(path)) return [];
  const above = dirname(path);
  return above === path ? [] : [...missingFolders(above), path];
}

function isWithin(path: string, folder: string): boolean {
  const real = realpathSync(folder);
  return `${realpathSync(path)}${sep}`.startsWith(`${real}${sep}`);
}

function writeNew(
  path: string,
  text: string,
  owner: { readonly uid: number; readonly gid: number } | undefined,
): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL |
    (constants.O_NOFOLLOW ?? 0);
  const descriptor = openSync(path, flags, FILE_MODE);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  if (owner) lchownSync(path, owner.uid, owner.gid);
}

export interface OfferedService {
  readonly name: string;
  /** Whether it is the machine's, and not this user's. */
  readonly isMachines: boolean;
  readonly config: string;
  readonly dataDir: string;
}

export interface BotPlace {
  readonly config: string;
  /** Path of the data directory; absent: the usual one. */
  readonly data?: string;
}

/** Seconds in which Discord must take the greeting. */
const GREETING_SEC = 10;

/** A search for data would find the bots of other users, too. */
function ownDataDir({ env }: Io): string {
  return findDataDir({ env, home: homedir() });
}

export function createOwnCommands(io: Io, tell: (line: string) => void) {
  return {
    /** The program as the person started it: `"./barnacle"`. */
    program: printable(startedAs()),
    /** The service of this machine, or why there is none. */
    async offer(): Promise<OfferedService | { readonly why: string }> {
      if (io.env["DISCORD_API_URL"]?.trim()) {
        return { why: "a service does not have DISCORD_API_URL of this shell" };
      }
      const offer = await serviceOffer(io);
      if ("why" in offer) return offer;
      const { target: name } = offer;
      const isMachines = name === "systemd";
      return { name, isMachines, ...servicePaths(name, io) };
    },
    /**
     * Installs and starts the service.
     *
     * @throws {StartError} If that fails.
     */
    install: (place: BotPlace, secrets: Readonly<Record<string, string>>): Promise<ExitCode> =>
      installService({ ...place, secrets, yes: true }, { ...io, out: tell }),
    /**
     * Writes the first agent's instructions into its workspace, unless it has some.
     *
     * @returns Their folder, or why there are none; `undefined` if it has some.
     */
    async instruct(
      { config, data }: BotPlace,
    ): Promise<{ readonly folder: string } | { readonly why: string } | undefined> {
      const loaded = await readConfig(config, io.env);
      const agent = loaded.kind === "loaded" ? loaded.config.agentList[0] : undefined;
      if (loaded.kind !== "loaded" || !agent) return { why: "the config is not valid" };
      const dataDir = data ?? ownDataDir(io);
      const folder = workspaceOf(loaded.config, agent, dataDir);
      try {
        return writeInstructions(folder, dataDir) ? { folder } : undefined;
      } catch (error) {
        return {
          why: wordsOfCode(error) ?? (error instanceof Error ? error.message : "unknown reason"),
        };
      }
    },
    /**
     * Sends a person a direct message through the outbox.
     *
     * @returns Why it was not sent; `undefined` if it was.
     */
    async greet(
      { id }: SetupPerson,
      text: string,
      { config, data }: BotPlace,
    ): Promise<string | undefined> {
      const problems: string[] = [];
      const quiet: Io = {
        ...io,
        out() {},
        err() {},
        problem: (message) => void problems.push(message),
        during: (_text, work) => work,
      };
      const dataDir = data ?? ownDataDir(io);
      const sent = await send(
        { config, data: dataDir, json: false, wait: GREETING_SEC },
        { target: `user:${id}`, text },
        quiet,
        () => Promise.resolve(""),
      );
      return sent === EXIT.done ? undefined : problems.join("; ") || "Discord does not answer";
    },
  };
}

export type OwnCommands = ReturnType<typeof createOwnCommands>;
