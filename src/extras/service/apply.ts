/** Shows the steps of a plan, and carries them out. */

import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { codeOf } from "../../lib/errors.ts";
import { printable } from "../../lib/text/quoted.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { firstLine, type HostMachine } from "./machine.ts";
import type { PlanStep } from "./plan.ts";

const PROGRAM_MODE = 0o755;

/**
 * The lines of a step: what it does, and the text of a file, unless it may hold secrets.
 *
 * @param isWhole Whether a file is shown as a whole, as a dry run does.
 */
export function stepLines(step: PlanStep, isWhole: boolean): readonly string[] {
  switch (step.kind) {
    case "folder":
      return [`folder  ${step.path} (${modeText(step.mode)})`];
    case "file": {
      const { path, mode, text, before, isSecret, from } = step;
      if (from !== undefined) return [`copy    ${from} to ${path} (${modeText(mode)})`];
      const facts = [before === undefined ? "new" : "changed", modeText(mode)];
      if (isSecret) return [`secret  ${path} (${facts.join(", ")}; never shown)`];
      const lines = text.trimEnd().split("\n");
      const head = `file    ${path} (${[...facts, `${lines.length} lines`].join(", ")})`;
      return isWhole
        ? [head, ...lines.map((line) => `        | ${printable(line.replaceAll("\t", "    "))}`)]
        : [head];
    }
    case "program":
      return [`copy    ${step.from} to ${step.path} (${modeText(PROGRAM_MODE)})`];
    case "remove":
      return [`remove  ${step.path}`];
    case "run":
      return [`run     ${step.argv.map(shown).join(" ")}`];
    case "wait":
      return ["wait    until the bot is ready"];
  }
}

/** A word of a command as a person would type it. */
function shown(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word)
    ? word
    : `'${printable(word).replaceAll("'", String.raw`'\''`)}'`;
}

function modeText(mode: number): string {
  return `0${mode.toString(8)}`;
}

/**
 * Carries a step out; waiting is the caller's work.
 *
 * @throws {StartError} If a command fails, or the system refuses.
 */
export async function carryOut(step: PlanStep, machine: HostMachine, io: Io): Promise<void> {
  if (step.kind === "run") return await runStep(step, machine, io);
  if (step.kind === "wait") return;
  const path = `${machine.root}${step.path}`;
  try {
    switch (step.kind) {
      case "folder":
        mkdirSync(path, { recursive: true });
        return chmodSync(path, step.mode);
      case "remove":
        return rmSync(path, { force: true });
      case "program":
        return place(
          path,
          PROGRAM_MODE,
          (part) => copyFileSync(step.from, part, constants.COPYFILE_EXCL),
        );
      case "file":
        if (step.before !== undefined && !step.isSecret) {
          place(`${path}.bak`, step.mode, (part) => write(part, step.before ?? "", step.mode));
        }
        return place(path, step.mode, (part) => write(part, step.text, step.mode));
    }
  } catch (cause) {
    const code = codeOf(cause) ?? "unknown reason";
    throw new StartError(`cannot write ${step.path} (${code})`, EXIT.io, cause);
  }
}

/** Makes a file under another name first, so that no reader sees half of it. */
function place(path: string, mode: number, make: (part: string) => void): void {
  mkdirSync(dirname(path), { recursive: true });
  const part = `${path}.part`;
  try {
    rmSync(part, { force: true }); // whatever it is, also a link
    make(part);
    // Windows syncs no file that is open to read only.
    const access = process.platform === "win32" ? constants.O_RDWR : constants.O_RDONLY;
    const descriptor = openSync(part, access | (constants.O_NOFOLLOW ?? 0));
    try {
      fchmodSync(descriptor, mode);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(part, path);
  } catch (cause) {
    rmSync(part, { force: true });
    throw cause;
  }
}

function write(part: string, text: string, mode: number): void {
  writeFileSync(part, text, { mode, flag: "wx" });
}

async function runStep(
  { argv, advice }: Extract<PlanStep, { readonly kind: "run" }>,
  { run }: HostMachine,
  io: Io,
): Promise<void> {
  const command = argv.map(shown).join(" ");
  const { code, stdout, stderr } = await io.during(`Running ${command}`, run(argv));
  if (code === 0) return;
  const reason = printable(firstLine(stderr) || firstLine(stdout));
  const problem = `\`${command}\` ended with ${code}${reason === "" ? "" : `: ${reason}`}`;
  if (advice === undefined) throw new StartError(problem, EXIT.failed);
  io.err(`${problem}. ${advice}`);
}
