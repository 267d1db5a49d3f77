/**
 * Commands on the host, and the rules by which they may run (A1, A2).
 *
 * A rule that allows for good a command that runs other commands would allow those, too. So only
 * programs that run no others can be allowed so. The operator may write any rule into the config.
 */

/** The config key `exec.mode`. */
export type ExecMode = "deny" | "allowlist" | "ask" | "full";

/** A command as the model asks for it. */
export interface CommandRequest {
  readonly argv: readonly string[];
  /** Folder within the workspace; empty for the workspace itself. */
  readonly cwd: string;
}

export interface ResolvedCommand {
  /** The program as written, and its arguments. */
  readonly argv: readonly string[];
  /**
   * Path that starts the program: its real path, unless a link gives it another name. Some programs
   * do other things by another name, as `pkill` is a link to `pgrep`.
   */
  readonly path: string;
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
}

export interface ExecRule {
  /** Path that starts the program, as {@link ResolvedCommand.path}. */
  readonly path: string;
  /** SHA-256 of the program's content; absent: a rule of the operator, which takes all contents. */
  readonly contentHash?: string;
  /** Folder that the command runs in; absent: all folders of the workspace. */
  readonly cwd?: string;
  /** As {@link ResolvedCommand.filesHash}; absent: all files. */
  readonly filesHash?: string;
  /** Exact arguments after the program; a last `"*"` of the operator stands for all further ones. */
  readonly args: readonly string[];
  /** Whether a last `"*"` stands for all further arguments. */
  readonly isPattern: boolean;
}

export function ruleAllows(
  { path, contentHash, cwd, filesHash, args, isPattern }: ExecRule,
  command: ResolvedCommand,
): boolean {
  if (path !== command.path) return false;
  if (contentHash !== undefined && contentHash !== command.contentHash) return false;
  if (cwd !== undefined && cwd !== command.cwd) return false;
  if (filesHash !== undefined && filesHash !== command.filesHash) return false;
  return matchesArguments({ args, isPattern }, command.argv.slice(1));
}

function matchesArguments(
  { args, isPattern }: Pick<ExecRule, "args" | "isPattern">,
  given: readonly string[],
): boolean {
  const isOpen = isPattern && args.at(-1) === "*";
  const fixed = isOpen ? args.slice(0, -1) : args;
  if (isOpen ? given.length < fixed.length : given.length !== fixed.length) return false;
  return fixed.every((arg, index) => arg === given[index]);
}

export function decideExec(
  mode: ExecMode,
  rules: readonly ExecRule[],
  command: ResolvedCommand,
): "run" | "ask" | "deny" {
  switch (mode) {
    case "deny":
      return "deny";
    case "full":
      return "run";
    case "allowlist":
    case "ask":
      if (rules.some((rule) => ruleAllows(rule, command))) return "run";
      return mode === "ask" ? "ask" : "deny";
  }
}

/** Maximum milliseconds of a command that a turn waits for, with its wait for a place (SEC-R22). */
export const MAX_COMMAND_MS = 110_000;

/** Maximum number of processes of a command. */
export const MAX_PROCESSES = 64;

/** Why a program was ended. */
export type RunCut = "time" | "output" | "stopped" | "memory" | "disk" | "processes";

export interface RunEnd {
  /** Its exit code; `null` if a signal ended it. */
  readonly code: number | null;
  /** The reason if Barnacle ended it, or the kernel by one of Barnacle's limits. */
  readonly cut?: RunCut;
  /** Milliseconds that it ran. */
  readonly ms: number;
}

export interface EndedCommand {
  /** Its output, without its middle if it is long. */
  readonly output: string;
  readonly end: RunEnd;
}

/** Usual programs that run no other program, whatever their arguments are. */
const RUN_NOTHING: ReadonlySet<string> = new Set(
  `arch b2sum base64 basename cat cksum comm cut date df dig dirname du echo egrep expand false fgrep
   fold free grep head host hostname id last ls lsblk lscpu md5sum mkdir netstat nl nproc nslookup
   nvidia-smi od paste ping printenv printf ps pwd readlink realpath rev rmdir sensors seq sha1sum
   sha256sum sha512sum sleep ss stat strings tac tail touch tr true uname uniq uptime vmstat w wc
   which who whoami xxd yes`
    .split(/\s+/),
);

/**
 * Whether a person may allow a command for good: no other program may run in its place later.
 *
 * @param argv The command as written.
 */
export function mayAllowAlways(
  [program = ""]: readonly string[],
  { path, realPath, isInWorkspace }: Pick<ResolvedCommand, "path" | "realPath" | "isInWorkspace">,
): boolean {
  return !isInWorkspace &&
    [program, path, realPath].every((one) => RUN_NOTHING.has(one.slice(one.lastIndexOf("/") + 1)));
}
