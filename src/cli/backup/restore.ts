/**
 * `barnacle restore`: installs a backup in a data directory, on this machine or on another one.
 *
 * Everything is prepared in a folder of the directory, and checked. Only then it replaces the old
 * data, which stay beside it (`host/files/staged_data.ts`).
 */

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { basename, extname, join, resolve } from "node:path";
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
import { replaceFile } from "../../host/files/write_file.ts";
import type { CrashPoints } from "../../host/process/crash_points.ts";
import { jsonLine } from "../../lib/text/json.ts";
import { printable } from "../../lib/text/quoted.ts";
import { type EndedWork, endOpenWork } from "../../store/copy/restored.ts";
import { forgottenIn, joinedForgotten } from "../../store/forget/forgotten_ids.ts";
import { createMediaFolder } from "../../media/folder.ts";
import { openStore } from "../../store/store.ts";
import type { CommonFlags } from "../shared/command.ts";
import { EXIT, type ExitCode, StartError } from "../shared/exit_code.ts";
import { findConfig } from "../shared/read_config.ts";
import { lockForCommand, reportRefusedRecord } from "../shared/store_access.ts";
import { withData } from "../shared/with_store.ts";
import type { Io } from "../terminal/io.ts";
import { CONFIG_FOLDER, type Manifest, STORE_PATH, WORKSPACES_FOLDER } from "./manifest.ts";
import { type AskHidden, knownPassphrase, type PassphraseFlags } from "./passphrase.ts";
import { unpackBackup } from "./read_backup.ts";
import { manifestLine, secretLines } from "./report.ts";
import { assertRoom } from "./room.ts";
import { checkStore } from "./verify.ts";

/** Options of `restore`. */
export interface RestoreFlags extends CommonFlags, PassphraseFlags {
  /** Whether to replace existing data. */
  readonly force: boolean;
}

/** Name of the backup's config in the data directory, if it cannot go to its place. */
const CONFIG_COPY = "config.restored";

/** A finished restore. */
interface RestoredBackup {
  readonly manifest: Manifest;
  readonly ended: EndedWork;
  /** Number of people who were forgotten after the backup, and now again. */
  readonly forgotten: number;
  /** Path of the folder with the old data. */
  readonly old?: string;
  readonly config?: { readonly path: string; readonly isNew: boolean };
}

/** Restores a backup, and prints what the operator must do next. */
export function restore(
  flags: RestoreFlags,
  file: string,
  io: Io,
  ask: AskHidden | undefined,
  crash: CrashPoints,
): Promise<ExitCode> {
  return withData(flags, io, async ({ dataDir }) => {
    const path = resolve(io.cwd, file);
    if (!existsSync(path)) throw new StartError(`there is no file ${printable(path)}`, EXIT.usage);
    prepareDataDir(dataDir);
    const lock = await lockForCommand(dataDir);
    if (lock.kind === "taken") {
      const pid = lock.heldBy ? ` (pid ${lock.heldBy.pid})` : "";
      throw new StartError(
        `a bot${pid} runs with the data in ${dataDir}; stop it first, then restore`,
        EXIT.tryAgain,
      );
    }
    try {
      if (isUnfinished(dataDir)) {
        finishReplacing(dataDir);
        io.err("Finished an earlier restore, which had been interrupted.");
      }
      const content = contentOf(dataDir);
      const first = content.includes(DATABASE_NAME) ? DATABASE_NAME : content[0];
      if (first !== undefined && !flags.force) {
        throw new StartError(
          `${dataDir} has data already (${first}); --force replaces them, and keeps the old ones ` +
            "beside the new ones",
          EXIT.failed,
        );
      }
      const restored = await io.during(
        "Restoring",
        install({ path, dataDir, flags, io, ask, crash }),
      );
      report(restored, dataDir, flags, io);
      return EXIT.done;
    } finally {
      lock.release();
    }
  });
}

