/** Runs commands: apart from the token, or not at all (A3). */

import { existsSync } from "node:fs";
import { mkdir, realpath } from "node:fs/promises";
import process from "node:process";
import { RefusedCall } from "../core/refused_call.ts";
import { type HostCommands, MAX_PROCESSES, type ResolvedCommand } from "../core/exec/command.ts";
import { environmentFor, resolveCommand } from "./resolve.ts";
import { type RunningProgram, runProgram } from "./run.ts";
import { createRunningCommands, type RunningCommands } from "./running_commands.ts";
import { inBubblewrap, prepareInstructions, withExecLimits } from "./sandbox.ts";
import {
  bubblewrapIn,
  EXEC_LIMITS,
  limitsOf,
  type ProgramBounds,
  type ProgramLaunch,
  type ProgramLimits,
  type WrittenLimits,
} from "../lib/program_limits.ts";

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
}): HostCommands {
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
    const limits = limitsOf(options.limits(), MAX_PROCESSES);
    const launch = await launchOf(command, workspace, limits);
    const bound = bounds.open(limits, [workspace]);
    const env = environmentFor(workspace);
    const running = runProgram(launch, { cwd: command.cwd, env, timeoutMs, bound });
    programs.add(running);
    const forget = () => void programs.delete(running);
    running.ended.then(forget, forget);
    return running;
  }

  return {
    async resolve(request) {
      assertPossible();
      const workspace = await workspaceNow();
      await sandboxNow(workspace);
      return await resolveCommand(request, workspace);
    },
    takePlace,
    async run(command, timeoutMs, signal) {
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
    async stop() {
      for (const running of programs) running.stop();
      await Promise.allSettled([...programs].map(({ ended }) => ended));
    },
  };
}

/** Milliseconds for the test. */
const PROBE_MS = 5_000;

/**
 * Tests whether bubblewrap works here. Containers and some systems forbid it.
 *
 * @returns Its path; `undefined` if it does not work.
 */
export async function probeSandbox(
  workspace: string,
  { prlimit }: Pick<ProgramBounds, "prlimit">,
): Promise<string | undefined> {
  const bwrap = bubblewrapIn(process.env["PATH"] ?? "", existsSync);
  if (bwrap === undefined) return undefined;
  const path = ["/usr/bin/true", "/bin/true"].find((place) => existsSync(place)) ?? "/bin/true";
  await prepareInstructions(workspace);
  const launch = inBubblewrap(
    { argv: ["true"], path, realPath: path, cwd: workspace },
    { workspace, bwrap, prlimit, limits: limitsOf(EXEC_LIMITS, MAX_PROCESSES) },
  );
  const end = await runProgram(launch, { cwd: "/", env: {}, timeoutMs: PROBE_MS }).ended.catch(() =>
    undefined
  );
  return end?.code === 0 ? bwrap : undefined;
}
