/**
 * `barnacle backup`: copies the store, the config and the workspaces into one archive, also while the
 * bot runs.
 *
 * The copy is made by this process, not by the bot. The archive has no secret: those of the config are
 * blanked, and logins of MCP servers are left out. It follows no link.
 */

import { createWriteStream, existsSync, mkdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { readdir, rename, statfs } from "node:fs/promises";
import { constants, setPriority } from "node:os";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import process from "node:process";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { packTar, type TarSource } from "modern-tar/fs";
import { filesWithSecrets } from "../../bot/mcp/ports.ts";
import type { LoadedConfig } from "../../config/load.ts";
import { secretPathsIn } from "../../config/schema/parts/key.ts";
import { isReference } from "../../config/schema/parts/secrets.ts";
import { configSchema } from "../../config/schema/root.ts";
import { setAt, valueAt } from "../../config/text/edit.ts";
import { BACKUPS_NAME, DATA_ITEMS, DATABASE_NAME, OWN_LOGINS } from "../../host/files/data_dir.ts";
import { removeDeadFiles, syncFolder } from "../../host/files/write_file.ts";
import { codeOf } from "../../lib/errors.ts";
import { printable } from "../../lib/text/quoted.ts";
import { sizeOf } from "../../lib/text/units.ts";
import { copyDatabase } from "../../store/copy/copy.ts";
import { VERSION } from "../../version.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import { configFlag, dataProblem } from "../../cli/shared/find_data.ts";
import { readConfigLeniently } from "../../cli/shared/read_config.ts";
import { toStartError } from "../../cli/shared/start_error.ts";
import { openForCommand } from "../../cli/shared/store_access.ts";
import { withData } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { workspaceOf } from "../../workspace/workspace.ts";

export interface BackupFlags extends CommonFlags {
  /** Path of the new file, or of a folder for it. */
  readonly to?: string;
}

/** Ending of the file's name. */
export const ENDING = ".tar.gz";

/** The first entry, with the time of the copy. */
export const FACTS_NAME = "backup.json";
/** The top folders of an archive; workspaces are those outside of the data directory, by agent. */
export const FOLDERS = { data: "data", config: "config", workspaces: "workspaces" } as const;

/** Bytes that stay free for the bot's own work. */
const RESERVE_BYTES = 64 * 1_024 * 1_024;

/** Makes a backup, and prints its path. */
export function backup(flags: BackupFlags, io: Io): Promise<ExitCode> {
  return withData(flags, io, async (place) => {
    if (place.state !== "store") throw dataProblem(place);
    const { dataDir } = place;
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL); // replies go first
    const loaded = await readConfigLeniently(configFlag(flags.config, place, io), io.env);
    const path = targetOf(flags.to, dataDir, loaded, io);
    const at = Date.now();
    try {
      await io.during("Copying", makeBackup(dataDir, loaded, path, at, io));
    } catch (cause) {
      const code = codeOf(cause);
      const isOfDisk = ["ENOSPC", "EDQUOT", "EFBIG", "EACCES", "EPERM", "EROFS", "ENOENT"];
      if (cause instanceof StartError || code === undefined || !isOfDisk.includes(code)) {
        throw cause;
      }
      const folder = printable(dirname(path));
      const why = `cannot write into ${folder} (${code}); no backup was made`;
      throw new StartError(why, EXIT.io, cause);
    }
    const { size } = statSync(path);
    await record(path, size, at, dataDir, io);
    io.out(flags.json ? JSON.stringify({ path, size }) : path);
    io.err(
      `${sizeOf(size)}. Not in it: secrets, log files, older backups, and folders of ` +
        "`skills.folders`",
    );
    return EXIT.done;
  });
}

/** The path of the new file. An existing file is never replaced. */
function targetOf(
  to: string | undefined,
  dataDir: string,
  loaded: Awaited<ReturnType<typeof readConfigLeniently>>,
  { cwd }: Io,
): string {
  const own = join(dataDir, BACKUPS_NAME);
  const configured = loaded.kind === "refused" ? undefined : loaded.config.backup.folder;
  const named = to === undefined ? resolve(dataDir, configured ?? own) : resolve(cwd, to);
  if ([named, dirname(named)].includes(own)) mkdirSync(own, { recursive: true, mode: 0o700 });
  const isFolder = statSync(named, { throwIfNoEntry: false })?.isDirectory();
  const stamp = new Date().toISOString().replaceAll(":", "-").replace(".", "-");
  const path = isFolder ? join(named, `barnacle-${stamp}${ENDING}`) : named;
  // A disk that is not mounted: a file of its name would hide below the next mount.
  const folder = extname(named) === "" ? named : dirname(named);
  if (!isFolder && !existsSync(folder)) {
    throw new StartError(
      `there is no folder ${printable(folder)}; create it, or mount its disk, or name a new file ` +
        `that ends with ${ENDING}`,
      EXIT.usage,
    );
  }
  if (!existsSync(path)) return path;
  throw new StartError(`${printable(path)} exists already; choose another name`, EXIT.usage);
}

/** Names of unfinished files, with the number of the process; SQLite adds the ending of its journal. */
const UNFINISHED = /^\..+-(\d+)\.part(?:-journal)?$/;

