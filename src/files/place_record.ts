/**
 * Notes in the data directory where the files of this bot are, for commands beside it (O17).
 *
 * A folder that is not mounted looks like an empty one. So the folder has a mark, which this directory
 * knows: without it, nothing is written there.
 */

import { randomUUID } from "node:crypto";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { filesFault, filesFolderOf, filesPlaceOf } from "../core/files/place.ts";
import { parseSnowflake, type UserId } from "../core/discord/ids.ts";
import { codeOf, wordsOfCode } from "../lib/errors.ts";
import { createMediaFolder } from "../media/folder.ts";

/** Folder in the data directory for what belongs to this machine's copy. */
export const FILES_NAME = "files";
const PLACE_NAME = "place.json";
/** Ids of people whose objects are to be deleted, one empty file for each. */
export const FORGET_NAME = "forget";
/** The folder for kept files of people, here and in a shared folder. */
const MEDIA_NAME = "media";
/** The mark of a shared folder. */
const MARK_NAME = "barnacle-files.json";
/** How systems say that they have no hard links. */
const NO_LINKS: ReadonlySet<string | undefined> = new Set([
  "EPERM",
  "ENOTSUP",
  "EOPNOTSUPP",
  "ENOSYS",
  "EMLINK",
]);

const placeSchema = z.lazy(() => z.object({ url: z.string(), id: z.string().optional() }));
const markSchema = z.lazy(() => z.object({ id: z.string() }));

/** A shared folder that cannot be used. The message says what to do next. */
export class FilesFolderError extends Error {
  override readonly name = "FilesFolderError";
  /** Whether it may work later without another config. */
  readonly isAway: boolean;

  /** @param message The fault with the next step. */
  constructor(message: string, isAway: boolean, options?: ErrorOptions) {
    super(message, options);
    this.isAway = isAway;
  }
}

/**
 * Notes the place; without one, removes the note.
 *
 * @param isQuestion Whether to change nothing.
 * @returns Whether it is another place than before.
 */
export function recordPlace(
  dataDir: string,
  place: { readonly url: string; readonly id?: string } | undefined,
  isQuestion = false,
): boolean {
  const folder = join(dataDir, FILES_NAME);
  const before = recordedPlace(dataDir);
  if (isQuestion) return before?.url !== place?.url;
  if (!place) rmSync(join(folder, PLACE_NAME), { force: true });
  else if (before?.url !== place.url || before.id !== place.id) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeWhole(join(folder, PLACE_NAME), JSON.stringify(place));
  }
  return before?.url !== place?.url;
}

function recordedPlace(dataDir: string): z.infer<typeof placeSchema> | undefined {
  return readJson(join(dataDir, FILES_NAME, PLACE_NAME), placeSchema);
}

/**
 * Checks a shared folder, and marks it at the first start.
 *
 * @param isReadOnly Whether to change nothing, and to permit a folder without a mark.
 * @throws {FilesFolderError} If it cannot be used.
 */
export function checkFolder(url: string, dataDir: string, isReadOnly = false): void {
  const path = filesFolderOf({ files: { url } }, dataDir);
  const known = recordedPlace(dataDir);
  const mark = join(path, MARK_NAME);
  if (!existsSync(path)) {
    throw new FilesFolderError(
      `there is no folder ${path}; mount it, or correct files.url`,
      true,
    );
  }
  const found = readMark(mark);
  const id = known?.url === url ? known.id : undefined;
  if (id !== undefined && found !== id) throw notMounted(path);
  if (isReadOnly) return;
  try {
    writeMark(mark);
  } catch (cause) {
    const why = wordsOfCode(cause) ?? codeOf(cause) ?? "it cannot be written";
    const fix = "let Barnacle's user write there, or correct files.url";
    throw new FilesFolderError(`cannot write to ${path} (${why}); ${fix}`, false, { cause });
  }
  const next = readMark(mark); // perhaps of another process, which was first
  if (next === undefined || (id !== undefined && next !== id)) throw notMounted(path);
  recordPlace(dataDir, { url, id: next });
}

/**
 * The id of a mark; `undefined` if there is none.
 *
 * @throws {FilesFolderError} If there is one that cannot be read: another one must not replace it.
 */
