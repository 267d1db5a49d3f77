/**
 * Keeps a folder of this machine and its copy in a bucket the same (O17).
 *
 * Contents are objects that never change, and one manifest names them. A manifest is replaced only if
 * it is still the one that was read. So a change of many files arrives whole or not at all, a process
 * that dies between two requests leaves nothing but objects without a name, and no process overwrites a
 * change that it has not seen.
 */

import { hash, randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "../lib/clock.ts";
import { codeOf } from "../lib/errors.ts";
import type { ObjectStore } from "./bucket.ts";
import { BucketError } from "./bucket_error.ts";
import {
  type FolderRecord,
  forgetRecord,
  NO_RECORD,
  readRecord,
  writeRecord,
} from "./folder_record.ts";
import {
  createFolder,
  deleteLocal,
  type FolderLook,
  isUnchanged,
  type LocalFile,
  lookAt,
  placeLocal,
  readLocal,
} from "./local_folder.ts";
import {
  type Files,
  type FileVersion,
  FOLDER_LIMITS,
  MAX_MANIFEST_BYTES,
  readManifest,
  type StoredFile,
  writeManifest,
} from "./manifest.ts";
import { type Conflict, isSameFile, mergeFolders, withinLimits } from "./merge.ts";

/** What a synchronisation has found. */
export interface Synced {
  /** Files that two processes have changed. */
  readonly conflicts: readonly Conflict[];
  /** Paths that stay on this machine, with the reason; a few of them. */
  readonly left: readonly string[];
}

/** A folder with its copy. */
export interface SyncedFolder {
  /**
   * Brings both sides together. Calls that wait share one run that begins after them.
   *
   * @throws {BucketError} If the store does not take or give everything. Nothing is lost then.
   */
  sync(): Promise<Synced>;
  /** Deletes objects of uploads that never got a name, such as those of a process that died. */
  sweep(): Promise<void>;
  /** Changes files here while no run does. */
  change<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** The surroundings of a synchronised folder. */
export interface SyncedFolderOptions extends Clock {
  readonly bucket: ObjectStore;
  /** Beginning of its keys, with a slash at its end: `"agents/main/"`. */
  readonly start: string;
  /** Path of the folder here. */
  readonly root: string;
  /** Path of the record. */
  readonly record: string;
  /** Names the store. */
  readonly place: string;
  /** Whether a command runs in the folder: then no file is deleted, because it could lead elsewhere. */
  readonly isBusy: () => boolean;
  /** A test ends the process there. */
  readonly onStep?: (step: "uploaded" | "published" | "applied") => void;
}

/** Age of an object without a name that no running upload can want, in milliseconds. */
const UNUSED_MS = 24 * 60 * 60 * 1_000;
/** Pages of a sweep: the next one goes on. */
const SWEEP_PAGES = 20;

/** Attempts until a manifest is replaced: each failed one means that another process succeeded. */
const ATTEMPTS = 8;

/** Contents that are sent or read at once: each is in memory as a whole. */
const AT_ONCE = 4;

/** Does work for each item. After a failure, it begins no more, and waits for those that run. */
async function severalAtOnce<Item>(
  items: Iterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  let isFailed = false;
  const results = await Promise.allSettled(Array.from({ length: AT_ONCE }, async () => {
    for (let next = rest.next(); !next.done && !isFailed; next = rest.next()) {
      try {
        await work(next.value);
      } catch (error) {
        isFailed = true;
        throw error;
      }
    }
  }));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

/** Something else is at the path, such as a file in the place of a folder: a later run may find room. */
const OCCUPIED: ReadonlySet<string | undefined> = new Set([
  undefined, // of `walkFolders`
  "ENOENT",
  "ENOTDIR",
  "EISDIR",
  "EEXIST",
  "ENOTEMPTY",
]);
/** Objects that a run deletes at most; a sweep deletes the others. */
const MAX_REMOVED = 200;
/** Paths that a run names because the workspace has no room for them. */
const MAX_CROWDED = 5;

interface StoredFolder {
  /** `undefined` if there is none yet. */
  readonly mark: string | undefined;
  readonly files: Files<StoredFile>;
}

interface Published {
  readonly manifest: StoredFolder;
  readonly conflicts: readonly Conflict[];
  /** Local paths for which the folder has no room. */
  readonly held: ReadonlySet<string>;
}

/** Creates it; nothing is read yet. The function is long: its inner ones share one state. */
export function createSyncedFolder(options: SyncedFolderOptions): SyncedFolder {
  const { bucket, start, root, record: recordFile, place, isBusy, now, onStep = () => {} } =
    options;
  let record: FolderRecord | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let waiting: Promise<Synced> | undefined;
  const manifestKey = `${start}manifest.json`;
  const keyOf = (blob: string) => `${start}blobs/${blob}`;

  /** One after the other. A failure delays no other one. */
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const running = last.then(work, work);
    last = running;
    return running;
  }

  async function readManifestNow(known: FolderRecord): Promise<StoredFolder> {
    const found = await bucket.get(manifestKey, MAX_MANIFEST_BYTES, known.mark);
    if (found === "same") return { mark: known.mark, files: known.base };
    if (!found) return { mark: undefined, files: new Map() };
    return { mark: found.mark, files: readManifest(found.bytes) };
  }

  async function run(): Promise<Synced> {
    const known = await knownRecord();
    const look = await lookAt(root, known.seen, now);
    const { manifest, conflicts, held } = await publish(known, look);
    onStep("published");
    const isHeld = (path: string) => held.has(path) || look.isHeld(path);
    const { behind, seen, problem } = await apply(known, look.files, manifest.files, isHeld);
    onStep("applied");
    await remember(known, manifest, behind, seen);
    if (problem !== undefined) throw problem;
    const crowded = [...held].slice(0, MAX_CROWDED)
      .map((path) => `${path} (the workspace has too many files)`);
    return { conflicts, left: [...look.left, ...crowded] };
  }

  async function knownRecord(): Promise<FolderRecord> {
    if (await createFolder(root)) { // its files were not deleted one by one
      await forgetRecord(recordFile);
      return record = NO_RECORD;
    }
    return record ??= await readRecord(recordFile, place);
  }

  /** Merges, and replaces the manifest if that changes it. */
  async function publish(
    known: FolderRecord,
    { files: local, isHeld }: FolderLook,
  ): Promise<Published> {
    /** Objects of an attempt that failed: the next one takes them. */
    const uploaded = new Map<string, StoredFile>();
    let from = known;
    let { base } = known;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = await readManifestNow(from);
      // No process deletes a manifest. Without one, the store has lost it, and no file counts as deleted.
      if (before.mark === undefined) base = NO_RECORD.base;
      const merged = mergeFolders(base, local, before.files, isHeld);
      const { files: fitting, held } = withinLimits(merged, before.files, FOLDER_LIMITS);
      const isSame = fitting.size === before.files.size &&
        [...fitting].every(([path, file]) => isSameFile(file, before.files.get(path)));
      if (isSame) return { manifest: before, conflicts: [], held };
      const files = await stored({ ...merged, files: fitting }, before.files, uploaded);
      onStep("uploaded");
      try {
        const condition = before.mark === undefined ? "new" : { mark: before.mark };
        const mark = await bucket.put(manifestKey, writeManifest(files), condition);
        await removeUnused(before.files, files, uploaded);
        return { manifest: { mark, files }, conflicts: merged.conflicts, held };
      } catch (error) {
        if (!(error instanceof BucketError) || error.kind !== "moved") throw error;
        from = { ...known, mark: undefined };
      }
    }
    throw new BucketError("away", "too many processes change the workspace at once");
  }

  /** Uploads each content that the store lacks. A file that changes meanwhile goes with the next run. */
  async function stored(
    { files, contentAt }: ReturnType<typeof mergeFolders>,
    before: Files<StoredFile>,
    uploaded: Map<string, StoredFile>,
  ): Promise<Files<StoredFile>> {
    const known = new Map(Array.from(before.values(), (file) => [file.hash, file]));
    const all = new Map<string, StoredFile>();
    await severalAtOnce(files, async ([path, file]) => {
      if ("blob" in file) return void all.set(path, file);
      const same = known.get(file.hash) ?? uploaded.get(file.hash);
      const blob = same ? same.blob : await upload(contentAt.get(path) ?? path, file);
      if (blob === undefined) {
        const old = before.get(path);
        if (old) all.set(path, old);
        return;
      }
      const { hash, size, isProgram, changedAt } = file;
      all.set(path, { hash, size, isProgram, changedAt, blob });
      if (!same) uploaded.set(hash, { hash, size, isProgram, changedAt, blob });
    });
    return all;
  }

  async function upload(path: string, { hash: expected }: FileVersion) {
    const bytes = await readLocal(root, path);
    if (!bytes || hash("sha256", bytes) !== expected) return undefined;
    const blob = randomBytes(16).toString("hex"); // never one that another process deletes
    await bucket.put(keyOf(blob), bytes); // a condition would refuse the repetition of a lost answer
    return blob;
  }

  /** Failures leave objects that no manifest names; a later sweep deletes them. */
  async function removeUnused(
    before: Files<StoredFile>,
    after: Files<StoredFile>,
    uploaded: ReadonlyMap<string, StoredFile>,
  ): Promise<void> {
    const used = new Set(Array.from(after.values(), ({ blob }) => blob));
    const old = [...before.values(), ...uploaded.values()].map(({ blob }) => blob);
    const unused = [...new Set(old)].filter((blob) => !used.has(blob)).slice(0, MAX_REMOVED);
    let isAway = false;
    await severalAtOnce(unused, async (blob) => {
      if (!isAway) await bucket.remove(keyOf(blob)).catch(() => void (isAway = true)); // as above
    });
  }

  /** Brings the folder here to the manifest, but for paths that cannot change now. */
  async function apply(
    known: FolderRecord,
    local: Files<LocalFile>,
    files: Files<StoredFile>,
    isHeld: (path: string) => boolean,
  ) {
    const behind = new Set<string>();
    const seen = new Map<string, Pick<LocalFile, "hash" | "stamp">>();
    let problem: unknown;
    const attempt = async (path: string, work: () => Promise<boolean>) => {
      if (problem instanceof BucketError && problem.kind === "away") return void behind.add(path);
      try {
        if (!await work()) behind.add(path);
      } catch (error) {
        const isOfStore = error instanceof BucketError;
        if (isOfStore || !OCCUPIED.has(codeOf(error))) {
          if (!(problem instanceof BucketError)) problem = error;
        }
        behind.add(path);
      }
    };
    for (const [path, file] of local) {
      const wanted = files.get(path);
      if (isHeld(path)) continue;
      if (!wanted) {
        await attempt(path, async () => !isBusy() && await deleteLocal(root, path, file));
      } else if (isSameFile(file, wanted) && file.isSettled) seen.set(path, file);
    }
    await severalAtOnce(files, async ([path, wanted]) => {
      const here = local.get(path);
      if (isSameFile(here, wanted)) return;
      if (isHeld(path)) {
        if (!isSameFile(known.base.get(path), wanted)) behind.add(path);
        return;
      }
      await attempt(path, async () => {
        if (!await isUnchanged(root, path, here)) return false;
        const bytes = await download(wanted);
        const temporary = `.${randomBytes(8).toString("hex")}.tmp`;
        return await placeLocal(root, path, { ...wanted, bytes }, here, temporary);
      });
    });
    return { behind, seen, problem };
  }

  async function download({ blob, hash: expected, size }: StoredFile) {
    const found = await bucket.get(keyOf(blob), FOLDER_LIMITS.fileBytes);
    if (!found || found === "same") {
      throw new BucketError("away", "a file of the workspace has just been replaced elsewhere");
    }
    if (found.bytes.length !== size || hash("sha256", found.bytes) !== expected) {
      throw new BucketError("damaged", "a file of the workspace is damaged in the file store");
    }
    return found.bytes;
  }

  /** A path that is behind keeps its old base, so that the next run tries it again. */
  async function remember(
    known: FolderRecord,
    manifest: StoredFolder,
    behind: ReadonlySet<string>,
    seen: FolderRecord["seen"],
  ): Promise<void> {
    const base = new Map(manifest.files);
    for (const path of behind) {
      const old = known.base.get(path);
      if (old) base.set(path, old);
      else base.delete(path);
    }
    const mark = behind.size === 0 ? manifest.mark : undefined;
    const isNew = mark === undefined || mark !== known.mark || known.seen.size !== seen.size;
    record = { mark, base, seen };
    if (!isNew) return;
    await mkdir(dirname(recordFile), { recursive: true, mode: 0o700 });
    await writeRecord(recordFile, place, record);
  }

  return {
    sync() {
      return waiting ??= inTurn(() => {
        waiting = undefined;
        return run();
      });
    },
    sweep: () =>
      inTurn(async () => {
        const old: string[] = [];
        for await (const page of bucket.list(`${start}blobs/`, SWEEP_PAGES)) {
          const aged = page.filter(({ changedAt }) => changedAt < now() - UNUSED_MS);
          old.push(...aged.map(({ key }) => key));
        }
        if (old.length === 0) return;
        const { files, mark } = await readManifestNow(NO_RECORD); // after the list
        if (mark === undefined) return; // the next synchronisation writes it anew
        const used = new Set(Array.from(files.values(), ({ blob }) => keyOf(blob)));
        for (const key of old) if (!used.has(key)) await bucket.remove(key);
      }),
    change: inTurn,
  };
}
