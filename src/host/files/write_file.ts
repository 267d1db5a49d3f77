/**
 * A file in the place of another, so that nobody ever reads half of one (C10).
 *
 * The new text is complete and on the disk, under a name of its own, before it takes the old
 * one's place: whatever ends the program or fills the disk, one of the two is there whole.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import {
  chownSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import process from "node:process";
import { codeOf } from "../../lib/error_code.ts";

/**
 * - `changed`: somebody else has written it since it was read, or does so now; read it again.
 * - `unwritable`: the system says no; the cause has its code, such as `ENOSPC`.
 */
export type WriteErrorKind = "changed" | "unwritable";

/** The file is as it was; the message says what to do. */
export class WriteError extends Error {
  override readonly name = "WriteError";
  readonly kind: WriteErrorKind;
  readonly path: string;

  constructor(
    message: string,
    details: { readonly kind: WriteErrorKind; readonly path: string; readonly cause?: unknown },
  ) {
    super(message, { cause: details.cause });
    this.kind = details.kind;
    this.path = details.path;
  }
}

export interface Replacing {
  /** The file; where it is a link, what it leads to is replaced and the link stays. */
  readonly path: string;
  readonly text: string;
  /** What the change was made from; `undefined` where there was no file. */
  readonly expected: string | undefined;
}

/** What became of the old file. */
export interface Replaced {
  /** The file itself, behind links. */
  readonly path: string;
  /** A copy of what was there, with the same mode; absent where there was nothing. */
  readonly backup?: string;
}

/** For a file that was not there: nobody else reads it, since it may come to hold a secret. */
const NEW_MODE = 0o600;
const NEW_FOLDER_MODE = 0o700;

/** Milliseconds after which nobody is writing any more. */
const ABANDONED_MS = 60_000;

/**
 * Replaces a file, or makes it; missing folders are made, too.
 *
 * Mode and owner stay, the owner as far as this user may set it. The old text is left beside it as
 * `<name>.bak`. Of several that do this at a time, all but one are refused: between the look at what
 * is there and its replacement, another's change would be lost.
 *
 * @throws {WriteError} The file is as it was.
 */
export function replaceFile({ path, text, expected }: Replacing): Replaced {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: NEW_FOLDER_MODE });
    const target = behindLinks(path);
    const part = claimPart(target, path);
    const backup = inPlace(part, () => {
      const old = bytesOf(target);
      assertSame(old, expected, path);
      const facts = old === undefined ? undefined : statSync(target);
      const backup = old === undefined ? undefined : `${target}.bak`;
      if (old !== undefined && backup !== undefined) {
        const copy = claimPart(backup, path);
        inPlace(copy, () => put(copy, backup, old, facts));
      }
      put(part, target, text, facts);
      return backup;
    });
    syncFolder(dirname(target));
    return { path: target, ...(backup !== undefined && { backup }) };
  } catch (cause) {
    if (cause instanceof WriteError) throw cause;
    throw new WriteError(`${path} cannot be written (${codeOf(cause) ?? "unknown reason"})`, {
      kind: "unwritable",
      path,
      cause,
    });
  }
}

function assertSame(old: Buffer | undefined, expected: string | undefined, path: string): void {
  const isSame = old === undefined
    ? expected === undefined
    : expected !== undefined && old.equals(Buffer.from(expected));
  if (isSame) return;
  if (old?.toString() === expected) {
    const message = `${path} holds bytes that are no text; save it as UTF-8`;
    throw new WriteError(message, { kind: "unwritable", path });
  }
  const message = `${path} has changed since it was read; nothing was written`;
  throw new WriteError(message, { kind: "changed", path });
}

/** A file that is being written, under a name that none but its writer has. */
interface Part {
  readonly path: string;
  readonly descriptor: number;
}

/**
 * Makes the file that is to take the place of another. While it is there, it says that somebody
 * writes; that takes milliseconds, so an old one is of a process that died.
 */
function claimPart(target: string, path: string): Part {
  const part = join(dirname(target), `.${basename(target)}.part`);
  const writtenAt = statSync(part, { throwIfNoEntry: false })?.mtimeMs;
  if (writtenAt !== undefined && Date.now() - writtenAt > ABANDONED_MS) {
    rmSync(part, { force: true });
  }
  try {
    return { path: part, descriptor: openSync(part, "wx", NEW_MODE) };
  } catch (cause) {
    if (codeOf(cause) !== "EEXIST") throw cause;
    const message = `${path} is being written by somebody else; nothing was written`;
    throw new WriteError(message, { kind: "changed", path, cause });
  }
}

/** Does what ends with a part in the place of a file, or takes the part away. */
function inPlace<Done>({ path, descriptor }: Part, work: () => Done): Done {
  try {
    return work();
  } catch (cause) {
    rmSync(path, { force: true });
    throw cause;
  } finally {
    closeSync(descriptor);
  }
}

/** Writes all of it, and takes the place. From then on the part is another's to make. */
function put(
  { path, descriptor }: Part,
  target: string,
  text: string | Buffer,
  facts: Stats | undefined,
): void {
  writeFileSync(descriptor, text);
  if (facts) keepOwner(path, facts);
  fchmodSync(descriptor, facts ? facts.mode & 0o7777 : NEW_MODE);
  fsyncSync(descriptor);
  renameSync(path, target);
}

/** Only root may give a file away; for others it is theirs now, as an editor would leave it. */
function keepOwner(path: string, { uid, gid }: Stats): void {
  const now = statSync(path);
  if (now.uid === uid && now.gid === gid) return;
  try {
    chownSync(path, uid, gid);
  } catch (cause) {
    if (codeOf(cause) !== "EPERM") throw cause;
  }
}

/** Without it a power cut may undo the rename. */
function syncFolder(folder: string): void {
  if (process.platform === "win32") return; // a folder cannot be opened there
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Links of one path that are followed; more of them lead in a circle. */
const MAX_LINKS = 40;

/**
 * What a path leads to. A link that leads nowhere is an error: to write there would make a file
 * where nobody looks.
 *
 * Link by link, and not by `realpath`: Bun opens the file for that, and does not find it where
 * another process replaces it at that moment.
 */
function behindLinks(path: string): string {
  let at = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    const about = lstatSync(at, { throwIfNoEntry: links > 0 });
    if (!about?.isSymbolicLink()) return at;
    at = resolve(realpathSync(dirname(at)), readlinkSync(at));
  }
  throw Object.assign(new Error(`${path} leads in a circle`), { code: "ELOOP" });
}

function bytesOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw cause;
  }
}