function readMark(mark: string): string | undefined {
  try {
    return markSchema.parse(JSON.parse(readFileSync(mark, "utf8"))).id;
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "ENOENT") return undefined;
    const why = wordsOfCode(cause) ?? code ?? "it has another form";
    const isRefused = code === "EACCES" || code === "EPERM";
    const fix = isRefused
      ? "let Barnacle's user read it"
      : "try again; if that does not help, restore it from a backup";
    throw new FilesFolderError(`cannot read ${mark} (${why}); ${fix}`, !isRefused, { cause });
  }
}

/**
 * Marks a folder, unless it has a mark. Of several first starts, one does it: each of the others would
 * know an id that is gone. Shows also whether this user may write there.
 */
export function writeMark(mark: string): void {
  const part = `${mark}.${randomUUID()}.part`;
  const text = JSON.stringify({ id: randomUUID() });
  try {
    writeFileSync(part, text, { mode: 0o600, flush: true });
    linkSync(part, mark);
  } catch (error) {
    const code = codeOf(error);
    if (code === "EEXIST") return;
    if (!NO_LINKS.has(code)) throw error;
    writeFirst(mark, text);
  } finally {
    rmSync(part, { force: true });
  }
}

/** Writes a file on a system without hard links, such as SMB. A reader may see a part, and tries again. */
function writeFirst(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600, flush: true, flag: "wx" });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

/** Rejects if the shared folder has lost its mark: its mount is away. */
export async function assertMounted(path: string): Promise<void> {
  if (!await isMounted(path)) throw notMounted(path);
}

/** Not synchronous: a mount whose server is away lets a call wait for minutes. */
async function isMounted(path: string): Promise<boolean> {
  return await access(join(path, MARK_NAME)).then(() => true, () => false);
}

function notMounted(path: string): FilesFolderError {
  return new FilesFolderError(
    `${path} does not have the files of this bot (no ${MARK_NAME}); mount it, or correct files.url`,
    true,
  );
}

/** Path of the folder that keeps files of people for this directory. */
export function mediaRootIn(dataDir: string): string {
  const url = recordedPlace(dataDir)?.url;
  const isValid = url !== undefined && filesFault(url) === undefined;
  return join(isValid ? filesFolderOf({ files: { url } }, dataDir) : dataDir, MEDIA_NAME);
}

/**
 * Deletes the kept files of a person. Those of a bucket, and of a folder that is not mounted, are deleted
 * by the running bot within a minute, or once the place is there.
 */
export async function forgetKept(dataDir: string, userId: UserId): Promise<void> {
  const url = recordedPlace(dataDir)?.url;
  const place = filesPlaceOf(url === undefined || filesFault(url) !== undefined ? {} : { url });
  if (place.kind !== "folder") {
    await createMediaFolder(mediaRootIn(dataDir)).forget(userId);
    if (place.kind === "here") return;
  }
  const folder = join(dataDir, FILES_NAME, FORGET_NAME);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, userId), "", { mode: 0o600, flush: true });
  if (place.kind === "folder") await forgetWaiting(dataDir, place.path);
}

/** Deletes files of people that waited for the shared folder, if it is mounted now. */
export async function forgetWaiting(dataDir: string, path: string): Promise<void> {
  const marks = join(dataDir, FILES_NAME, FORGET_NAME);
  const waiting = existsSync(marks) ? readdirSync(marks) : [];
  for (const name of waiting) {
    const userId = parseSnowflake<"user">(name);
    if (!await isMounted(path)) return;
    if (userId) await createMediaFolder(join(path, MEDIA_NAME)).forget(userId);
    if (!await isMounted(path)) return; // a folder that went away meanwhile looked empty
    rmSync(join(marks, name), { force: true });
  }
}

function readJson<Value>(path: string, schema: z.ZodType<Value>): Value | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined; // none, or one that a crash has cut
  }
}

function writeWhole(path: string, text: string): void {
  const part = `${path}.${randomUUID()}.part`;
  writeFileSync(part, text, { mode: 0o600, flush: true });
  renameSync(part, path);
}
