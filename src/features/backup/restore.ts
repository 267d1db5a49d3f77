/**
 * `barnacle restore`: installs a backup in a data directory, on this machine or on another one.
 *
 * Everything is prepared in a folder of the directory, and checked. Only then renames put it in the
 * place of the old data, which stay beside it.
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
import { type FileHandle, open } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import process from "node:process";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { unpackTar } from "modern-tar/fs";
import { z } from "zod";
import {
  DATA_ITEMS,
  DATABASE_NAME,
  FORGOTTEN_NAME,
  MEDIA_NAME,
  oldContentName,
  prepareDataDir,
} from "../../host/files/data_dir.ts";
import { replaceFile, syncFolder, WriteError } from "../../host/files/write_file.ts";
import { codeOf } from "../../lib/errors.ts";
import { parseForeignJson, printable } from "../../lib/text/quoted.ts";
import { countText, timeText } from "../../lib/text/units.ts";
import { createMediaFolder } from "../../media/folder.ts";
import { checkCopy, type EndedWork, endOpenWork } from "../../store/copy/copy.ts";
import { StoreError } from "../../store/database/database_files.ts";
import { forgottenIn, joinedForgotten } from "../../store/forget/forget.ts";
import { openStore } from "../../store/store.ts";
import { openConfig } from "../../cli/config/write.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import { whyUnreadable } from "../../cli/shared/read_config.ts";
import { lockOfStopped } from "../../cli/shared/running_bot.ts";
import { SERVICE_CONFIG, SERVICE_DATA } from "../../cli/shared/find_data.ts";
import { reportingErrors } from "../../cli/shared/start_error.ts";
import { dataDirOf, isDataNamed } from "../../cli/shared/store_access.ts";
import { withData } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { serviceOffer } from "../service/install.ts";
import { openMachine } from "../service/machine.ts";
import { FACTS_NAME, FOLDERS } from "./backup.ts";

export interface RestoreFlags extends CommonFlags {
  /** Whether to replace existing data. */
  readonly force: boolean;
}

const factsSchema = z.object({
  barnacle: z.string(), // the version that made the backup
  createdAt: z.int().nonnegative().max(8.64e15), // Unix time in milliseconds
});

/** Restores a backup, and prints what the operator must do next. */
export function restore(flags: RestoreFlags, file: string, io: Io): Promise<ExitCode> {
  return reportingErrors(io, async () => {
    const path = resolve(io.cwd, file);
    // Before root gives up its rights: the owner of the data may not be able to read the file.
    const from = await openFile(path);
    try {
      // A search would find the directory of a running bot, perhaps of another user.
      const data = flags.data ?? await serviceData(io) ?? dataDirOf(undefined, io);
      return await withData({ data }, io, async ({ dataDir }) => {
        prepareDataDir(dataDir);
        const lock = await lockOfStopped(dataDir);
        try {
          assertFree(dataDir, flags.force);
          const work = install(from, path, dataDir, configPlace(flags.config, dataDir, io));
          const { lines, ...facts } = await io.during("Restoring", work);
          if (flags.json) io.out(JSON.stringify({ dataDir, ...facts }));
          else io.out(`Restored to ${dataDir}`);
          for (const line of [...lines, nextLine(dataDir)]) io.err(line);
          return EXIT.done;
        } finally {
          lock.release();
        }
      });
    } finally {
      await from.close();
    }
  });
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    const file = await open(path);
    if ((await file.stat()).isFile()) return file;
    await file.close();
  } catch (cause) {
    const why = `cannot read ${printable(path)}: ${whyUnreadable(cause)}`;
    throw new StartError(why, EXIT.usage, cause);
  }
  throw new StartError(`${printable(path)} is no file; name the backup in it`, EXIT.usage);
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
    const offer = await serviceOffer(openMachine(io.env));
    if (offer?.target !== "systemd") return undefined;
  }
  io.err(`Using ${SERVICE_DATA}, the data of the service; --data names another`);
  return SERVICE_DATA;
}

const DATABASE_FILES = ["-wal", "-shm", "-journal"].map((end) => `${DATABASE_NAME}${end}`);

/** The files and folders that a restore would replace; the list of forgotten people stays. */
function contentOf(dataDir: string): readonly string[] {
  return [...DATABASE_FILES, ...DATA_ITEMS].filter((name) => {
    const path = join(dataDir, name);
    if (name === FORGOTTEN_NAME || !existsSync(path)) return false;
    return name.includes(".") || readdirSync(path).length > 0;
  });
}

