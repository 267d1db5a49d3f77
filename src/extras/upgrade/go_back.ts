/**
 * `barnacle upgrade --back`: returns to the previous program, and to the store from before the migration
 * as long as the newer version has stored no event (O13).
 *
 * The store comes first: the old program refuses the store of a newer one. If the process dies in
 * between, the command can run again.
 */

import { statSync } from "node:fs";
import { join } from "node:path";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";
import {
  hasPrevious,
  identityOf,
  installPrevious,
  type ProgramPaths,
} from "../../host/files/program_file.ts";
import { readLastVersion } from "../../host/files/version_record.ts";
import type { CrashPoints } from "../../host/process/crash_points.ts";
import { putBackCopy } from "../../store/copy/copy.ts";
import { inspect } from "../../store/database/database.ts";
import { VERSION } from "../../version.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import { lockOfStopped } from "../../cli/shared/running_bot.ts";
import { reportingErrors } from "../../cli/shared/start_error.ts";
import { thisMachine } from "../service/exports.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { findPlace } from "./bot_place.ts";
import { foreignOwner } from "./owner.ts";
import { reportInstalled } from "./report.ts";
import { restartOnto } from "./restart_bot.ts";
import { type ProgramFacts, tryConfig, tryProgram } from "./try_program.ts";
import { programOf, swap, type UpgradeFlags } from "./upgrade.ts";

/** Runs the command with `--back`. */
export function goBack(
  flags: UpgradeFlags,
  io: Io,
  crash: Pick<CrashPoints, "at">,
): Promise<ExitCode> {
  return reportingErrors(io, async () => {
    if (flags.check || flags.to !== undefined || flags.from !== undefined) {
      throw new StartError("--back takes none of --check, --to and --from", EXIT.usage);
    }
    const machine = thisMachine(io.env);
    const paths = programOf(machine);
    const running = identityOf(paths);
    const owner = await foreignOwner(paths.program, machine);
    if (owner) {
      throw new StartError(
        `${paths.program} stays as it is: ${owner.why}. ${
          owner.runsUpgrade ? `Run ${owner.command} --back` : `Its command is ${owner.command}`
        }`,
        EXIT.failed,
      );
    }
    const old = await previousOf(paths);
    const place = await findPlace(paths.program, flags, io, machine);
    const isMigrated = place.schema !== undefined && place.schema > old.schema;
    const refusal = await tryConfig(paths.previous, place.config, io.env);
    if (refusal !== undefined) {
      throw new StartError(
        `Barnacle ${old.version} does not accept the config: ${refusal}; nothing was changed`,
        EXIT.config,
      );
    }
    if (isMigrated) assertNoEvent(place.dataDir, old); // or a person would stop the bot in vain
    const lock = isMigrated
      ? await lockOfStopped(place.dataDir, "run `barnacle upgrade --back` again")
      : undefined;
    try {
      if (isMigrated) putStoreBack(place.dataDir, paths, old);
      crash.at("putBack");
      swap(paths, running, () => installPrevious(paths));
    } finally {
      lock?.release();
    }
    crash.at("wentBack");
    io.err(`Installed ${paths.program} again, version ${old.version}.`);
    const outcome = await restartOnto(old.version, paths.program, place, io, machine);
    return reportInstalled(old.version, paths, outcome, { flags, io });
  });
}

async function previousOf(paths: ProgramPaths): Promise<ProgramFacts> {
  const facts = hasPrevious(paths) ? await tryProgram(paths.previous) : undefined;
  if (facts && typeof facts !== "string") return facts;
  throw new StartError(
    `${
      facts === undefined
        ? `there is no previous program ${paths.previous}`
        : `${paths.previous} does not run (${facts}); nothing was changed`
    }; \`barnacle upgrade --to VERSION\` installs an older release`,
    EXIT.failed,
  );
}

/** @throws {StartError} If the old store would lack events. */
function assertNoEvent(dataDir: string, { version }: ProgramFacts): void {
  const last = readLastVersion(dataDir);
  if (last !== undefined && last !== VERSION) return; // without a record, nothing is certain
  throw new StartError(
    `the store in ${dataDir} has events of Barnacle ${VERSION}, which ${version} cannot read and its ` +
      `own store lacks; nothing was changed. ${byHand(version)}`,
    EXIT.failed,
  );
}

function byHand(version: string): string {
  return `To go back all the same, install ${version} by hand, and a backup of its time with ` +
    "`barnacle restore` (docs/upkeep.md)";
}

/**
 * Puts the copy of the store from before the migration back.
 *
 * @throws {StartError} If it would lose events, or if there is no copy.
 */
function putStoreBack(dataDir: string, { program }: ProgramPaths, old: ProgramFacts): void {
  const store = join(dataDir, DATABASE_NAME);
  if (inspect(store, Infinity) <= old.schema) return;
  assertNoEvent(dataDir, old);
  // A copy from before the exchange of the programs is of an earlier migration.
  if (putBackCopy(store, old.schema, statSync(program).ctimeMs)) return;
  throw new StartError(
    `${dataDir} has no copy of the store of Barnacle ${old.version}; nothing was changed. ` +
      byHand(old.version),
    EXIT.failed,
  );
}
