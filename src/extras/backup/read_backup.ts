/**
 * Reads a backup from its first to its last byte, and checks it: its format, its checksums, and the
 * store in it.
 */

import { type FileHandle, mkdir, open } from "node:fs/promises";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { PassphraseError } from "./archive/age.ts";
import { openSealed, readSealed } from "./archive/sealed_file.ts";
import { ArchiveError } from "./archive/source.ts";
import { type ArchivedFile, readTar } from "./archive/tar.ts";
import { DATA_ITEMS } from "../../host/files/data_dir.ts";
import { codeOf } from "../../lib/errors.ts";
import { printable } from "../../lib/text/quoted.ts";
import { VERSION } from "../../version.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { whyUnreadable } from "../../cli/shared/read_config.ts";
import {
  CONFIG_FOLDER,
  DATA_FOLDER,
  FORMAT,
  formatSchema,
  type Manifest,
  MANIFEST_NAME,
  manifestSchema,
  MAX_MANIFEST_BYTES,
  STORE_PATH,
  SUMS_NAME,
  WORKSPACES_FOLDER,
} from "./manifest.ts";
import { hashing, sumLine } from "./sums.ts";

/** The passphrase, asked for once it is needed; `undefined` if there is none. */
export type GetPassphrase = () => Promise<string | undefined>;

interface Unpacking {
  /** Called with the list of contents, before anything is written. */
  readonly onManifest: (manifest: Manifest) => Promise<void> | void;
  /** Folder to write files into; it exists. */
  readonly folder: string;
  /** Whether to write a file; others are only checked. */
  readonly isWanted: (path: string) => boolean;
  /** Rejects once the disk has too little room: a backup may be larger than its list says. */
  readonly assertRoom: () => Promise<void>;
}

/** Bytes until the disk must have them, so that no large rest delays a bot that stores a message. */
const SYNC_BYTES = 8 * 1024 * 1024;

/** Opens a backup. @throws {StartError} If that fails. */
export async function openBackup(path: string): Promise<FileHandle> {
  try {
    return await openSealed(path);
  } catch (error) {
    throw asStartError(error, path);
  }
}

/**
 * Reads a backup.
 *
 * @param path Its path, for errors.
 * @param from The open file, which is closed in the end; absent: the file of the path.
 * @throws {StartError} If it is no whole backup that this Barnacle can read, or the passphrase is
 * wrong.
 */
export async function unpackBackup(
  path: string,
  passphrase: GetPassphrase,
  unpacking: Unpacking,
  from: FileHandle | string = path,
): Promise<Manifest> {
  try {
    return await unpack(readTar(readSealed(from, passphrase)), unpacking);
  } catch (error) {
    throw asStartError(error, path);
  }
}

async function unpack(
  files: AsyncIterable<ArchivedFile>,
  { onManifest, folder, isWanted, assertRoom }: Unpacking,
): Promise<Manifest> {
  let manifest: Manifest | undefined;
  let sums: string | undefined;
  // Of a million files, the checksums of all would take much memory, so this is the hash of their list.
  const wanted = createHash("sha256");
  const found = new Set<string>();
  const folders = new Set<string>();
  const isFile = (folder: string) => found.has(folder);
  for await (const file of files) {
    const { path } = file;
    if (!manifest) {
      const hashed = hashing(file);
      manifest = await manifestIn(hashed);
      found.add(path);
      wanted.update(sumLine(path, hashed.digest()));
      await onManifest(manifest);
      continue;
    }
    const clashes = found.has(path) || folders.has(path) || foldersOf(path).some(isFile);
    if (sums !== undefined || clashes || !isPart(path)) {
      throw new ArchiveError("foreign", `${printable(path)} is not at its place`);
    }
    const hashed = hashing(file);
    if (path === SUMS_NAME) {
      for await (const _ of hashed.content);
      sums = hashed.digest();
      continue;
    }
    if (isWanted(path)) await write(hashed, join(folder, path), assertRoom);
    else for await (const _ of hashed.content);
    found.add(path);
    wanted.update(sumLine(path, hashed.digest()));
    for (const folder of foldersOf(path)) folders.add(folder);
  }
  if (!manifest) throw noManifest();
  if (sums === undefined) throw new ArchiveError("cut", "its end is missing");
  if (sums !== wanted.digest("hex")) {
    throw new ArchiveError("cut", "a file in it has another checksum");
  }
  if (!found.has(STORE_PATH)) {
    throw new ArchiveError("foreign", "it has no store");
  }
  return manifest;
}