function assertFree(dataDir: string, isForced: boolean): void {
  const content = contentOf(dataDir);
  const first = content.includes(DATABASE_NAME) ? DATABASE_NAME : content[0];
  if (first === undefined || isForced) return;
  throw new StartError(
    `${dataDir} has data already (${first}); --force replaces them, and keeps the old ones beside ` +
      "the new ones",
    EXIT.failed,
  );
}

/** Chooses where a bot with this data directory reads its config. */
export function configPlace(
  flag: string | undefined,
  dataDir: string,
  { env, cwd }: { readonly env: Io["env"]; readonly cwd: Io["cwd"] },
): string {
  const named = flag ?? (env["BARNACLE_CONFIG"] || undefined);
  if (named !== undefined) return resolve(cwd, named);
  if (dataDir === SERVICE_DATA) return SERVICE_CONFIG;
  const opened = openConfig(undefined, env);
  const file = opened.kind === "opened" ? opened.file : opened.problem.file;
  return resolve(cwd, file ?? "config.jsonc");
}

async function install(from: FileHandle, path: string, dataDir: string, place: string) {
  const folder = join(dataDir, "restore.part");
  const prepared = join(folder, FOLDERS.data);
  rmSync(folder, { recursive: true, force: true }); // of a process that died
  mkdirSync(prepared, { recursive: true, mode: 0o700 });
  try {
    const facts = await unpack(from, path, folder);
    const store = join(prepared, DATABASE_NAME);
    checkStore(store, path);
    const forgotten = await forgetAgain(dataDir, prepared, store, facts.createdAt);
    const ended = prepareStore(store, facts.createdAt);
    const workspaces = join(folder, FOLDERS.workspaces);
    const agents = existsSync(workspaces) ? readdirSync(workspaces) : [];
    // Their old place may not exist here.
    if (agents.length > 0) renameSync(workspaces, join(prepared, FOLDERS.workspaces));
    const config = placeConfig(join(folder, FOLDERS.config), place, prepared);
    const old = replaceData(dataDir, prepared);
    const lines = [
      printable(`Made ${timeText(facts.createdAt)} by Barnacle ${facts.barnacle}`),
      ...endedLines(ended),
      ...(forgotten === 0 ? [] : [
        `Forgot ${
          countText(forgotten, "person", "people")
        } again, who asked for it after the backup`,
      ]),
      ...(old === undefined ? [] : [`The old data are in ${old}`]),
      config,
      ...agents.map((agent) =>
        `The workspace of ${agent} is in ${
          join(dataDir, FOLDERS.workspaces, agent)
        }; move it to the ` +
        "path in the config"
      ),
    ];
    return { ...facts, ended, forgotten, old, lines };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Moves the old data away, and the new ones in. @returns The folder with the old ones, if any. */
function replaceData(dataDir: string, prepared: string): string | undefined {
  const stamp = new Date().toISOString().replace(/\.\d+/, "").replaceAll(":", "-");
  const old = join(dataDir, oldContentName(stamp));
  const brought = readdirSync(prepared); // it may have more, such as workspaces
  for (const name of new Set([...DATABASE_FILES, ...DATA_ITEMS, ...brought])) {
    if (!existsSync(join(dataDir, name))) continue;
    mkdirSync(old, { recursive: true, mode: 0o700 });
    renameSync(join(dataDir, name), join(old, name));
  }
  for (const name of brought) renameSync(join(prepared, name), join(dataDir, name));
  syncFolder(dataDir);
  return existsSync(old) ? old : undefined;
}

/** Unpacks the files that a backup has; another name could replace the backups or the lock. */
async function unpack(from: FileHandle, path: string, folder: string) {
  const isWanted = (name: string) => {
    const [top, item] = name.split("/");
    return name === FACTS_NAME || top === FOLDERS.config || top === FOLDERS.workspaces ||
      top === FOLDERS.data && DATA_ITEMS.some((one) => one === item);
  };
  const refuse = (why: string, cause?: unknown) =>
    new StartError(`${printable(path)} ${why}`, EXIT.failed, cause);
  try {
    await pipeline(
      from.createReadStream({ autoClose: false, start: 0 }),
      createGunzip(),
      unpackTar(folder, {
        filter: ({ name, type }) => type !== "symlink" && isWanted(name),
        map: (header) => ({ ...header, mode: ((header.mode ?? 0) & 0o100) | 0o600 }),
        dmode: 0o700,
        strict: true,
      }),
    );
  } catch (cause) {
    const code = codeOf(cause) ?? "";
    if (["ENOSPC", "EDQUOT", "EFBIG"].includes(code)) {
      throw new StartError(`the disk is full (${code}); nothing was changed`, EXIT.io, cause);
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw refuse(`is no backup, or damaged (${printable(reason)}); use another copy of it`, cause);
  }
  const facts = join(folder, FACTS_NAME);
  const found = existsSync(facts) ? parseForeignJson(readFileSync(facts, "utf8")) : undefined;
  const { data } = factsSchema.safeParse(found);
  if (!data) throw refuse("is no backup of Barnacle");
  return data;
}

/** @throws {StartError} Which names the backup, not the temporary file. */
function checkStore(store: string, path: string): void {
  try {
    if (existsSync(store)) return checkCopy(store);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const why = error.kind === "newer"
      ? "a newer Barnacle made it: its store has a newer schema. Use that version"
      : `its store is damaged. Use another backup`;
    throw new StartError(`${printable(path)} cannot be used: ${why}`, EXIT.failed, error);
  }
  throw new StartError(`${printable(path)} cannot be used: it has no store`, EXIT.failed);
}

/** Forgets the people who were forgotten after the backup, here or on the machine that made it. */
async function forgetAgain(
  dataDir: string,
  prepared: string,
  path: string,
  createdAt: number,
): Promise<number> {
  const list = join(prepared, FORGOTTEN_NAME);
  const joined = joinedForgotten([list, join(dataDir, FORGOTTEN_NAME)]);
  if (joined === "") return 0;
  writeFileSync(list, joined, { mode: 0o600, flush: true });
  const people = forgottenIn(path, list, createdAt);
  if (people.length === 0) return 0;
  const store = openStore(path, { now: Date.now(), elapsed: () => performance.now() });
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
function prepareStore(path: string, createdAt: number): EndedWork {
  const now = Date.now();
  openStore(path, { now, elapsed: () => performance.now() }).close();
  const ended = endOpenWork(path, createdAt, now);
  const folder = join(path, "..");
  for (const name of readdirSync(folder)) {
    // The backup itself is the copy from before the update.
    if (name.startsWith(DATABASE_NAME) && name.endsWith(".bak")) rmSync(join(folder, name));
  }
  return ended;
}

/**
 * Writes the config to its place if there is none; else into the folder that becomes the data
 * directory.
 *
 * @param from Folder of the backup with the config.
 * @returns A sentence about it.
 */
function placeConfig(from: string, place: string, prepared: string): string {
  const name = existsSync(from) ? readdirSync(from)[0] : undefined;
  if (name === undefined) return "The backup has no config";
  const text = readFileSync(join(from, name), "utf8");
  let why = "exists, and stays";
  if (!existsSync(place)) {
    try {
      replaceFile({ path: place, text, expected: undefined });
      return `The config is in ${place}`;
    } catch (error) {
      const cause = error instanceof WriteError ? error.cause : error;
      why = `cannot be written (${codeOf(cause) ?? "unknown reason"})`;
    }
  }
  const copy = `config.restored${extname(name)}`;
  writeFileSync(join(prepared, copy), text, { mode: 0o600 });
  return `The config ${place} ${why}; that of the backup is ${copy} in the data directory`;
}

/** Only what there was. */
function endedLines({ turns, questions, events, looked, held }: EndedWork): readonly string[] {
  const ended = [
    ...(turns === 0 ? [] : [countText(turns, "open turn")]),
    ...(questions === 0 ? [] : [countText(questions, "question")]),
    ...(events === 0 ? [] : [countText(events, "event of hooks", "events of hooks")]),
  ];
  const unsent = [
    ...(looked === 0 ? [] : [`${looked} to look for in their channels`]),
    ...(held === 0 ? [] : [`${held} held (\`barnacle outbox\`)`]),
  ];
  return [
    ...(ended.length === 0 ? [] : [`Ended: ${ended.join(", ")}`]),
    ...(unsent.length === 0 ? [] : [`Unsent messages: ${unsent.join(", ")}`]),
  ];
}

function nextLine(dataDir: string): string {
  const start = dataDir === SERVICE_DATA
    ? "`sudo barnacle service install`"
    : "`barnacle run`, or `barnacle service install`";
  return "Next: set the token and the other secrets again, which no backup has (`barnacle config " +
    `check\` names them), and start the bot: ${start}`;
}
