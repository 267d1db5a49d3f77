/**
 * Starts programs of MCP servers in a sandbox, where bubblewrap works.
 *
 * Within it, a program sees none of Barnacle's processes, whose memory has the token. It cannot read
 * Barnacle's data and config, nor files with keys of the user. It writes only to a folder of its own
 * and to the folders of the config. The network is open, because most servers need it.
 *
 * If the program does not run, the failure is one of the program. So the log gets the reason
 * without a stack of Barnacle's.
 */

import process from "node:process";
import { spawn } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join, relative, resolve } from "node:path";
import { codeOf, PathError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import {
  bubblewrapIn,
  deviceFolder,
  MB,
  MCP_LIMITS,
  memoryFolder,
  type PassedLimit,
  type ProgramBounds,
  type ProgramLimits,
  programLimitsOf,
  withLimits,
  type WrittenLimits,
} from "../lib/program_limits.ts";

export type Sandbox =
  | { readonly kind: "bubblewrap"; readonly program: string }
  /** `why`: for the operator. */
  | { readonly kind: "none"; readonly why: string };

export interface ServerLaunch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Files and folders of a home directory that often have keys. */
const KEYS = [
  ".ssh",
  ".gnupg",
  ".aws",
  ".azure",
  ".kube",
  ".docker",
  ".netrc",
  ".git-credentials",
  ".config/gh",
  ".config/gcloud",
  ".password-store",
];

/** System folders that are empty in the sandbox. */
const EMPTY = ["/tmp", "/run"];

/** System folders with views of other processes, which a program must not get. */
const OPENING = ["/proc", "/sys", "/dev"];

const TEST_MS = 5_000;

/** Namespaces and system folders of a program. */
function base(tempBytes: number): readonly string[] {
  return [
    ..."--die-with-parent --new-session --unshare-user --unshare-pid --unshare-ipc".split(" "),
    ..."--unshare-uts --unshare-cgroup-try --cap-drop ALL --ro-bind / /".split(" "),
    ...deviceFolder(tempBytes),
    "--proc",
    "/proc",
    ...memoryFolder("/tmp", tempBytes),
    ...memoryFolder("/run"),
    // The address of the name server is there on many systems.
    ..."--ro-bind-try /run/systemd/resolve /run/systemd/resolve".split(" "),
    ..."--ro-bind-try /run/resolvconf /run/resolvconf".split(" "),
  ];
}

/** Finds out whether bubblewrap works here. A container or a hardened unit may forbid it. */
export async function findSandbox(path: string = process.env["PATH"] ?? ""): Promise<Sandbox> {
  const program = bubblewrapIn(path, existsSync);
  if (program === undefined) {
    const isWindows = process.platform === "win32";
    return { kind: "none", why: isWindows ? "Windows has none" : "bubblewrap is not installed" };
  }
  const { promise, resolve } = Promise.withResolvers<Sandbox>();
  const none = (why: string) => resolve({ kind: "none", why });
  const child = spawn(program, [...base(MCP_LIMITS.tempMb * MB), "--", "true"], {
    stdio: ["ignore", "ignore", "pipe"],
    timeout: TEST_MS,
    killSignal: "SIGKILL",
  });
  let said = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text: string) => said = (said + text).slice(0, 500));
  child.on("error", (error) => {
    none(`bubblewrap cannot be started: ${codeOf(error) ?? error.message}`);
  });
  child.on("close", (code) => {
    if (code === 0) resolve({ kind: "bubblewrap", program });
    else none(`bubblewrap does not work here: ${said.trim().split("\n")[0] ?? ""}`);
  });
  return await promise;
}

/**
 * Puts a command into the sandbox.
 *
 * @throws {Error} If a writable folder does not exist, or would open the sandbox.
 */
