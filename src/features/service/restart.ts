/** Restarts the service of this machine after its program was exchanged. */

import { realpathSync } from "node:fs";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { LABEL, layoutOf, UNIT } from "./layout.ts";
import { firstLine, type HostMachine, managerFacts, stateOf, systemctlOf } from "./machine.ts";
import { chooseTarget, type ServiceTarget, WINDOWS_TASK } from "./target.ts";
import { logLength, type Started, waitForReady, type WaitTimes } from "./watch.ts";

/**
 * Restarts the service that runs a program, and waits until the bot is ready.
 *
 * @param program Absolute, with links resolved.
 * @param times Times of the wait; absent: those of the unit.
 * @returns `undefined` if no service runs the program.
 */
export async function restartService(
  program: string,
  machine: HostMachine,
  io: Io,
  times?: WaitTimes,
): Promise<Started | undefined> {
  const target = await targetOf(machine);
  if (target === undefined) return undefined;
  const layout = layoutOf(target, { ...machine, program });
  const isOwn = realPath(`${machine.root}${layout.program}`) === program;
  if (!isOwn || !(await stateOf(target, machine)).isActive) return undefined;
  const before = logLength(target, machine);
  for (const argv of commandsOf(target, machine)) {
    const { code, stderr } = await io.during("Restarting the service", machine.run(argv));
    if (code === 0) continue;
    const why = `\`${argv.join(" ")}\` ended with ${code}: ${firstLine(stderr)}`;
    return { kind: "failed", why, log: [] };
  }
  const { dataDir } = layout;
  const ready = waitForReady(target, machine, { before, dataDir }, times);
  return await io.during("Waiting until the bot is ready", ready);
}

async function targetOf(machine: HostMachine): Promise<ServiceTarget | undefined> {
  try {
    return chooseTarget(await managerFacts(machine));
  } catch (error) {
    if (error instanceof StartError && error.code === EXIT.failed) return undefined;
    throw error;
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined; // there is none
  }
}

function commandsOf(target: ServiceTarget, { uid }: HostMachine) {
  type Argv = readonly [string, ...string[]];
  switch (target) {
    case "launchd":
      return [["launchctl", "kickstart", "-k", `gui/${uid}/${LABEL}`]] satisfies Argv[];
    case "task":
      return [
        ["schtasks", "/End", "/TN", WINDOWS_TASK],
        ["schtasks", "/Run", "/TN", WINDOWS_TASK],
      ] satisfies Argv[];
    default:
      // In two steps: the wait must not take the old bot for the new one.
      return [systemctlOf(target, "stop", UNIT), systemctlOf(target, "start", "--no-block", UNIT)];
  }
}