async function install({ path, dataDir, flags, io, ask, crash }: {
  readonly path: string;
  readonly dataDir: string;
  readonly flags: RestoreFlags;
  readonly io: Io;
  readonly ask: AskHidden | undefined;
  readonly crash: CrashPoints;
}): Promise<RestoredBackup> {
  const folder = join(dataDir, PREPARING_NAME);
  rmSync(folder, { recursive: true, force: true }); // of a process that died
  mkdirSync(join(folder, NEW_NAME), { recursive: true, mode: 0o700 });
  try {
    const manifest = await unpackBackup(path, () => knownPassphrase(flags, ask), {
      folder,
      isWanted: () => true,
      onManifest: ({ bytes }) => assertRoom(folder, bytes),
      assertRoom: () => assertRoom(folder, 0),
    });
    crash.at("unpacked");
    const store = join(folder, STORE_PATH);
    checkStore(store, path);
    const forgotten = await forgetAgain(dataDir, join(folder, NEW_NAME), manifest);
    const ended = prepareStore(store, manifest);
    moveWorkspaces(folder);
    const config = placeConfig(folder, manifest, flags, io);
    crash.at("prepared");
    const stamp = new Date().toISOString().replace(/\.\d+/, "").replaceAll(":", "-");
    const replaced = replaceData(
      dataDir,
      stamp,
      (at, text) => writeFileSync(at, text, { mode: 0o600, flush: true }),
      () => crash.at("moved"),
    );
    return { manifest, ended, forgotten, old: replaced?.old, config };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Forgets the people who were forgotten after the backup, here or on the machine that made it. */
async function forgetAgain(
  dataDir: string,
  prepared: string,
  { createdAt }: Manifest,
): Promise<number> {
  const list = join(prepared, FORGOTTEN_NAME);
  const joined = joinedForgotten([list, join(dataDir, FORGOTTEN_NAME)]);
  if (joined === "") return 0;
  writeFileSync(list, joined, { mode: 0o600, flush: true });
  const path = join(prepared, DATABASE_NAME);
  const people = forgottenIn(path, list, createdAt);
  if (people.length === 0) return 0;
  const store = openStore(path, {
    now: Date.now(),
    elapsed: () => performance.now(),
    onRefused: reportRefusedRecord,
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
  return people.length;
}

/** Brings the store to this Barnacle's schema, and ends all work that was under way. */
function prepareStore(path: string, { createdAt }: Manifest): EndedWork {
  const now = Date.now();
  openStore(path, { now, elapsed: () => performance.now(), onRefused: reportRefusedRecord })
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

/** Writes the config to its place if there is none; else beside the store. */
function placeConfig(
  folder: string,
  { config }: Manifest,
  flags: RestoreFlags,
  io: Io,
): RestoredBackup["config"] {
  if (!config) return undefined;
  const file = join(folder, CONFIG_FOLDER, basename(config.name));
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, "utf8");
  const found = findConfig(flags.config, io.env);
  const target = flags.config !== undefined
    ? resolve(io.cwd, flags.config)
    : io.env["BARNACLE_CONFIG"] || join(homedir(), ".config", "barnacle", basename(config.name));
  if (!("file" in found) && !existsSync(target)) {
    replaceFile({ path: target, text, expected: undefined });
    return { path: target, isNew: true };
  }
  const path = "file" in found ? found.file : target;
  if (readFileSync(path, "utf8") === text) return { path, isNew: false };
  const name = `${CONFIG_COPY}${extname(config.name)}`;
  renameSync(file, join(folder, NEW_NAME, name));
  return { path: name, isNew: false };
}

function report(
  { manifest, ended, forgotten, old, config }: RestoredBackup,
  dataDir: string,
  { json }: RestoreFlags,
  io: Io,
): void {
  if (json) {
    io.out(jsonLine({ dataDir, manifest, ended, forgotten, old, config: config?.path }));
    return;
  }
  io.out(`Restored to ${dataDir}`);
  io.err(manifestLine(manifest));
  io.err(
    `Ended: ${ended.turns} open turns, ${ended.questions} questions. Unsent messages: ` +
      `${ended.looked} to look for in their channels, ${ended.held} held (\`barnacle outbox\`)`,
  );
  if (forgotten > 0) io.err(`Forgot ${forgotten} people again, who were forgotten since then`);
  if (old !== undefined) io.err(`The old data are in ${old}`);
  if (config?.isNew) io.err(`The config is in ${config.path}`);
  else if (config?.path.startsWith(CONFIG_COPY)) {
    io.err(`A config exists, and stays; that of the backup is ${join(dataDir, config.path)}`);
  }
  for (const [agent, path] of Object.entries(manifest.workspaces)) {
    io.err(
      printable(
        `The workspace of ${agent} is in ${join(dataDir, WORKSPACES_FOLDER, agent)}; ` +
          `the config names ${path}`,
      ),
    );
  }
  for (const line of secretLines(manifest)) io.err(line);
}