export function sandboxServer(
  { command, args, env }: ServerLaunch,
  { home, hidden, writable, tempBytes }: {
    /** Its own folder: its home and working directory. */
    readonly home: string;
    /** Folders and files with secrets of Barnacle. */
    readonly hidden: readonly string[];
    readonly writable: readonly string[];
    /** Bytes of its folder for temporary files. */
    readonly tempBytes: number;
  },
  program: string,
  userHome = homedir(),
): ServerLaunch {
  const missing = writable.find((path) => !existsSync(path));
  if (missing !== undefined) throw new Error(`the writable folder ${missing} does not exist`);
  const opening = writable.find((path) => OPENING.some((folder) => isWithin(real(path), folder))) ??
    writable.find((path) => real(path) === "/");
  if (opening !== undefined) throw new Error(`${opening} cannot be a writable folder`);
  const keys = KEYS.map((name) => join(userHome, name));
  const covered = [...new Set([...hidden, ...keys].filter((path) => existsSync(path)).map(real))]
    .filter((path) => path !== "/").toSorted();
  const isCovered = (path: string) => covered.some((folder) => isWithin(path, folder));
  const shows = (path: string) => covered.some((folder) => isWithin(folder, path));
  const needed = [command, ...args]
    .filter((path) => isAbsolute(path) && existsSync(path) && !shows(real(path)))
    .filter((path) => isCovered(real(path)) || EMPTY.some((folder) => isWithin(path, folder)));
  const open = writable.map(real);
  return {
    command: program,
    args: [
      ...base(tempBytes),
      ...open.flatMap(bound),
      ...covered.flatMap((path) =>
        isFolder(path) ? memoryFolder(path) : ["--ro-bind", "/dev/null", path]
      ),
      ...needed.flatMap((path) => ["--ro-bind", path, path]),
      ...open.filter((path) => isCovered(path) && !shows(path)).flatMap(bound),
      ...bound(real(home)),
      "--chdir",
      real(home),
      "--",
      command,
      ...args,
    ],
    env,
  };
}

function bound(path: string): readonly string[] {
  return ["--bind", path, path];
}

function real(path: string): string {
  return realpathSync(path);
}

function isFolder(path: string): boolean {
  return statSync(path).isDirectory();
}

function isWithin(path: string, folder: string): boolean {
  const rest = relative(folder, path);
  return rest === "" || (!rest.startsWith("..") && !isAbsolute(rest));
}

export interface StdioProgram extends ServerLaunch {
  /**
   * Whether to use the sandbox. `auto`: if there is one. `require`: the program does not start without
   * one. `off`: never.
   */
  readonly sandbox: "auto" | "require" | "off";
  /** Folders that it may write to within the sandbox, besides its own. */
  readonly writable: readonly string[];
  readonly limits: WrittenLimits;
}

export interface ConfinedLaunch extends ServerLaunch {
  readonly cwd: string;
  readonly program: string;
  readonly limits: ProgramLimits;
  /** As {@link ProgramBounds.watch}, of this program. */
  readonly watch: (pid: number, onPassed: (limit: PassedLimit) => void) => () => void;
}

/** Maximum number of processes and threads of a server; a browser has hundreds. */
const MAX_PROCESSES = 1_024;

/**
 * Prepares the start of a program.
 *
 * @throws {Error} If it must not start; as a rejection.
 */
export type Confine = (serverId: string, program: StdioProgram) => Promise<ConfinedLaunch>;

/** Variables that programs need, and that hold no secret. */
const PASSED = [
  "PATH",
  "HOME",
  "LANG",
  "LC_ALL",
  "TZ",
  "TMPDIR",
  "SYSTEMROOT",
  "APPDATA",
  "LOCALAPPDATA",
  "TEMP",
];

