/**
 * Reads the agent's own instructions, `AGENTS.md` and `SOUL.md`, from its workspace (H4).
 *
 * The files can change while the bot runs, so each is read again if it differs. Only regular files of
 * the folder count: a link could lead to a file with secrets, and its text would reach the model.
 */

import { Buffer } from "node:buffer";
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  type Stats,
} from "node:fs";
import { join } from "node:path";
import { bounded } from "../../lib/text/quoted.ts";
import { codeOf } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";

interface InstructionFile {
  /** Its name: `"AGENTS.md"`. */
  readonly name: string;
  /** Its text, without white space at its ends; never empty. */
  readonly text: string;
}

/** The names of the files, in the order of the prompt. */
export const INSTRUCTION_FILES = ["AGENTS.md", "SOUL.md"] as const;

/** Maximum UTF-16 units of a file in the prompt. */
export const MAX_INSTRUCTIONS = 20_000;
/** Maximum bytes to read: that many units in any language. */
const MAX_BYTES = 4 * MAX_INSTRUCTIONS;

/**
 * Creates the reading.
 *
 * @param folder Path of the folder; it may be missing.
 */
export function createInstructionFiles(folder: () => string, log: Log) {
  const known = new Map<string, {
    /** Identifies the state of the file; empty if there is none. */
    readonly version: string;
    readonly text: string;
  }>();
  let files: readonly InstructionFile[] = [];
  let readIn: string | undefined;

  function readOne(name: string): string {
    const path = join(folder(), name);
    const before = known.get(path);
    let version = "";
    try {
      version = versionOf(lstatSync(path));
      if (before?.version === version) return before.text;
      const { text, isCut } = readText(path);
      known.set(path, { version, text });
      if (isCut) {
        log.warn("A file with instructions is too long; the model gets its beginning", {
          path,
          maxCharacters: MAX_INSTRUCTIONS,
        });
      }
      return text;
    } catch (error) {
      if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") known.delete(path);
      else if (before?.version !== version) {
        known.set(path, { version, text: "" });
        log.warn("Cannot use a file with instructions", { path, error });
      }
      return "";
    }
  }

  return {
    /** Reads the files that exist, in a fixed order. It never throws. */
    read(): readonly InstructionFile[] {
      const here = folder();
      if (here !== readIn) known.clear();
      readIn = here;
      const next = INSTRUCTION_FILES.map((name) => ({ name, text: readOne(name) }))
        .filter(({ text }) => text !== "");
      const isSame = next.length === files.length &&
        next.every(({ name, text }, index) =>
          files[index]?.name === name && files[index]?.text === text
        );
      if (!isSame) files = next;
      return files;
    },
  };
}

/** @throws {Error} If it is no regular file of the folder, or cannot be read. */
function readText(path: string): { readonly text: string; readonly isCut: boolean } {
  assertOwn(lstatSync(path)); // where O_NOFOLLOW does not exist
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const descriptor = openSync(path, flags);
  try {
    const stat = fstatSync(descriptor);
    assertOwn(stat);
    const buffer = Buffer.alloc(Math.min(stat.size, MAX_BYTES));
    let length = 0;
    for (let got = 1; got > 0 && length < buffer.length; length += got) {
      got = readSync(descriptor, buffer, length, buffer.length - length, length);
    }
    const whole = buffer.subarray(0, length).toString("utf8").replace(/^\ufeff/, "").trim();
    const isCut = stat.size > MAX_BYTES || whole.length > MAX_INSTRUCTIONS;
    return { text: bounded(whole, MAX_INSTRUCTIONS), isCut };
  } finally {
    closeSync(descriptor);
  }
}

function assertOwn(stat: Stats): void {
  if (stat.isSymbolicLink()) throw new Error("it is a link, which could lead out of the workspace");
  if (!stat.isFile()) throw new Error("it is no regular file");
  if (stat.nlink > 1) {
    throw new Error("it has a second name (hard link), perhaps out of the workspace");
  }
}

function versionOf({ dev, ino, size, mtimeMs, ctimeMs, nlink }: Stats): string {
  return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs} ${nlink}`;
}
