/**
 * `barnacle restore`: installs a backup in a data directory, on this machine or on another one.
 *
 * Everything is prepared in a folder of the directory, and checked. Only then it replaces the old
 * data, which stay beside it (`host/files/staged_data.ts`).
 */

import { printable } from "../../lib/text/quoted.ts";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import {
  DATABASE_NAME,
  FORGOTTEN_NAME,
  MEDIA_NAME,
  prepareDataDir,
} from "../../host/files/data_dir.ts";
import {
  contentOf,
  finishReplacing,
  isUnfinished,
  NEW_NAME,
  PREPARING_NAME,
  replaceData,
} from "../../host/files/staged_data.ts";
import type { CrashPoints } from "../../host/process/crash_points.ts";
import { type EndedWork, endOpenWork } from "../../store/copy/copy.ts";
import { forgottenIn, joinedForgotten } from "../../store/forget/forget.ts";
import { createMediaFolder } from "../../media/folder.ts";
import { openStore } from "../../store/store.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import { dataDirOf, isDataNamed } from "../../cli/shared/store_access.ts";
import { lockOfStopped } from "../../cli/shared/running_bot.ts";
import { serviceOffer } from "../service/exports.ts";
import { SERVICE_DATA } from "../../cli/shared/service_paths.ts";
import { reportingErrors } from "../../cli/shared/start_error.ts";
import { withData } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";
import {
  CONFIG_FOLDER,
  CREDENTIALS_FOLDER,
  type Manifest,
  STORE_PATH,
  WORKSPACES_FOLDER,
} from "./manifest.ts";
import { type AskHidden, knownPassphrase, type PassphraseFlags } from "./passphrase.ts";
import { type GetPassphrase, openBackup, unpackBackup } from "./read_backup.ts";
import { type RestoredBackup, restoredJson, restoredLines } from "./report.ts";
import {
  configPlace,
  placeConfig,
  placeCredentials,
  type PlacedConfig,
} from "./restored_config.ts";
import { assertRoom } from "./room.ts";
import { checkStore } from "./verify.ts";

export interface RestoreFlags extends CommonFlags, PassphraseFlags {
  /** Whether to replace existing data. */
  readonly force: boolean;
}

/** Restores a backup, and prints what the operator must do next. */
export function restore(
  flags: RestoreFlags,
  file: string,
  io: Io,
  ask: AskHidden | undefined,
  crash: CrashPoints,
): Promise<ExitCode> {
  return reportingErrors(io, async () => {
    const path = resolve(io.cwd, file);
    // Before root gives up its rights: the owner of the data may not be able to read these files.
    const from = await openBackup(path);
    try {
      const given = flags.passphraseFile === undefined
        ? undefined
        : await knownPassphrase(flags, ask);
      const passphrase = async () => given ?? await knownPassphrase(flags, ask);
      // A search would find the directory of a running bot, perhaps of another user.
      const data = flags.data ?? await serviceData(io) ?? dataDirOf(undefined, io);
      return await withData({ data }, io, async ({ dataDir }) => {
        const backup = { path, from, passphrase };
        const restored = await intoDirectory(
          dataDir,
          flags,
          io,
          () => io.during("Restoring", install({ ...backup, dataDir, flags, io, crash })),
        );
        if (flags.json) io.out(restoredJson(restored));
        else {
          io.out(`Restored to ${dataDir}`);
          for (const line of restoredLines(restored, flags)) io.err(line);
        }
        return EXIT.done;
      });
    } finally {
      await from.close().catch(() => {}); // closed already if it was read
    }
  });
}

/** Restores while no other process uses the directory. */
async function intoDirectory(
  dataDir: string,
  { force }: RestoreFlags,
  io: Io,
  work: () => Promise<RestoredBackup>,
): Promise<RestoredBackup> {
  prepareDataDir(dataDir);
  const lock = await lockOfStopped(dataDir, "restore");
  try {
    if (isUnfinished(dataDir)) {
      finishReplacing(dataDir);
      io.err("Finished an earlier restore, which had been interrupted.");
    }
    const content = contentOf(dataDir);
    const first = content.includes(DATABASE_NAME) ? DATABASE_NAME : content[0];
    if (first !== undefined && !force) {
      throw new StartError(
        `${dataDir} has data already (${first}); --force replaces them, and keeps the old ones ` +
          "beside the new ones",
        EXIT.failed,
      );
    }
    return await work();
  } finally {
    lock.release();
  }
}

/**
 * Root restores the machine's service, unless root names a directory or has a bot of its own.
 *
 * @returns `undefined` if the usual directory is meant.
 */