/**
 * Whether a backup may have a file of this path. A restore puts all of them into the data directory,
 * where another name could replace the backups or the lock.
 */
function isPart(path: string): boolean {
  const [folder, name = ""] = path.split("/");
  return path === SUMS_NAME || folder === CONFIG_FOLDER || folder === WORKSPACES_FOLDER ||
    folder === DATA_FOLDER && DATA_ITEMS.some((item) => item === name);
}

/** `["a", "a/b"]` of `"a/b/c"`. */
function foldersOf(path: string): readonly string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join("/"));
}

async function write(
  { content, isProgram }: ArchivedFile,
  to: string,
  assertRoom: Unpacking["assertRoom"],
): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const file = await open(to, "wx", isProgram ? 0o700 : 0o600);
  try {
    let unsynced = 0;
    for await (const chunk of content) {
      await file.writeFile(chunk);
      unsynced += chunk.length;
      if (unsynced < SYNC_BYTES) continue;
      unsynced = 0;
      await file.datasync();
      await assertRoom();
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

async function manifestIn(file: ArchivedFile): Promise<Manifest> {
  if (file.path !== MANIFEST_NAME) throw noManifest();
  let value: unknown;
  try {
    value = JSON.parse(await textOf(file));
  } catch (error) {
    if (error instanceof SyntaxError) throw noManifest();
    throw error;
  }
  const { data: about } = formatSchema.safeParse(value);
  if (!about) throw noManifest();
  if (about.format > FORMAT) {
    throw new StartError(
      `Barnacle ${printable(about.barnacle)} made this backup in a newer format; use that ` +
        `version or a newer one (this is ${VERSION})`,
      EXIT.failed,
    );
  }
  const { data: manifest } = manifestSchema.safeParse(value);
  if (!manifest) throw noManifest();
  return manifest;
}

function noManifest(): ArchiveError {
  return new ArchiveError("foreign", "it is no backup of Barnacle");
}

async function textOf({ size, content }: ArchivedFile): Promise<string> {
  if (size > MAX_MANIFEST_BYTES) throw new ArchiveError("foreign", "a list in it is too long");
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** Names the backup in an error, and the next step. */
function asStartError(error: unknown, path: string): unknown {
  const name = printable(path);
  if (error instanceof PassphraseError) {
    return error.message === "it is encrypted"
      ? new StartError(
        `${name} is encrypted; --passphrase-file names the file with its passphrase`,
        EXIT.usage,
      )
      : new StartError(`${name}: ${error.message}`, EXIT.failed);
  }
  if (error instanceof ArchiveError) {
    if (error.message === "it is a folder") {
      return new StartError(`${name} is a folder; name the backup in it`, EXIT.failed);
    }
    return error.kind === "cut"
      ? new StartError(
        `${name} is damaged: ${error.message}. Copy it again from where it was made, or use ` +
          "another backup",
        EXIT.failed,
      )
      : new StartError(`${name} cannot be used: ${error.message}`, EXIT.failed);
  }
  const code = codeOf(error);
  if (code === "ENOENT") return new StartError(`there is no file ${name}`, EXIT.usage);
  if (code === "ESPIPE" || code === "ENOTDIR") {
    return new StartError(`${name} is no file that can be a backup`, EXIT.usage);
  }
  if (code === "EACCES" || code === "EIO") {
    return new StartError(`cannot read ${name}: ${whyUnreadable(error)}`, EXIT.failed);
  }
  if (code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG") {
    return new StartError(`the disk is full (${code}); nothing was changed`, EXIT.io);
  }
  return error;
}
