/** Finds the bot whose program is exchanged, its config and its store. */

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";
import { inspect } from "../../store/database/database.ts";
import { MIGRATIONS } from "../../store/database/migrations.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { configFlag, dataProblem, findData } from "../../cli/shared/find_data.ts";
import { holderOf, isHeld } from "../../cli/shared/running_bot.ts";
import type { HostMachine } from "../service/exports.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { type ActiveService, activeService } from "./restart_bot.ts";
import type { ProgramFacts } from "./try_program.ts";

interface UpgradedBot {
  readonly dataDir: string;
  /** The bot's config; absent if a start would find it by itself. */
  readonly config: string | undefined;
  /** The service that runs the program; absent if a bot runs without, or none runs. */
  readonly service: ActiveService | undefined;
  /** Number of the store's schema; absent if there is no store. */
  readonly schema: number | undefined;
}

/**
 * Finds the bot: the active service of the program, or the data directory as all commands find it.
 *
 * @param program Absolute, with links resolved.
 * @throws {StartError} If `--data` names a folder that does not exist: the command would pass over
 *   the bot, which goes on with the old program.
 */
export async function findPlace(
  program: string,
  { data, config }: Pick<CommonFlags, "data" | "config">,
  io: Io,
  machine: HostMachine,
): Promise<UpgradedBot> {
  const service = data === undefined ? await activeService(program, machine) : undefined;
  const place = service ?? await findData(data, io);
  if (data !== undefined && "state" in place && place.state === "missing") throw dataProblem(place);
  const { dataDir } = place;
  return {
    dataDir,
    config: config ?? await runningConfig(dataDir) ?? configFlag(undefined, place, io),
    service,
    schema: schemaOf(dataDir),
  };
}

/** The config of the running bot, unless only the bot can read it, such as a pipe. */
async function runningConfig(dataDir: string): Promise<string | undefined> {
  const config = await isHeld(dataDir) === true ? holderOf(dataDir)?.config : undefined;
  const isFile = config !== undefined && statSync(config, { throwIfNoEntry: false })?.isFile();
  return isFile ? config : undefined;
}

function schemaOf(dataDir: string): number | undefined {
  const path = join(dataDir, DATABASE_NAME);
  if (!existsSync(path)) return undefined;
  // SQLite would leave files of this user beside it; and a running bot has the newest schema.
  const user = process.geteuid?.();
  if (user !== undefined && statSync(path).uid !== user) return MIGRATIONS.length;
  return inspect(path, Infinity);
}

/**
 * Refuses a program that cannot read the store.
 *
 * @throws {StartError} If the store has a newer schema.
 */
export function assertStoreFits(
  { dataDir, schema }: Pick<UpgradedBot, "dataDir" | "schema">,
  program: ProgramFacts,
): void {
  if (schema === undefined || schema <= program.schema) return;
  throw new StartError(
    `the store in ${dataDir} has schema ${schema}, and Barnacle ${program.version} reads schemas up ` +
      `to ${program.schema}; nothing was changed. To go back all the same, install that version by ` +
      "hand, and a backup of its time with `barnacle restore` (docs/upkeep.md)",
    EXIT.failed,
  );
}
