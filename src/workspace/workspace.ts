/**
 * Finds the workspace of an agent, and reads the agent's own instructions from it, `AGENTS.md` and
 * `SOUL.md` (H4).
 *
 * The files can change while the bot runs, so each turn reads them. Only regular files of the folder
 * count: a link could lead to a file with secrets, and its text would reach the model.
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
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { bounded } from "../lib/text/quoted.ts";
import { withHome } from "../lib/env.ts";
import type { Log } from "../lib/log.ts";

export interface AgentFolder {
  readonly id: string;
  /** Absent: one in the data directory (S6). */
  readonly workspace?: string;
}

/** The workspace of an agent. A relative path counts from the config file. */
export function workspaceOf(
  { file }: { readonly file?: string },
  { id, workspace }: AgentFolder,
  dataDir: string,
): string {
  if (workspace === undefined) return join(dataDir, "agents", id);
  return resolve(file === undefined ? "." : dirname(file), withHome(workspace, homedir()));
}

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

/** Creates the reading, which never throws, and logs each fault once. */
export function createInstructionFiles(log: Log) {
  const told = new Set<string>();

  function warn(event: string, path: string, facts: object): void {
    if (told.has(`${event} ${path}`)) return;
    told.add(`${event} ${path}`);
    log.warn(event, { path, ...facts });
  }

  function readOne(path: string): string {
    try {
      const found = lstatSync(path, { throwIfNoEntry: false });
      if (!found) return "";
      assertOwn(found); // where O_NOFOLLOW does not exist
      const { text, isCut } = readText(path);
      if (isCut) {
        warn("A file with instructions is too long; the model gets its beginning", path, {
          maxCharacters: MAX_INSTRUCTIONS,
        });
      }
      return text;
    } catch (error) {
      warn("Cannot use a file with instructions", path, { error });
      return "";
    }
  }

  /** Reads the files that exist in a folder, which may be missing, in a fixed order. */
  return (folder: string): readonly InstructionFile[] =>
    INSTRUCTION_FILES.map((name) => ({ name, text: readOne(join(folder, name)) }))
      .filter(({ text }) => text !== "");
}

/** @throws {Error} If it is no regular file of the folder, or cannot be read. */
function readText(path: string): { readonly text: string; readonly isCut: boolean } {
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
