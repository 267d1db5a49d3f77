/**
 * Finds the data directory of a command that reads or changes the store beside the bot.
 *
 * The bot often runs as a service, with another directory than the user's own. A command that read
 * the user's own, empty directory would report that nothing waits. So, without a named directory,
 * the command takes the directory of the only running bot, or of the service.
 *
 * Any user of the machine can claim to be a bot. So a directory that was found, not named, must
 * belong to this user. Root also accepts one in a folder that only root can change.
 *
 * A command that root starts goes on as the directory's owner: a file that root creates beside the
 * store would keep the service from opening it.
 */

import process from "node:process";
import { accessSync, constants, existsSync, realpathSync, type Stats, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";
import { findTokenHolders } from "../../host/locks/lock.ts";
import { codeOf } from "../../lib/errors.ts";
import type { Io } from "../terminal/io.ts";
import { EXIT, StartError } from "./exit_code.ts";
import { findConfig } from "./read_config.ts";
import { isHeld } from "./running_bot.ts";
import { dataDirOf, isDataNamed } from "./store_access.ts";

export const SERVICE_CONFIG = "/etc/barnacle/config.jsonc";

export const SERVICE_DATA = "/var/lib/barnacle";

/** The log of a service of launchd, which has no journal. */
export function launchdLog(home: string): string {
  return join(home, "Library/Logs/barnacle.log");
}

/**
 * State of a data directory.
 *
 * - `store`: this user can read the store in it.
 * - `empty`: it has no store.
 * - `missing`: it does not exist.
 * - `hidden`: this user may not read it.
 * - `foreign`: another user controls it, so it counts only if this user names it.
 */
export type DataState = "store" | "empty" | "missing" | "hidden" | "foreign";

export interface DataPlace {
  /** Absolute path. */
  readonly dataDir: string;
  readonly state: DataState;
}

export interface DataChoice extends DataPlace {
  /** A line for stderr, if the user did not name the directory and it is not their own. */
  readonly note?: string;
  /** The config of the service whose data these are, unless the user names a config. */
  readonly config?: string;
}

/** Running bots, by the locks of their tokens, and the data directory of the service. */
const MACHINE: {
  readonly holders: typeof findTokenHolders;
  readonly serviceDir: string;
  readonly serviceConfig?: string;
} = { holders: findTokenHolders, serviceDir: SERVICE_DATA, serviceConfig: SERVICE_CONFIG };

/**
 * Finds the directory as {@link findData} does, names on stderr one that the user did not name, and
 * goes on as its owner if root started the command. Files that only root can read are read before.
 */
export async function useData(flag: string | undefined, io: Io): Promise<DataChoice> {
  const place = await findData(flag, io);
  if (place.note !== undefined) io.err(place.note);
  actAsOwner(place.dataDir);
  return place;
}

/** Gives up root's rights for those of the owner, unless the owner could not reach the directory. */
function actAsOwner(dataDir: string): void {
  const owner = process.geteuid?.() === 0 ? aboutDirectory(dataDir) : undefined;
  if (owner === undefined || owner.uid === 0) return;
  if (!isReachable(dirname(realpathSync(dataDir)), owner)) return;
  process.setgroups?.([owner.gid]); // Deno has no such call
  process.setgid?.(owner.gid);
  process.setuid?.(owner.uid);
}

/** Whether a user may enter a folder and each folder above it. */
function isReachable(
  folder: string,
  user: { readonly uid: number; readonly gid: number },
): boolean {
  const { mode, uid, gid } = statSync(folder);
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
  const parent = dirname(folder);
  return (mode & bit) !== 0 && (parent === folder || isReachable(parent, user));
}

/**
 * Finds the directory: the named one, or else that of the only running bot, the user's own, or the
 * service's.
 *
 * @param flag Value of `--data`.
 * @throws {StartError} If several bots run, and none with this user's own directory.
 */
export async function findData(
  flag: string | undefined,
  { env }: Pick<Io, "env">,
  ports: typeof MACHINE = MACHINE,
): Promise<DataChoice> {
  const place = await findPlace(flag, env, ports);
  return withConfig(place, env, ports);
}

async function findPlace(
  flag: string | undefined,
  env: Io["env"],
  { holders, serviceDir }: typeof MACHINE,
): Promise<DataChoice> {
  const dataDir = dataDirOf(flag, { env });
  const own: DataChoice = { dataDir, state: stateOf(dataDir) };
  if (isDataNamed(flag, { env }) || await isHeld(dataDir) === true) return own;
  const running = new Map<string, DataPlace & { readonly pid: number }>();
  for (const { dataDir, pid } of await holders()) {
    if (dataDir !== undefined && !running.has(dataDir)) {
      running.set(dataDir, { ...foundAt(dataDir), pid });
    }
  }
  // Any user can claim to be a bot, so bots of others must not hide the one of this user.
  const bots = [...running.values()];
  const readable = bots.filter(({ state }) => state === "store");
  if (readable.length > 1) {
    const choices = readable.map(({ dataDir }) => `--data ${dataDir}`).join(", ");
    throw new StartError(`several bots run on this machine; choose one: ${choices}`, EXIT.tryAgain);
  }
  const bot = readable[0] ?? (own.state === "store" ? undefined : bots[0]);
  if (bot) return noted(bot, `the running bot (pid ${bot.pid})`);
  const [other] = bots;
  if (other) {
    const uses = `the running bot (pid ${other.pid}) uses ${other.dataDir}`;
    return { ...own, note: `Using ${own.dataDir}, but ${uses}` };
  }
  const service = foundAt(serviceDir);
  const isService = own.state !== "store" &&
    (service.state === "store" || service.state === "hidden");
  return isService ? noted(service, "the service") : own;
}

/** Adds the service's config, if the directory is the service's. Its start reads no other one. */
function withConfig(
  place: DataChoice,
  env: Io["env"],
  { serviceDir, serviceConfig }: Omit<typeof MACHINE, "holders">,
): DataChoice {
  if (env["BARNACLE_CONFIG"] || !serviceConfig || !existsSync(serviceConfig)) return place;
  const isService = place.dataDir === serviceDir ||
    existsSync(serviceDir) && place.dataDir === realpathSync(serviceDir);
  return isService ? { ...place, config: serviceConfig } : place;
}

/**
 * The value of `--config` as {@link configFlag} says, for a command that reads the config before it
 * looks for data: then root still has the rights to read the service's secrets.
 */
export async function configBefore(
  { config, data }: { readonly config?: string; readonly data?: string },
  io: Io,
): Promise<string | undefined> {
  if (config !== undefined) return config;
  const place = await findData(data, io).catch(() => undefined); // the later search says why
  return place && configFlag(undefined, place, io);
}

/**
 * The value of `--config` for a command that works on a bot's data: the config of the service whose
 * data these are, and not one that happens to be in this folder.
 */
export function configFlag(
  flag: string | undefined,
  { config }: Pick<DataChoice, "config">,
  io: Io,
): string | undefined {
  if (flag !== undefined || config === undefined) return flag;
  const found = findConfig(undefined, io.env);
  const other = "file" in found && found.file !== config ? `, not ${found.file}` : "";
  if (other !== "") {
    io.err(`Reading the service's config ${config}${other}; --config names another`);
  }
  return config;
}

function noted({ dataDir, state }: DataPlace, owner: string): DataChoice {
  return { dataDir, state, note: `Using ${dataDir}, the data of ${owner}; --data names another` };
}

/** The error of a directory whose store this user cannot open. */
export function dataProblem({ dataDir, state }: DataPlace): StartError {
  switch (state) {
    case "missing":
      return new StartError(`no data directory ${dataDir}; set --data to the bot's`, EXIT.tryAgain);
    case "store": // until now
    case "empty":
      return new StartError(
        `no store in ${dataDir}: no bot has run with it; set --data to the bot's`,
        EXIT.tryAgain,
      );
    case "hidden":
      return new StartError(
        `this user may not read the data directory ${dataDir}${asOwner(dataDir)}`,
        EXIT.io,
      );
    case "foreign":
      return new StartError(
        `another user controls the bot's data directory; to read it anyway: --data ${dataDir}`,
        EXIT.io,
      );
  }
}

/** `"; run the command as its owner: sudo -u '#998' barnacle …"`. */
function asOwner(dataDir: string): string {
  try {
    return `; run the command as its owner: sudo -u '#${statSync(dataDir).uid}' barnacle …`;
  } catch {
    return "; run the command as the user that runs Barnacle, for example with sudo";
  }
}

/** Reads the state of a directory; creates nothing. */
function stateOf(dataDir: string): Exclude<DataState, "foreign"> {
  try {
    accessSync(join(dataDir, DATABASE_NAME), constants.R_OK);
    return "store";
  } catch (error) {
    if (!NOTHING_THERE.has(codeOf(error) ?? "")) return "hidden";
  }
  return aboutDirectory(dataDir) ? "empty" : "missing";
}

/** Codes of the errors for paths where nothing can be. */
const NOTHING_THERE: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG"]);

/** The facts of a directory; `undefined` if the path leads to none. */
function aboutDirectory(path: string): Stats | undefined {
  try {
    const stats = statSync(path);
    return stats.isDirectory() ? stats : undefined;
  } catch (error) {
    if (NOTHING_THERE.has(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

/** The place of a directory that the user did not name. */
function foundAt(dataDir: string): DataPlace {
  const state = stateOf(dataDir);
  if (state !== "store" && state !== "empty") return { dataDir, state };
  const path = realpathSync(dataDir); // or another user could exchange a link after the check
  return { dataDir: path, state: isOurs(path) ? state : "foreign" };
}

function isOurs(path: string): boolean {
  const us = process.geteuid?.();
  if (us === undefined || statSync(path).uid === us) return true;
  const folder = statSync(dirname(path));
  return us === 0 && folder.uid === 0 && (folder.mode & 0o022) === 0;
}
