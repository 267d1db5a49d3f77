/**
 * `barnacle upgrade`: exchanges this program by another release, and restarts the bot (O13).
 *
 * Nothing is changed before the new program is whole, checked by the signed list, and has accepted the
 * bot's config. The exchange is one rename.
 */

import process from "node:process";
import {
  dropNext,
  identityOf,
  installNext,
  keepPrevious,
  type ProgramPaths,
  programPaths,
  readSeen,
  writeSeen,
} from "../../host/files/program_file.ts";
import { readLastVersion } from "../../host/files/version_record.ts";
import type { CrashPoints } from "../../host/process/crash_points.ts";
import { codeOf } from "../../lib/errors.ts";
import { compareVersions } from "../../lib/version_order.ts";
import { PLATFORM, RELEASE_KEY, VERSION } from "../../version.ts";
import { MIGRATIONS } from "../../store/database/migrations.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import { reportingErrors } from "../../cli/shared/start_error.ts";
import { type HostMachine, thisMachine } from "../service/exports.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { foreignOwner } from "./owner.ts";
import {
  fileFor,
  LIST_MAX_BYTES,
  LIST_NAME,
  newestOf,
  readReleaseList,
  type Release,
  type ReleaseList,
  releaseOf,
  SIGNATURE_MAX_BYTES,
  SIGNATURE_NAME,
} from "./release_list.ts";
import { openSource, type ReleaseSource } from "./source.ts";
import { reportAvailable, reportCurrent, reportInstalled } from "./report.ts";
import { type Restarted, restartOnto } from "./restart_bot.ts";
import { assertStoreFits, findPlace } from "./bot_place.ts";
import { assertWorks, diskAdvice, download } from "./download.ts";

export interface UpgradeFlags extends CommonFlags {
  /** Whether to look only. */
  readonly check: boolean;
  /** Whether to return to the previous program. */
  readonly back: boolean;
  /** The wanted version; absent: the newest one. */
  readonly to?: string;
  /** Address or folder with releases; absent: the project's own. */
  readonly from?: string;
}

/** Runs the command without `--back`. */
export function upgrade(
  flags: UpgradeFlags,
  io: Io,
  crash: Pick<CrashPoints, "at">,
): Promise<ExitCode> {
  return reportingErrors(io, async () => {
    if (flags.check && flags.to !== undefined) {
      throw new StartError("--check looks for the newest release; leave out --to", EXIT.usage);
    }
    const to = wantedVersion(flags);
    const machine = thisMachine(io.env);
    const paths = programOf(machine);
    const running = identityOf(paths);
    if (RELEASE_KEY === "") {
      throw new StartError(
        "this build knows no release key, so it cannot check any release; install a release by hand " +
          "(docs/upkeep.md)",
        EXIT.failed,
      );
    }
    const source = openSource(flags.from, io.cwd);
    const list = await io.during("Reading the list of releases", readList(source, paths));
    const newest = newestOf(list);
    const release = to === undefined ? newest : releaseOf(list, to);
    const isNewer = release !== undefined && compareVersions(release.version, VERSION) > 0;
    if (!release || release.version === VERSION || (!isNewer && to === undefined)) {
      const outcome = flags.check ? undefined : await restartStale(paths, flags, io, machine);
      return reportCurrent(newest, list, outcome, { flags, io });
    }
    const owner = await foreignOwner(paths.program, machine);
    if (flags.check) {
      const isElsewhere = flags.from !== undefined || flags.data !== undefined;
      const command = owner?.command ?? (isElsewhere ? undefined : "barnacle upgrade");
      return reportAvailable(release, list, command, { flags, io });
    }
    if (owner) {
      throw new StartError(
        `${paths.program} stays as it is: ${owner.why}. To upgrade to ${release.version}: ` +
          owner.command,
        EXIT.failed,
      );
    }
    const place = await findPlace(paths.program, flags, io, machine);
    assertStoreFits(place, release);
    await prepare(release, source, paths, place.config, io, crash);
    swap(paths, running, () => {
      keepPrevious(paths);
      crash.at("kept");
      installNext(paths);
    });
    crash.at("swapped");
    io.err(`Installed ${paths.program}; the old program is ${paths.previous}.`);
    if (release.schema > MIGRATIONS.length) {
      io.err(
        `The start brings the store from schema ${MIGRATIONS.length} to ${release.schema}, and keeps ` +
          "a copy of the old one.",
      );
    }
    const outcome = await restartOnto(release.version, paths.program, place, io, machine);
    const migrates = release.schema > MIGRATIONS.length;
    return reportInstalled(release.version, paths, outcome, { flags, io }, migrates);
  });
}