/** The environment of a program: some variables of Barnacle's, and those of the config. */
export function environmentOf(
  own: Readonly<Record<string, string | undefined>>,
  written: Readonly<Record<string, string>>,
): Record<string, string> {
  const passed = PASSED.flatMap((name): [string, string][] => {
    const value = own[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(passed), ...written };
}

/** Creates a {@link Confine}. It looks for a sandbox when the first program needs one. */
export function createConfine(
  { folder, hidden, bounds, find = () => findSandbox(), log }: {
    readonly folder: string;
    /** Folders and files that no program in a sandbox may read, as they are now. */
    readonly hidden: () => readonly string[];
    readonly bounds: ProgramBounds;
    /** Looks for a sandbox, until it finds one. */
    readonly find?: () => Promise<Sandbox>;
    /** Gets programs that run without a sandbox. */
    readonly log: Log;
  },
): Confine {
  let found: Promise<Sandbox> | undefined;
  const told = new Set<string>();
  return async (serverId, program) => {
    const { command, env: written, sandbox, writable } = program;
    const home = join(folder, serverId);
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const limits = programLimitsOf(program.limits, MAX_PROCESSES);
    const { file, args } = withLimits(
      { file: command, args: program.args },
      bounds.prlimit,
      limits,
      limits.diskBytes,
    );

    /** @param outer The program itself, or the sandbox around it. */
    function bounded(outer: ServerLaunch): ConfinedLaunch {
      return {
        ...outer,
        cwd: home,
        program: command,
        limits,
        watch: (pid, onPassed) => bounds.watch(pid, limits, [home], onPassed),
      };
    }

    function plain(): ConfinedLaunch {
      const env = environmentOf(process.env, written);
      assertStarts(command, home, env["PATH"] ?? "");
      return bounded({ command: file, args, env });
    }

    if (sandbox === "off") return plain();
    const here = await (found ??= find());
    if (here.kind === "none") found = undefined; // the operator may install it meanwhile
    if (here.kind === "bubblewrap") {
      const env = environmentOf({ ...process.env, HOME: home, TMPDIR: "/tmp" }, written);
      assertStarts(command, home, env["PATH"] ?? "");
      const { tempBytes } = limits;
      const files = { home, hidden: hidden(), writable, tempBytes };
      return bounded(sandboxServer({ command: file, args, env }, files, here.program));
    }
    if (sandbox === "require") throw new Error(`it needs a sandbox, and ${here.why}`);
    if (!told.has(serverId)) {
      told.add(serverId);
      log.warn("An MCP server runs without a sandbox", { server: serverId, why: here.why });
    }
    return plain();
  };
}

/**
 * Looks for a program as the system does: by its path, or in the folders of `PATH`. The programs that
 * start it would only end with a code.
 *
 * @throws {ProgramError} If it does not exist, or may not be started.
 */
function assertStarts(command: string, home: string, path: string): void {
  if (process.platform === "win32") return; // where endings of names count, and nothing starts it
  const places = command.includes("/")
    ? [resolve(home, command)]
    : path.split(delimiter).map((folder) => resolve(home, folder, command));
  const found = places.filter((place) => existsSync(place));
  if (found.length === 0) throw startFailure(command, "ENOENT");
  if (!found.some(isExecutable)) throw startFailure(command, "EACCES");
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * The program of a server does not run; the message says why.
 *
 * - `missing`: there is no such program.
 * - `unstarted`: the program is there, and the system does not start it.
 * - `ended`: it ran and has ended, or Barnacle ended it.
 */
export class ProgramError extends PathError<"missing" | "unstarted" | "ended"> {
  override readonly name = "ProgramError";
}

/**
 * The failure of a start.
 *
 * @param command The program, as the config names it.
 * @param code Of the system: `ENOENT`.
 */
export function startFailure(command: string, code: string | undefined): ProgramError {
  return code === "ENOENT"
    ? new ProgramError(
      `there is no program ${command}: install it, or correct the server's command`,
      { kind: "missing", path: command },
    )
    : new ProgramError(
      `the program ${command} cannot be started (${
        code ?? "unknown reason"
      }): see that this user ` +
        "may run it, or correct the server's command",
      { kind: "unstarted", path: command },
    );
}
