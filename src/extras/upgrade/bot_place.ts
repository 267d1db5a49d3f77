/** Finds the bot whose program is exchanged, and its store; and restarts that bot. */

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";
import { filesOf, hasPrevious, installPrevious } from "../../host/files/program_file.ts";
import type { ProgramFiles } from "../../host/files/program_file.ts";
import { readVersionRecord } from "../../host/files/version_record.ts";
import type { CrashPoints } from "../../host/process/crash_points.ts";
import { printable } from "../../lib/text/quoted.ts";
import { inspect } from "../../store/database/database.ts";
import { MIGRATIONS } from "../../store/database/migrations.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { type DataChoice, dataProblem, findData } from "../../cli/shared/find_data.ts";
import { holderOf } from "../../cli/shared/running_bot.ts";
import type { HostMachine } from "../service/exports.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { goBack, OPERATOR } from "./go_back.ts";
import {
  type ActiveService,
  activeService,
  askToRestart,
  type Restarted,
  restartService,
  waitForVersion,
} from "./restart_bot.ts";
import type { ProgramFacts } from "./try_program.ts";

/** The bot of a program. */
export interface UpgradedBot {
  readonly dataDir: string;
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
  { data }: Pick<CommonFlags, "data">,
  io: Io,
  machine: HostMachine,
): Promise<UpgradedBot> {
  const service = data === undefined ? await activeService(program, machine) : undefined;
  const { dataDir } = service ?? await namedData(data, io);
  return { dataDir, service, schema: schemaIn(dataDir) };
}

async function namedData(data: string | undefined, io: Io): Promise<DataChoice> {
  const place = await findData(data, io);
  if (data !== undefined && place.state === "missing") throw dataProblem(place);
  return place;
}

/** The schema of the store of a data directory. */
function schemaIn(dataDir: string): number | undefined {
  const path = join(dataDir, DATABASE_NAME);
  if (!existsSync(path)) return undefined;
  // SQLite would leave files of this user beside it; and a running bot has the newest schema.
  if (statSync(path).uid !== process.geteuid?.()) return MIGRATIONS.length;
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

/** Milliseconds that a failed version gets to exchange the program itself, and between two looks. */
const SWAP_MS = 3_000;
const LOOK_EVERY_MS = 25;

/**
 * Restarts the bot with the program that is installed now, and waits for the outcome. If the new
 * version fails and may not exchange the program itself, this does it.
 */
export async function restartOnto(
  version: string,
  { dataDir, service }: UpgradedBot,
  files: ProgramFiles,
  io: Io,
  machine: HostMachine,
): Promise<Restarted> {
  const since = Date.now();
  const before = holderOf(dataDir);
  if (service) {
    const problem = await restartService(service, machine);
    const pid = before?.pid;
    if (problem !== undefined) return { kind: "runs", pid, why: printable(problem) };
  } else {
    const answer = await askToRestart(dataDir, files.program, "upgrade.restart", version);
    if (answer !== "begun") return answer;
  }
  const outcome = await io.during(
    `Waiting for Barnacle ${version}`,
    waitForVersion(dataDir, version, before, since),
  );
  if (outcome.kind !== "failed") return outcome;
  for (let waitedMs = 0; hasPrevious(files) && waitedMs < SWAP_MS; waitedMs += LOOK_EVERY_MS) {
    await sleep(LOOK_EVERY_MS);
  }
  if (service && hasPrevious(files)) {
    installPrevious(files);
    await restartService(service, machine);
  }
  return outcome;
}

/**
 * Ends the trial of the running version, with the copy of the store from before it.
 *
 * @param previous The version to go back to.
 * @returns `undefined` if no trial is open: then the store may have new events.
 */
export async function undoTrial(
  previous: string,
  version: string,
  { dataDir, service }: UpgradedBot,
  { program }: ProgramFiles,
  io: Io,
  crash: Pick<CrashPoints, "at">,
): Promise<Restarted | undefined> {
  const { trial } = readVersionRecord(dataDir);
  if (service || trial?.version !== version || trial.from !== previous) return undefined;
  const since = Date.now();
  const before = holderOf(dataDir);
  const answer = await askToRestart(dataDir, program, "upgrade.back", previous);
  if (answer === "begun") {
    const wait = waitForVersion(dataDir, previous, before, since);
    return await io.during(`Waiting for Barnacle ${previous}`, wait);
  }
  if (answer.kind === "runs" && readVersionRecord(dataDir).trial?.version === version) {
    throw new StartError(
      `the bot${
        answer.pid === undefined ? "" : ` (pid ${answer.pid})`
      } has accepted no event, and ` +
        `cannot go back itself: ${answer.why}; nothing was changed. End it, and run this again`,
      EXIT.tryAgain,
    );
  }
  if (answer.kind !== "none") return undefined;
  const isBack = await goBack({ dataDir, program, trial, why: OPERATOR }, crash, io.err);
  return isBack || !hasPrevious(filesOf(program)) ? answer : undefined;
}
