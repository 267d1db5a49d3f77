/** Folders of several processes, over one store. */

import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createBucket } from "../../src/files/bucket.ts";
import {
  createSyncedFolder,
  type SyncedFolder,
  type SyncedFolderOptions,
} from "../../src/files/synced_folder.ts";
import { schedule } from "../../src/lib/clock.ts";
import { S3_BUCKET, S3_KEYS, type S3Server } from "../support/files/s3_server.ts";

export const MANIFEST = "bot/agents/main/manifest.json";

/** A bucket whose pauses take no time. @param limitMs Milliseconds for an answer. */
export function bucketAt(
  { endpoint }: Pick<S3Server, "endpoint">,
  over: Partial<Parameters<typeof createBucket>[0]> = {},
  limitMs = 30_000,
) {
  const soon: typeof schedule = (run, ms) => schedule(run, ms >= 10_000 ? limitMs : 0);
  return createBucket(
    { bucket: S3_BUCKET, prefix: "bot/", endpoint, ...S3_KEYS, ...over },
    { fetch, now: () => Date.now(), schedule: soon },
  );
}

/** A process with a working copy. */
export interface Machine {
  readonly root: string;
  folder: SyncedFolder;
  isBusy: boolean;
  /** Starts it again: its memory is lost. */
  restart(): void;
  write(path: string, text: string): void;
  read(path: string): string | undefined;
  remove(path: string): void;
  /** All files, by their paths. */
  files(): Readonly<Record<string, string>>;
}

export function machineAt(
  s3: S3Server,
  home: string,
  over: Partial<SyncedFolderOptions> = {},
): Machine {
  const root = join(home, "main");
  const create = () =>
    createSyncedFolder({
      bucket: bucketAt(s3),
      start: "agents/main/",
      root,
      record: join(home, "records", "main.json"),
      place: "a test",
      isBusy: () => machine.isBusy,
      now: () => Date.now(),
      ...over,
    });
  const machine: Machine = {
    root,
    folder: create(),
    isBusy: false,
    restart: () => void (machine.folder = create()),
    write(path, text) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    },
    read: (path) => machine.files()[path],
    remove(path) {
      const place = join(root, path);
      if (lstatOf(place)) rmSync(place, { recursive: true });
    },
    files: () => Object.fromEntries(filesBelow(root, "")),
  };
  return machine;
}

/** `undefined` too if a folder of the path is a file. */
function lstatOf(path: string) {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

function filesBelow(folder: string, path: string): (readonly [string, string])[] {
  if (!lstatOf(folder)?.isDirectory()) return [];
  return readdirSync(folder).sort().flatMap((name) => {
    const [inner, file] = [path === "" ? name : `${path}/${name}`, join(folder, name)];
    const about = lstatSync(file);
    if (about.isDirectory()) return filesBelow(file, inner);
    return about.isFile() ? [[inner, readFileSync(file, "utf8")] as const] : [];
  });
}
