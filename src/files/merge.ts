/**
 * Decides what a folder has after two processes have changed it (O17). Nothing here reads or writes.
 *
 * Three states count: the folder here, the folder in the store, and the one that both had last. A file
 * that only one side changed is taken from there. If both changed it, the later change keeps the path,
 * and the other version gets a name beside it. A change wins over a deletion.
 */

import { type Files, type FileVersion, foldersAround, type StoredFile } from "./manifest.ts";

/** A version that lost its path. */
export interface Conflict {
  readonly path: string;
  /** Path of the other version. */
  readonly beside: string;
}

/** What the folder has after the merge. */
export interface Merged {
  /** A file without a `blob` has its content here only. */
  readonly files: Files<FileVersion | StoredFile>;
  /** Local path of the content of a file that is here only, if that is another one. */
  readonly contentAt: ReadonlyMap<string, string>;
  readonly conflicts: readonly Conflict[];
}

/**
 * Merges; the states may be maps of any order.
 *
 * @param isHeld Whether the local state of a path is not known: then it counts as unchanged.
 */
export function mergeFolders(
  base: Files<StoredFile>,
  local: Files<FileVersion>,
  remote: Files<StoredFile>,
  isHeld: (path: string) => boolean = () => false,
): Merged {
  const files = new Map<string, FileVersion | StoredFile>();
  const contentAt = new Map<string, string>();
  const conflicts: Conflict[] = [];
  const losers: { readonly path: string; readonly file: FileVersion; readonly isLocal: boolean }[] =
    [];
  for (const path of new Set([...local.keys(), ...remote.keys()])) {
    const [before, there] = [base.get(path), remote.get(path)];
    const here = isHeld(path) ? before : local.get(path);
    const { kept, loser } = decide(before, here, there);
    if (kept) files.set(path, kept);
    if (loser) losers.push({ path, file: loser, isLocal: loser === here });
  }
  // A file of one process and a folder of another have one name: the file moves.
  for (const path of [...files.keys()]) {
    for (const around of foldersAround(path)) {
      const file = files.get(around);
      if (!file) continue;
      files.delete(around);
      losers.push({ path: around, file, isLocal: !("blob" in file) });
    }
  }
  for (const { path, file, isLocal } of losers) {
    const beside = nameBeside(path, file, [files, local, remote]);
    files.set(beside, file);
    if (isLocal) contentAt.set(beside, path);
    conflicts.push({ path, beside });
  }
  return { files, contentAt, conflicts };
}

/**
 * Takes out files that are here only, and for which the folder has no room.
 *
 * @returns What fits, and the local paths of the others, which stay as they are.
 */
export function withinLimits(
  { files, contentAt }: Merged,
  stored: Files<StoredFile>,
  limits: { readonly files: number; readonly totalBytes: number },
): { readonly files: Merged["files"]; readonly held: ReadonlySet<string> } {
  const fitting = new Map([...files].filter(([, file]) => "blob" in file));
  const held = new Set<string>();
  let bytes = [...fitting.values()].reduce((sum, { size }) => sum + size, 0);
  for (const [path, file] of files) {
    if ("blob" in file) continue;
    const old = stored.get(path);
    const isRoom = (old !== undefined || fitting.size < limits.files) &&
      bytes + file.size <= limits.totalBytes;
    const kept = isRoom ? file : old;
    if (kept) fitting.set(path, kept);
    bytes += kept?.size ?? 0;
    if (!isRoom) held.add(contentAt.get(path) ?? path);
  }
  return { files: fitting, held };
}

/** Whether two versions are the same for a reader. */
export function isSameFile(one: FileVersion | undefined, other: FileVersion | undefined): boolean {
  if (!one || !other) return one === other;
  return one.hash === other.hash && one.isProgram === other.isProgram;
}

function decide(
  before: StoredFile | undefined,
  here: FileVersion | undefined,
  there: StoredFile | undefined,
): { readonly kept?: FileVersion | undefined; readonly loser?: FileVersion } {
  if (isSameFile(here, there) || isSameFile(here, before)) return { kept: there };
  if (isSameFile(there, before)) return { kept: here };
  if (!here || !there) return { kept: here ?? there };
  const isHereLater = here.changedAt > there.changedAt;
  const [kept, loser] = isHereLater ? [here, there] : [there, here];
  if (here.hash === there.hash) return { kept }; // only the right to run it differs
  // Barnacle itself creates empty files, such as `AGENTS.md`; one that was emptied is a change.
  if (before === undefined && kept.size === 0) return { kept: loser };
  return loser.size === 0 ? { kept } : { kept, loser };
}

/** Maximum characters of a name's parts. */
const MAX_STEM = 40;
const MAX_ENDING = 20;

/** `"notes/plan.conflict-1a2b3c4d.md"`: the same name at each attempt, so that none makes a second copy. */
function nameBeside(
  path: string,
  { hash }: FileVersion,
  taken: readonly Files<FileVersion>[],
): string {
  const at = path.lastIndexOf("/") + 1;
  const name = path.slice(at);
  const dot = name.lastIndexOf(".");
  const isSplit = dot > 0 && name.length - dot <= MAX_ENDING;
  const stem = [...isSplit ? name.slice(0, dot) : name].slice(0, MAX_STEM).join("");
  const named = (digits: number) =>
    `${path.slice(0, at)}${stem}.conflict-${hash.slice(0, digits)}${
      isSplit ? name.slice(dot) : ""
    }`;
  const isFree = (one: string) =>
    taken.every((files) => {
      const found = files.get(one);
      return !found || found.hash === hash;
    });
  return [8, 16, 32].map(named).find(isFree) ?? named(hash.length);
}
