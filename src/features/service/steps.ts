/**
 * Collects the steps of an installation. Each one says what it does, and does it later. Nothing here
 * changes the machine before that, so a dry run shows exactly the steps that an installation does.
 */

import { Buffer } from "node:buffer";
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { codeOf } from "../../lib/errors.ts";
import { printable, shellWord } from "../../lib/text/quoted.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { firstLine, type HostMachine, serviceText } from "./machine.ts";

type Argv = readonly [string, ...string[]];

const PROGRAM_MODE = 0o755;

/** Creates an empty list; its functions add the steps that are not done yet. */
export function createSteps(machine: HostMachine, io: Io) {
  /**
   * `line` is `"run     systemctl daemon-reload"`, and `text` that of a file that it writes, without
   * secrets. `carryOut` throws a StartError if a command fails, or the system refuses.
   */
  const steps: { line: string; text?: string | undefined; carryOut(): Promise<void> | void }[] = [];
  const at = (path: string) => `${machine.root}${path}`;
  const add = (path: string, line: string, change: () => void, text?: string) =>
    steps.push({
      line,
      text,
      carryOut() {
        try {
          change();
        } catch (cause) {
          const code = codeOf(cause) ?? "unknown reason";
          throw new StartError(`cannot write ${path} (${code})`, EXIT.io, cause);
        }
      },
    });

  return {
    steps,
    folder(path: string, mode: number): void {
      const stats = statSync(at(path), { throwIfNoEntry: false });
      if (stats !== undefined && (stats.mode & 0o7777) === mode) return;
      add(path, `folder  ${path} (${modeText(mode)})`, () => {
        mkdirSync(at(path), { recursive: true });
        chmodSync(at(path), mode);
      });
    },
    /** @param secret Whether no one may see the text. @returns Whether the file is another one. */
    file({ path, text, mode, secret = false, from }: {
      readonly path: string;
      readonly text: string;
      readonly mode: number;
      readonly secret?: boolean;
      /** The operator's file with this text, which may hold secrets. */
      readonly from?: string;
    }): boolean {
      const before = serviceText(machine, path);
      if (before === text) return false;
      const facts = `${before === undefined ? "new" : "changed"}, ${modeText(mode)}`;
      const line = from !== undefined
        ? `copy    ${from} to ${path} (${modeText(mode)})`
        : secret
        ? `secret  ${path} (${facts}; never shown)`
        : `file    ${path} (${facts})`;
      const write = (to: string, content: string) =>
        place(to, mode, (part) => writeFileSync(part, content, { mode, flag: "wx" }));
      add(path, line, () => {
        if (before !== undefined && !secret) write(`${at(path)}.bak`, before);
        write(at(path), text);
      }, secret || from !== undefined ? undefined : text);
      return true;
    },
    program(from: string, path: string): void {
      add(
        path,
        `copy    ${from} to ${path} (${modeText(PROGRAM_MODE)})`,
        () =>
          place(
            at(path),
            PROGRAM_MODE,
            (part) => copyFileSync(from, part, constants.COPYFILE_EXCL),
          ),
      );
    },
    remove(path: string): void {
      add(path, `remove  ${path}`, () => rmSync(at(path), { force: true }));
    },
    /** @param advice What the operator does if the command fails; absent: its failure ends the work. */
    run(argv: Argv, advice?: string): void {
      const command = argv.map((word) => shellWord(printable(word))).join(" ");
      steps.push({
        line: `run     ${command}`,
        async carryOut() {
          const work = machine.run(argv);
          const { code, stdout, stderr } = await io.during(`Running ${command}`, work);
          if (code === 0) return;
          const reason = printable(firstLine(stderr) || firstLine(stdout));
          const problem = `\`${command}\` ended with ${code}${reason === "" ? "" : `: ${reason}`}`;
          if (advice === undefined) throw new StartError(problem, EXIT.failed);
          io.err(`${problem}. ${advice}`);
        },
      });
    },
  };
}

export type ServiceSteps = ReturnType<typeof createSteps>;

function modeText(mode: number): string {
  return `0${mode.toString(8)}`;
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

const CHUNK_BYTES = 1_024 * 1_024;

/** Whether two programs are the same. They have 100 MB, so they are compared piece by piece. */
export function isSameProgram(one: string, other: string): boolean {
  const size = statSync(one, { throwIfNoEntry: false })?.size;
  if (size === undefined || size !== statSync(other).size) return false;
  if (realpathSync(one) === realpathSync(other)) return true;
  const files = [openSync(one, "r"), openSync(other, "r")];
  try {
    for (let at = 0; at < size; at += CHUNK_BYTES) {
      const [first, second] = files.map((file) => {
        const chunk = Buffer.alloc(CHUNK_BYTES);
        return chunk.subarray(0, readSync(file, chunk, 0, CHUNK_BYTES, at));
      });
      if (!first || !second?.equals(first)) return false;
    }
    return true;
  } finally {
    for (const file of files) closeSync(file);
  }
}