async function makeBackup(
  dataDir: string,
  loaded: Awaited<ReturnType<typeof readConfigLeniently>>,
  path: string,
  at: number,
  io: Io,
): Promise<void> {
  const folder = dirname(path);
  removeDeadFiles(folder, UNFINISHED);
  const database = join(dataDir, DATABASE_NAME);
  const copy = join(folder, `.copy-${process.pid}.part`);
  const part = join(folder, `.${basename(path)}-${process.pid}.part`);
  try {
    // Twice: the copy, and the archive of it.
    await assertRoom(folder, 2 * statSync(database).size);
    copyDatabase(database, copy);
    const facts = JSON.stringify({ barnacle: VERSION, createdAt: at });
    const sources: TarSource[] = [
      { type: "content", target: FACTS_NAME, content: facts, mode: 0o600 },
      { type: "file", target: `${FOLDERS.data}/${DATABASE_NAME}`, source: copy, mode: 0o600 },
      ...await filesOf(dataDir, loaded, io),
    ];
    await pipeline(
      packTar(sources, { map: (header) => ({ ...header, uid: 0, gid: 0 }) }),
      createGzip({ level: 1 }),
      createWriteStream(part, { flags: "wx", mode: 0o600, flush: true }),
    );
    await rename(part, path);
    syncFolder(folder);
  } finally {
    rmSync(copy, { force: true });
    rmSync(part, { force: true });
  }
}

async function assertRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const [free, needed] = [bavail * bsize, bytes + RESERVE_BYTES];
  if (free >= needed) return;
  throw new StartError(
    `too little room in ${folder}: ${sizeOf(needed)} are needed, and ${sizeOf(free)} are free; ` +
      "no backup was made",
    EXIT.io,
  );
}

/** The files beside the store. */
async function filesOf(
  dataDir: string,
  loaded: Awaited<ReturnType<typeof readConfigLeniently>>,
  io: Io,
): Promise<readonly TarSource[]> {
  const sources: TarSource[] = [];
  for (const name of DATA_ITEMS.filter((name) => name !== DATABASE_NAME)) {
    sources.push(...await treeOf(join(dataDir, name), `${FOLDERS.data}/${name}`));
  }
  if (loaded.kind === "refused") {
    io.problem("the config has errors, so the backup has no config (`barnacle config check`)");
    return sources;
  }
  const { config } = loaded;
  for (const agent of config.agentList) {
    const path = workspaceOf(config, agent, dataDir);
    if (agent.workspace === undefined || !existsSync(path)) continue;
    const root = realpathSync(path); // the owner's own link
    // Files of Barnacle that a workspace may surround, such as the config with its secrets.
    const own = [dataDir, ...filesWithSecrets(config)].filter(existsSync)
      .map((one) => realpathSync(one));
    sources.push(...await treeOf(root, `${FOLDERS.workspaces}/${agent.id}`, own));
  }
  const written = configFile(loaded);
  if (written) sources.push(written);
  else io.problem("no config was found, so the backup has none; --config names it");
  return sources;
}

/** All regular files below a path, but logins. */
async function treeOf(
  root: string,
  target: string,
  left: readonly string[] = [],
): Promise<readonly TarSource[]> {
  const stats = statSync(root, { throwIfNoEntry: false });
  if (stats === undefined) return [];
  if (stats.isFile()) return [{ type: "file", source: root, target }];
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry): TarSource[] => {
    const source = join(entry.parentPath, entry.name);
    const isLeft = source.endsWith(".login.json") || source.includes(`${sep}${OWN_LOGINS}${sep}`) ||
      left.some((one) => source === one || source.startsWith(one + sep));
    const path = relative(root, source).replaceAll(sep, "/");
    return entry.isFile() && !isLeft ? [{ type: "file", source, target: `${target}/${path}` }] : [];
  }).toSorted((one, other) => one.target < other.target ? -1 : 1);
}

/** A secret that is left out. A start names its key, and says that the operator must write the value. */
const PLACEHOLDER = "REPLACE_ME";

function configFile({ config: { file }, text: blanked, written }: LoadedConfig) {
  if (file === undefined || blanked === undefined) return undefined;
  const content = secretPathsIn(written, configSchema).reduce((text, path) => {
    const value = valueAt(written, path);
    if (typeof value !== "string" || value.trim() === "" || isReference(value)) return text;
    const edited = setAt(text, path, PLACEHOLDER);
    return edited.kind === "edited" ? edited.text : text;
  }, blanked);
  const target = `${FOLDERS.config}/${basename(file)}`;
  return { type: "content", target, content, mode: 0o600 } as const;
}

/** Stores the result for `status`; a store that cannot take it does not make the backup worse. */
async function record(
  path: string,
  bytes: number,
  at: number,
  dataDir: string,
  io: Io,
): Promise<void> {
  try {
    const opened = await openForCommand(dataDir);
    if (!opened) return;
    try {
      const isElsewhere = dirname(path) !== join(dataDir, BACKUPS_NAME);
      await opened.store.settings.recordBackup({ kind: "made", at, path, bytes, isElsewhere });
    } finally {
      await opened.close();
    }
  } catch (error) {
    const { message } = toStartError(error);
    io.err(`The backup is whole, but \`barnacle status\` will not show it: ${message}`);
  }
}