/** Downloads the new program, and tries it. */
async function prepare(
  release: Release,
  source: ReleaseSource,
  paths: ProgramPaths,
  config: string | undefined,
  io: Io,
  crash: Pick<CrashPoints, "at">,
): Promise<void> {
  const system = process.platform === "win32" ? "windows" : process.platform;
  const file = fileFor(release, PLATFORM || `${system}-${process.arch}`);
  await download(release, file, source, paths, io);
  crash.at("downloaded");
  await assertWorks(release, paths, config, io.env);
}

/**
 * Finds the files of the running program.
 *
 * @throws {StartError} If Barnacle runs from source.
 */
export function programOf({ program }: Pick<HostMachine, "program">): ProgramPaths {
  if (program !== undefined) return programPaths(program);
  throw new StartError(
    "Barnacle runs from source here; `git pull` and `deno task compile host` make a newer binary",
    EXIT.failed,
  );
}

/**
 * Exchanges the program.
 *
 * @param running Identity of the program when the command began.
 * @throws {StartError} If another command has exchanged it since, or if the disk refuses.
 */
export function swap(paths: ProgramPaths, running: string, work: () => void): void {
  try {
    if (identityOf(paths) === running) return work();
  } catch (cause) {
    dropNext(paths);
    throw new StartError(
      `cannot exchange ${paths.program} (${
        codeOf(cause) ?? "unknown reason"
      }); the old program is ` +
        `still in its place. ${diskAdvice(cause, paths.previous)}`,
      EXIT.io,
      cause,
    );
  }
  dropNext(paths);
  throw new StartError(
    `another command has exchanged ${paths.program} meanwhile; nothing was changed. Run this again`,
    EXIT.tryAgain,
  );
}

/**
 * The version of `--to`; tags of releases have a `v` before it.
 *
 * @throws {StartError} If `--to` or `--from` has no value, as with an unset variable of a shell.
 */
function wantedVersion({ to, from }: UpgradeFlags): string | undefined {
  if (to === "") throw new StartError("--to needs a version, such as 1.0.0", EXIT.usage);
  if (from === "") throw new StartError("--from needs a folder or an address", EXIT.usage);
  return to?.replace(/^v(?=\d)/, "");
}

async function readList(
  source: ReleaseSource,
  paths: ProgramPaths,
): Promise<ReleaseList> {
  const text = await source.readSmall(LIST_NAME, LIST_MAX_BYTES);
  const signature = await source.readSmall(SIGNATURE_NAME, SIGNATURE_MAX_BYTES);
  const list = readReleaseList(
    { text, signature: new TextDecoder().decode(signature) },
    RELEASE_KEY,
    { seen: readSeen(paths), now: Date.now() },
    source.nameOf(LIST_NAME),
  );
  writeSeen(paths, list.issued);
  return list;
}

/** Restarts a bot that still runs the program before this one, because an upgrade has died. */
async function restartStale(
  paths: ProgramPaths,
  flags: UpgradeFlags,
  io: Io,
  machine: HostMachine,
): Promise<Restarted | undefined> {
  const place = await findPlace(paths.program, flags, io, machine);
  if (readLastVersion(place.dataDir) === VERSION) return undefined;
  const outcome = await restartOnto(VERSION, paths.program, place, io, machine);
  return ["none", "same", "runs"].includes(outcome.kind) ? undefined : outcome;
}
