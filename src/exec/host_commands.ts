/**
 * Runs commands: apart from the token, or not at all (A3).
 *
 * A command is looked up on the host: the real program, its content, and everything that an
 * approval binds (SEC-R20). It runs in bubblewrap: no network, nothing of the host but programs,
 * its own processes.
 */

import process from "node:process";
import { createHash, hash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { access, constants, lstat, mkdir, realpath, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, delimiter, dirname, join, resolve, sep } from "node:path";
import {
  type CommandRequest,
  type EndedCommand,
  MAX_PROCESSES,
  type ResolvedCommand,
} from "../core/exec/command.ts";
import { RefusedCall } from "../core/turn/tool.ts";
import { withHome } from "../lib/env.ts";
import { codeOf } from "../lib/errors.ts";
import {
  bubblewrapIn,
  deviceFolder,
  EXEC_LIMITS,
  MAX_FILE_BYTES,
  memoryFolder,
  type ProgramBounds,
  type ProgramLaunch,
  type ProgramLimits,
  programLimitsOf,
  withLimits,
  type WrittenLimits,
} from "../lib/program_limits.ts";
import { type RunningProgram, startProgram } from "./run.ts";
import { createRunningCommands, type RunningCommands } from "./running_commands.ts";

/** Maximum size of a file that an argument names, to be bound with its content. */
const MAX_BOUND_BYTES = 64 * 1024 * 1024;

/**
 * Resolves a command.
 *
 * @param workspace Real path of the workspace.
 * @throws {Error} If there is no such program, or the folder is not in the workspace.
 */
async function resolveCommand(
  { argv, cwd }: CommandRequest,
  workspace: string,
): Promise<ResolvedCommand> {
  const folder = await realpath(resolve(workspace, cwd)).catch(() => undefined);
  if (folder === undefined || !isWithin(folder, workspace)) {
    throw new Error(`there is no folder ${JSON.stringify(cwd)} in the workspace`);
  }
  const { path, realPath } = await programOf(argv[0] ?? "", folder);
  const contentHash = await hashOf(realPath);
  const { ino, dev } = await stat(realPath);
  const files: (readonly [string, string])[] = [];
  for (const arg of argv.slice(1)) {
    const file = await fileOf(arg, folder);
    if (file !== undefined) files.push([file, await hashOf(file)]);
  }
  const env = environmentFor(workspace);
  const bound = { argv, cwd: folder, env, path, realPath, ino, dev, contentHash, files };
  return {
    argv,
    path,
    realPath,
    contentHash,
    cwd: folder,
    filesHash: hash("sha256", JSON.stringify(files), "hex"),
    binding: hash("sha256", JSON.stringify(bound), "hex"),
    isInWorkspace: isWithin(path, workspace) || isWithin(realPath, workspace),
  };
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** Finds a program: by its own path, or by the fixed search path. */
async function programOf(
  program: string,
  folder: string,
): Promise<Pick<ResolvedCommand, "path" | "realPath">> {
  const written = withHome(program, process.env["HOME"] ?? homedir());
  const places = written.includes("/")
    ? [resolve(folder, written)]
    : EXEC_PATH.split(delimiter).map((one) => join(one, program));
  for (const place of program === "" ? [] : places) {
    try {
      const realPath = await realpath(place);
      await access(realPath, constants.X_OK);
      if (!(await stat(realPath)).isFile()) continue;
      const name = basename(place);
      const path = name === basename(realPath)
        ? realPath
        : join(await realpath(dirname(place)), name);
      return { path, realPath };
    } catch {
      // the next place
    }
  }
  throw new Error(`there is no program ${JSON.stringify(program)}`);
}

/** The file that an argument names; `undefined` if it names none, or one that is too large. */
async function fileOf(arg: string, folder: string): Promise<string | undefined> {
  const written = arg.slice(arg.indexOf("=") + 1);
  if (written === "" || written.includes("\0")) return undefined;
  try {
    const path = await realpath(resolve(folder, written));
    const found = await stat(path);
    return found.isFile() && found.size <= MAX_BOUND_BYTES ? path : undefined;
  } catch {
    return undefined;
  }
}

async function hashOf(path: string): Promise<string> {
  const sum = createHash("sha256");
  for await (const part of createReadStream(path)) sum.update(part);
  return sum.digest("hex");
}

const EXEC_PATH = "/usr/local/bin:/usr/bin:/bin";

function environmentFor(workspace: string): Readonly<Record<string, string>> {
  return { PATH: EXEC_PATH, HOME: workspace, LANG: "C.UTF-8", TMPDIR: "/tmp", TERM: "dumb" };
}

/** Folders with programs and libraries, which commands may read. */
const READ_ONLY = [
  "/usr",
  "/bin",
  "/sbin",
  "/lib",
  "/lib32",
  "/lib64",
  "/etc/alternatives",
  "/etc/ld.so.cache",
  "/etc/ssl/certs",
  "/etc/localtime",
];

const MAX_OPEN = "--nofile=1024";

/** The agent's instructions and skills in its workspace, which only people change (H4). */
const INSTRUCTIONS = ["AGENTS.md", "SOUL.md", "skills"];

/**
 * Makes sure that the workspace has its instructions, so that they can be made read-only: a command
 * could create missing ones.
 *
 * @throws {Error} If one of them is a link, or of another kind.
 */
export async function prepareInstructions(workspace: string): Promise<void> {
  for (const name of INSTRUCTIONS) {
    const path = join(workspace, name);
    const isFolder = !name.includes(".");
    if (isFolder) await mkdir(path, { mode: 0o700 }).catch(ignoreExisting);
    else await writeFile(path, "", { flag: "wx", mode: 0o600 }).catch(ignoreExisting);
    const found = await lstat(path);
    if (isFolder ? found.isDirectory() : found.isFile()) continue;
    throw new Error(
      `commands cannot run: ${name} of the workspace is no ${
        isFolder ? "folder" : "file"
      } of its ` +
        "own. Ask your operator to replace it.",
    );
  }
}

function ignoreExisting(error: unknown): void {
  if (codeOf(error) !== "EEXIST") throw error;
}

/** A command with the limits of each of its processes. */
function withExecLimits(
  launch: ProgramLaunch,
  prlimit: string | undefined,
  limits: ProgramLimits,
  further: readonly string[] = [],
): ProgramLaunch {
  return withLimits(launch, prlimit, limits, MAX_FILE_BYTES, [MAX_OPEN, ...further]);
}

export function inBubblewrap(
  { argv, path, realPath, cwd }: Pick<ResolvedCommand, "argv" | "path" | "realPath" | "cwd">,
  { workspace, bwrap, prlimit, limits }: {
    readonly workspace: string;
    readonly bwrap: string;
    readonly prlimit: string | undefined;
    readonly limits: ProgramLimits;
  },
): ProgramLaunch {
  // The number counts for a user, so outside the sandbox it would count all of that user.
  const processes = `--nproc=${limits.processes}`;
  const inner = withExecLimits({ file: path, args: argv.slice(1) }, prlimit, limits, [processes]);
  const outside = [...new Set([realPath, path])]
    .filter((place) => !READ_ONLY.some((folder) => place.startsWith(`${folder}/`)));
  return {
    file: bwrap,
    args: [
      "--unshare-all",
      "--die-with-parent",
      "--new-session",
      "--cap-drop",
      "ALL",
      "--clearenv",
      ...Object.entries(environmentFor(workspace)).flatMap(([name, value]) => [
        "--setenv",
        name,
        value,
      ]),
      ...READ_ONLY.flatMap((folder) => ["--ro-bind-try", folder, folder]),
      "--proc",
      "/proc",
      ...deviceFolder(limits.tempBytes),
      ...memoryFolder("/tmp", limits.tempBytes),
      ...outside.flatMap((place) => ["--ro-bind", realPath, place]),
      "--bind",
      workspace,
      workspace,
      // A mount point can be neither replaced nor renamed.
      ...INSTRUCTIONS.flatMap((name) => {
        const path = join(workspace, name);
        return ["--ro-bind", path, path];
      }),
      "--remount-ro", // it is in memory, too, and its size is not bounded
      "/",
      "--chdir",
      cwd,
      "--",
      inner.file,
      ...inner.args,
    ],
  };
}

const NO_SANDBOX =
  "commands cannot run here: bubblewrap is missing or does not work. Install it, or set " +
  '`exec.sandbox: "off"` to run them beside the bot\'s token';

const ON_WINDOWS =
  "commands cannot run on Windows: Barnacle has no sandbox there, and nothing ends all " +
  "processes of a command. Run the bot on Linux, for instance in WSL";

/** Creates the commands; nothing runs before the first one. */
export function createHostCommands(options: {
  readonly workspace: () => string;
  /** Rejects if commands may not use the workspace, with the reason in words. */
  readonly assertApart: (workspace: string) => Promise<void>;
  /** Whether commands may run as Barnacle's user, beside its token, if there is no sandbox. */
  readonly maySkipSandbox: () => boolean;
  /** Limits of memory and disk of the next command. */
  readonly limits: () => WrittenLimits;
  readonly bounds: ProgramBounds;
  /** In the runtime's names; this machine's if absent. */
  readonly platform?: string;
  /** Shared with others whose commands take the same places; absent: with none. */
  readonly running?: RunningCommands;
}) {
  const { bounds } = options;
  const { platform = process.platform } = options;
  const { running: { programs, takePlace } = createRunningCommands() } = options;
  let probe: Promise<string | undefined> | undefined;

  /** Refuses before a person is asked. A command without limits must not run, whatever the config says. */
  function assertPossible(): void {
    if (platform === "win32") throw new RefusedCall("policy", ON_WINDOWS);
  }

  /** Real path of the workspace, which the first command creates. */
  async function workspaceNow(): Promise<string> {
    const path = options.workspace();
    await mkdir(path, { recursive: true, mode: 0o700 });
    await options.assertApart(path);
    return await realpath(path);
  }

  /** Path of bubblewrap; `undefined` if the config allows commands without a sandbox. */
  async function sandboxNow(workspace: string): Promise<string | undefined> {
    probe ??= probeSandbox(workspace, bounds);
    const bwrap = await probe;
    if (bwrap !== undefined || options.maySkipSandbox()) return bwrap;
    probe = undefined; // the operator may install it meanwhile
    throw new RefusedCall("policy", NO_SANDBOX);
  }

  async function launchOf(
    command: ResolvedCommand,
    workspace: string,
    limits: ProgramLimits,
  ): Promise<ProgramLaunch> {
    const { prlimit } = bounds;
    const bwrap = await sandboxNow(workspace);
    if (bwrap !== undefined) {
      await prepareInstructions(workspace);
      return inBubblewrap(command, { workspace, bwrap, prlimit, limits });
    }
    return withExecLimits({ file: command.path, args: command.argv.slice(1) }, prlimit, limits);
  }

  async function begin(command: ResolvedCommand, timeoutMs: number): Promise<RunningProgram> {
    assertPossible();
    const workspace = await workspaceNow();
    const limits = programLimitsOf(options.limits(), MAX_PROCESSES);
    const launch = await launchOf(command, workspace, limits);
    const env = environmentFor(workspace);
    const running = startProgram(launch, {
      cwd: command.cwd,
      env,
      timeoutMs,
      watch: (pid, onPassed) => bounds.watch(pid, limits, [workspace], onPassed),
    });
    programs.add(running);
    const forget = () => void programs.delete(running);
    running.ended.then(forget, forget);
    return running;
  }

  return {
    /**
     * Finds the program of a command, and its folder.
     *
     * @throws {Error} If there is no such program or folder.
     */
    async resolve(request: CommandRequest): Promise<ResolvedCommand> {
      assertPossible();
      const workspace = await workspaceNow();
      await sandboxNow(workspace);
      return await resolveCommand(request, workspace);
    },
    takePlace,
    /**
     * Runs a command, and waits for its end.
     *
     * @throws {Error} If there is no sandbox, or it cannot be started.
     */
    async run(
      command: ResolvedCommand,
      timeoutMs: number,
      signal: AbortSignal,
    ): Promise<EndedCommand> {
      const running = await begin(command, timeoutMs);
      const onAbort = () => running.stop();
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
      try {
        const end = await running.ended;
        return { output: running.output(), end };
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
    async stop(): Promise<void> {
      for (const running of programs) running.stop();
      await Promise.allSettled([...programs].map(({ ended }) => ended));
    },
  };
}

export type HostCommands = ReturnType<typeof createHostCommands>;

const PROBE_MS = 5_000;

/**
 * Tests whether bubblewrap works here. Containers and some systems forbid it.
 *
 * @returns Its path; `undefined` if it does not work.
 */
export async function probeSandbox(
  workspace: string,
  { prlimit }: ProgramBounds,
): Promise<string | undefined> {
  const bwrap = bubblewrapIn(process.env["PATH"] ?? "", existsSync);
  if (bwrap === undefined) return undefined;
  const path = ["/usr/bin/true", "/bin/true"].find((place) => existsSync(place)) ?? "/bin/true";
  await prepareInstructions(workspace);
  const launch = inBubblewrap(
    { argv: ["true"], path, realPath: path, cwd: workspace },
    { workspace, bwrap, prlimit, limits: programLimitsOf(EXEC_LIMITS, MAX_PROCESSES) },
  );
  const end = await startProgram(launch, { cwd: "/", env: {}, timeoutMs: PROBE_MS }).ended.catch(
    () => undefined,
  );
  return end?.code === 0 ? bwrap : undefined;
}
