/**
 * Writes the agent's first instructions, `AGENTS.md` and `SOUL.md`, into its workspace (S6).
 *
 * Only a setup that creates the config does so, and it replaces no file: a person who has deleted them
 * does not want them. They name no server: names of other people are no instructions (H4).
 */

import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  lchownSync,
  mkdirSync,
  openSync,
  realpathSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join, sep } from "node:path";
import process from "node:process";
import { prepareDataDir } from "../../../host/files/data_dir.ts";
import { INSTRUCTION_FILES } from "../../../host/files/instruction_files.ts";

/** The texts: short, so that a person reads and changes them. */
const TEXTS: Readonly<Record<typeof INSTRUCTION_FILES[number], string>> = {
  "AGENTS.md": `# Instructions

The model reads this file and SOUL.md before each answer. Edit both: a change counts from the next message on.

- Answer the question first. Then explain as much as the question needs.
- If you do not know something, or cannot do it, say so in one sentence.
- Before you change or delete something on the server, say what you are going to do.
`,
  "SOUL.md": `# Character

You are friendly and calm. You write short, plain sentences, in the language of the person who asks.
`,
};

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * Writes both files, unless one of them exists.
 *
 * @param workspace Folder of the agent.
 * @param dataDir The data directory, which need not exist. If it belongs to the user of a service, so
 *   do the files.
 * @returns Whether it wrote them.
 * @throws {Error} If the system refuses, or if a link leads out of the data directory of a service.
 */
export function writeInstructions(workspace: string, dataDir: string): boolean {
  if (INSTRUCTION_FILES.some((name) => existsSync(join(workspace, name)))) return false;
  if (!existsSync(dataDir)) prepareDataDir(dataDir);
  const { uid, gid } = statSync(dataDir);
  const isOthers = process.geteuid?.() === 0 && uid !== 0;
  const own = (path: string) => isOthers ? lchownSync(path, uid, gid) : undefined;
  const missing = missingFolders(workspace);
  const existing = missing[0] === undefined ? workspace : dirname(missing[0]);
  if (isOthers && !isWithin(existing, dataDir)) {
    // The service's user could have put a link there, which would lead root to any folder.
    throw new Error("a link leads out of the data directory");
  }
  for (const folder of missing) {
    mkdirSync(folder, { mode: FOLDER_MODE });
    own(folder);
  }
  for (const name of INSTRUCTION_FILES) {
    writeNew(join(workspace, name), TEXTS[name], isOthers ? { uid, gid } : undefined);
  }
  return true;
}

/** The folders of a path that do not exist, the outermost first. */
function missingFolders(path: string): readonly string[] {
  if (existsSync(path)) return [];
  const above = dirname(path);
  return above === path ? [] : [...missingFolders(above), path];
}

function isWithin(path: string, folder: string): boolean {
  const real = realpathSync(folder);
  return `${realpathSync(path)}${sep}`.startsWith(`${real}${sep}`);
}

function writeNew(
  path: string,
  text: string,
  owner: { readonly uid: number; readonly gid: number } | undefined,
): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL |
    (constants.O_NOFOLLOW ?? 0);
  const descriptor = openSync(path, flags, FILE_MODE);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  if (owner) lchownSync(path, owner.uid, owner.gid);
}