async function serviceData(io: Io): Promise<string | undefined> {
  if (isDataNamed(undefined, io) || process.geteuid?.() !== 0) return undefined;
  const hasStore = (dataDir: string) => existsSync(join(dataDir, DATABASE_NAME));
  if (hasStore(dataDirOf(undefined, io))) return undefined;
  if (!hasStore(SERVICE_DATA)) {
    const offer = await serviceOffer(io);
    const isMachines = "target" in offer &&
      (offer.target === "systemd" || offer.target === "openrc");
    if (!isMachines) return undefined;
  }
  io.err(`Using ${SERVICE_DATA}, the data of the service; --data names another`);
  return SERVICE_DATA;
}

async function install({ path, from, passphrase, dataDir, flags, io, crash }: {
  readonly path: string;
  readonly from: FileHandle;
  readonly passphrase: GetPassphrase;
  readonly dataDir: string;
  readonly flags: RestoreFlags;
  readonly io: Io;
  readonly crash: CrashPoints;
}): Promise<RestoredBackup> {
  const folder = join(dataDir, PREPARING_NAME);
  rmSync(folder, { recursive: true, force: true }); // of a process that died
  mkdirSync(join(folder, NEW_NAME), { recursive: true, mode: 0o700 });
  try {
    const unpacking = {
      folder,
      isWanted: () => true,
      onManifest: ({ bytes }: Manifest) => assertRoom(folder, bytes),
      assertRoom: () => assertRoom(folder, 0),
    };
    const manifest = await unpackBackup(path, passphrase, unpacking, from);
    crash.at("unpacked");
    const store = join(folder, STORE_PATH);
    checkStore(store, path);
    const forgotten = await forgetAgain(dataDir, join(folder, NEW_NAME), store, manifest);
    const ended = prepareStore(store, manifest);
    moveWorkspaces(folder);
    const place = configPlace(flags.config, dataDir, io);
    const config = placedConfig(folder, manifest, place);
    for (const lost of placeCredentials(join(folder, CREDENTIALS_FOLDER), place)) {
      io.problem(`cannot write the secret ${printable(lost)}; write it yourself`);
    }
    crash.at("prepared");
    const stamp = new Date().toISOString().replace(/\.\d+/, "").replaceAll(":", "-");
    const replaced = replaceData(
      dataDir,
      stamp,
      (at, text) => writeFileSync(at, text, { mode: 0o600, flush: true }),
      () => crash.at("moved"),
    );
    return { dataDir, manifest, ended, forgotten, old: replaced?.old, config };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Forgets the people who were forgotten after the backup, here or on the machine that made it. */
async function forgetAgain(
  dataDir: string,
  prepared: string,
  path: string,
  { createdAt }: Manifest,
): Promise<number> {
  const list = join(prepared, FORGOTTEN_NAME);
  const joined = joinedForgotten([list, join(dataDir, FORGOTTEN_NAME)]);
  if (joined === "") return 0;
  writeFileSync(list, joined, { mode: 0o600, flush: true });
  const people = forgottenIn(path, list, createdAt);
  if (people.length === 0) return 0;
  const store = openStore(path, {
    now: Date.now(),
    elapsed: () => performance.now(),
  });
  try {
    const media = createMediaFolder(join(prepared, MEDIA_NAME));
    for (const userId of people) {
      await store.forgetting.forget(userId, false);
      await media.forget(userId);
    }
    await store.forgetting.vacuum();
  } finally {
    store.close();
  }
  return new Set(people).size;
}

/** Brings the store to this Barnacle's schema, and ends all work that was under way. */
function prepareStore(path: string, { createdAt }: Manifest): EndedWork {
  const now = Date.now();
  openStore(path, { now, elapsed: () => performance.now() })
    .close();
  const ended = endOpenWork(path, createdAt, now);
  const folder = join(path, "..");
  for (const name of readdirSync(folder)) {
    // The backup itself is the copy from before the update.
    if (name.startsWith(DATABASE_NAME) && name.endsWith(".bak")) rmSync(join(folder, name));
  }
  return ended;
}

/** Workspaces from outside of the data directory come into it: their old place may not exist. */
function moveWorkspaces(folder: string): void {
  const workspaces = join(folder, WORKSPACES_FOLDER);
  if (!existsSync(workspaces)) return;
  replaceInside(workspaces, join(folder, NEW_NAME, WORKSPACES_FOLDER));
}

function replaceInside(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(join(to, ".."), { recursive: true, mode: 0o700 });
  renameSync(from, to);
}

function placedConfig(
  folder: string,
  { config }: Manifest,
  place: string,
): PlacedConfig | undefined {
  if (!config) return undefined;
  const from = join(folder, CONFIG_FOLDER, basename(config.name));
  return existsSync(from) ? placeConfig(from, place, join(folder, NEW_NAME)) : undefined;
}
