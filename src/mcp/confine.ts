/**
 * Decides how a program of an MCP server starts: in which folder, and in a sandbox or not (T13, A3).
 *
 * If the program does not run, the failure is one of the program. So the log gets the reason without a
 * stack of Barnacle's.
 */

import process from "node:process";
import { accessSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import type { Log } from "../lib/log.ts";
import { PathError } from "../lib/errors.ts";
import {
  type BoundedProgram,
  limitsOf,
  type ProgramBounds,
  type ProgramLimits,
  withLimits,
  type WrittenLimits,
} from "../lib/program_limits.ts";
import { findSandbox, type Sandbox, sandboxServer, type ServerLaunch } from "./sandbox.ts";

export interface StdioProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /**
   * Whether to use the sandbox. `auto`: if there is one. `require`: the program does not start without
   * one. `off`: never.
   */
  readonly sandbox: "auto" | "require" | "off";
  /** Folders that it may write to within the sandbox, besides its own. */
  readonly writable: readonly string[];
  readonly limits: WrittenLimits;
}

/** A program that is ready to start. */
export interface ConfinedLaunch extends ServerLaunch {
  readonly cwd: string;
  /** The program, as the config names it. */
  readonly program: string;
  /** Its limits of memory and disk. */
  readonly limits: ProgramLimits;
  readonly bound: BoundedProgram;
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
    const limits = limitsOf(program.limits, MAX_PROCESSES);
    const { file, args } = withLimits(
      { file: command, args: program.args },
      bounds.prlimit,
      limits,
      limits.diskBytes,
    );

    /** @param outer The program itself, or the sandbox around it. */
    function bounded(outer: ServerLaunch): ConfinedLaunch {
      const bound = bounds.open(limits, [home]);
      const launch = bound.launch({ file: outer.command, args: outer.args });
      return {
        env: outer.env,
        command: launch.file,
        args: launch.args,
        cwd: home,
        program: command,
        limits,
        bound,
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
