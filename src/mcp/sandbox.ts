/**
 * Starts programs of MCP servers in a sandbox, where bubblewrap works.
 *
 * Within it, a program sees none of Barnacle's processes, whose memory has the token. It cannot read
 * Barnacle's data and config, nor files with keys of the user. It writes only to a folder of its own
 * and to the folders of the config. The network is open, because most servers need it.
 */

import { spawn } from "node:child_process";
import { existsSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join, relative } from "node:path";
import process from "node:process";
import { codeOf } from "../lib/errors.ts";
import { bubblewrapIn, deviceFolder, MB, MCP_LIMITS, memoryFolder } from "../lib/program_limits.ts";

export type Sandbox =
  | { readonly kind: "bubblewrap"; readonly program: string }
  /** `why`: for the operator. */
  | { readonly kind: "none"; readonly why: string };

export interface ServerLaunch {
  readonly command: string;
  readonly args: readonly string[];
  /** Its whole environment. */
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

/** Milliseconds that a test of the sandbox may take. */
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
    /** Folders that the config lets it write to. */
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
