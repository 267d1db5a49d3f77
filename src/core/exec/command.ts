/**
 * Commands on the host, and the rules by which they may run (A1, A2).
 *
 * @module
 */

/** The config key `exec.mode`. */
export type ExecMode = "deny" | "allowlist" | "ask" | "full";

/** A command as the model asks for it. */
export interface CommandRequest {
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** Folder within the workspace; empty for the workspace itself. */
  readonly cwd: string;
}

/** A command that was looked up on the host. */
export interface ResolvedCommand {
  /** The program as written, and its arguments. */
  readonly argv: readonly string[];
  /**
   * Path that starts the program: its real path, unless a link gives it another name. Some programs
   * do other things by another name, as `pkill` is a link to `pgrep`.
   */
  readonly path: string;
  /** Real path of the program. */
  readonly realPath: string;
  /** SHA-256 of the program's content, in hex. */
  readonly contentHash: string;
  /** Absolute path of the folder that it runs in. */
  readonly cwd: string;
  /** SHA-256 over the paths and contents of the files that arguments name, in hex. */
  readonly filesHash: string;
  /** SHA-256 over everything that an approval binds, in hex (SEC-R20). */
  readonly binding: string;
  /** Whether the program is a file that the agent could change. */
  readonly isInWorkspace: boolean;
  /** Whether an argument names a program of the host, which this one may start. */
  readonly namesProgram: boolean;
}

/** A rule that allows a command for good. */
export interface ExecRule {
  /** Path that starts the program, as {@link ResolvedCommand.path}. */
  readonly path: string;
  /** SHA-256 of the program's content; absent: any content, as the operator wrote the rule. */
  readonly contentHash?: string;
  /** Folder that the command runs in; absent: any folder of the workspace. */
  readonly cwd?: string;
  /** As {@link ResolvedCommand.filesHash}; absent: any files. */
  readonly filesHash?: string;
  /** Exact arguments after the program; a last `"*"` of the operator stands for any further ones. */
  readonly args: readonly string[];
  /** Whether a last `"*"` stands for any further arguments. */
  readonly isPattern: boolean;
}

/** Whether a rule allows a command. */
export function allows(
  { path, contentHash, cwd, filesHash, args, isPattern }: ExecRule,
  command: ResolvedCommand,
): boolean {
  if (path !== command.path) return false;
  if (contentHash !== undefined && contentHash !== command.contentHash) return false;
  if (cwd !== undefined && cwd !== command.cwd) return false;
  if (filesHash !== undefined && filesHash !== command.filesHash) return false;
  const given = command.argv.slice(1);
  const isOpen = isPattern && args.at(-1) === "*";
  const fixed = isOpen ? args.slice(0, -1) : args;
  if (isOpen ? given.length < fixed.length : given.length !== fixed.length) return false;
  return fixed.every((arg, index) => arg === given[index]);
}

/** What happens to a command. */
export type ExecVerdict = "run" | "ask" | "deny";

/** Decides about a command. */
export function decideExec(
  mode: ExecMode,
  rules: readonly ExecRule[],
  command: ResolvedCommand,
): ExecVerdict {
  switch (mode) {
    case "deny":
      return "deny";
    case "full":
      return "run";
    case "allowlist":
    case "ask":
      if (rules.some((rule) => allows(rule, command))) return "run";
      return mode === "ask" ? "ask" : "deny";
  }
}

/** The end of a program. */
export interface RunEnd {
  /** Its exit code; `null` if a signal ended it. */
  readonly code: number | null;
  /** The reason if Barnacle ended it. */
  readonly cut?: "time" | "output" | "stopped";
  /** Milliseconds that it ran. */
  readonly ms: number;
}

/** A command that has ended, or a job that runs. */
export interface CommandState {
  /** Its output so far, without its middle if it is long. */
  readonly output: string;
  /** Absent while it runs. */
  readonly end?: RunEnd;
}

/** Runs commands on the host. */
export interface HostCommands {
  /**
   * Finds the program of a command, and its folder.
   *
   * @throws {Error} If there is no such program or folder.
   */
  resolve(request: CommandRequest): Promise<ResolvedCommand>;
  /**
   * Runs a command, and waits for its end.
   *
   * @throws {Error} If there is no sandbox, or it cannot be started.
   */
  run(command: ResolvedCommand, timeoutMs: number, signal: AbortSignal): Promise<CommandState>;
  /** Starts a command as a job. @returns Its number. */
  start(command: ResolvedCommand, owner: string, timeoutMs: number): Promise<number>;
  /** The state of a job of this owner; `undefined` if there is none. */
  poll(job: number, owner: string): CommandState | undefined;
  /** Ends a job. @returns Whether the owner has it. */
  kill(job: number, owner: string): boolean;
  /** Ends all commands. */
  stop(): Promise<void>;
}
