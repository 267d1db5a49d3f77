/**
 * Replaces the content of a data directory by a prepared one, so that a process that dies at any
 * point leaves the old content, the new one, or a step that the next process finishes.
 *
 * The prepared content gets its final name once it is complete. From then on each step is a rename
 * that can be repeated: first the old content moves away, then the new one moves in. The caller holds
 * the lock of the directory.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DATA_ITEMS, DATABASE_NAME, FORGOTTEN_NAME } from "./data_dir.ts";
import { renameOver, syncFolder } from "./write_file.ts";

/** The content that is being prepared. A process that dies leaves it, and it counts for nothing. */
export const PREPARING_NAME = "restore.part";
/** The complete content, while the old one moves away. */
const READY_NAME = "restore.ready";
/** The same, while it moves in. */
const MOVING_NAME = "restore.moving";
/** In the prepared content: the folder with the new content. */
export const NEW_NAME = "data";
/** In the prepared content: the name of the folder for the old content. */
const OLD_NAME_FILE = "old";
/** The beginning and the end of that folder's name. */
const OLD_NAME = { start: "before-restore-", end: ".bak" } as const;

const DATABASE_FILES = ["-wal", "-shm", "-journal"].map((end) => `${DATABASE_NAME}${end}`);

interface ReplacedData {
  /** Path of the folder with the old content; absent if there was none. */
  readonly old?: string;
}

export function isOldContent(name: string): boolean {
  return name.startsWith(OLD_NAME.start) && name.endsWith(OLD_NAME.end);
}

/** The files and folders of a directory that a restore would replace. */
export function contentOf(dataDir: string): readonly string[] {
  return [...DATABASE_FILES, ...DATA_ITEMS].filter((name) => {
    if (name === FORGOTTEN_NAME) return false; // it stays
    const path = join(dataDir, name);
    if (!existsSync(path)) return false;
    return name.includes(".") || readdirSync(path).length > 0;
  });
}

/** Whether a process has died while it replaced the content. */
export function isUnfinished(dataDir: string): boolean {
  return [READY_NAME, MOVING_NAME].some((name) => existsSync(join(dataDir, name)));
}

/**
 * Takes the content in {@link PREPARING_NAME} as complete, and moves it in.
 *
 * @param stamp Names the folder for the old content.
 * @param onStep Called after each rename.
 */
export function replaceData(
  dataDir: string,
  stamp: string,
  writeFile: (path: string, text: string) => void,
  onStep: () => void = () => {},
): ReplacedData | undefined {
  const prepared = join(dataDir, PREPARING_NAME);
  writeFile(join(prepared, OLD_NAME_FILE), `${OLD_NAME.start}${stamp}${OLD_NAME.end}`);
  syncFolders(prepared);
  renameOver(prepared, join(dataDir, READY_NAME));
  syncFolder(dataDir);
  return finishReplacing(dataDir, onStep);
}

/** Finishes a replacement; `undefined` if there is none. */
export function finishReplacing(
  dataDir: string,
  onStep: () => void = () => {},
): ReplacedData | undefined {
  const ready = join(dataDir, READY_NAME);
  const moving = join(dataDir, MOVING_NAME);
  let old: string | undefined;
  if (existsSync(ready)) {
    old = join(dataDir, readFileSync(join(ready, OLD_NAME_FILE), "utf8"));
    // The new content may have more, such as workspaces of an earlier restore that are in use now.
    const brought = readdirSync(join(ready, NEW_NAME));
    const replaced = [...DATABASE_FILES, ...DATA_ITEMS, ...brought];
    for (const name of new Set(replaced)) {
      if (!existsSync(join(dataDir, name))) continue;
      mkdirSync(old, { recursive: true, mode: 0o700 });
      renameOver(join(dataDir, name), join(old, name));
      onStep();
    }
    syncFolder(dataDir);
    renameOver(ready, moving);
    onStep();
  }
  if (!existsSync(moving)) return undefined;
  old ??= join(dataDir, readFileSync(join(moving, OLD_NAME_FILE), "utf8"));
  for (const name of readdirSync(join(moving, NEW_NAME))) {
    renameOver(join(moving, NEW_NAME, name), join(dataDir, name));
    onStep();
  }
  syncFolder(dataDir);
  rmSync(moving, { recursive: true });
  return { old: existsSync(old) ? old : undefined };
}

/** Waits until the disk has the names in a folder and in all folders below it. */
function syncFolders(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) syncFolders(join(path, entry.name));
  }
  syncFolder(path);
}
