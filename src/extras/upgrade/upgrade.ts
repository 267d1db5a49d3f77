/**
 * `barnacle upgrade`: exchanges this program by another release, and restarts the bot (O13).
 *
 * Nothing is changed before the new program is whole, checked by the signed list, and has run once.
 * The exchange is one rename. From then on, the new version is on trial.
 */

import process from "node:process";
import {
  dropNext,
  filesOf,
  hasPrevious,
  identityOf,
  installNext,
  installPrevious,
  keepPrevious,
  type ProgramFiles,
  readSeen,
  writeSeen,
} from "../../host/files/program_file.ts";
import { readVersionRecord } from "../../host/files/version_record.ts";
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
import { report } from "./report.ts";
import type { Restarted } from "./restart_bot.ts";
import { assertStoreFits, findPlace, restartOnto, undoTrial } from "./bot_place.ts";
import { diskAdvice, download, tried } from "./download.ts";
import { lockOrRefuse } from "./lock.ts";
import { tryProgram } from "./try_program.ts";

/** Options of `upgrade`. */
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

/** The parts that a test replaces. */
export interface UpgradePorts {
  readonly machine: HostMachine;
  readonly version: string;
  readonly releaseKey: string;
  readonly platform: string;
  readonly crash: Pick<CrashPoints, "at">;
}

/** The ports of this machine. */
export function upgradePorts(io: Io, crash: Pick<CrashPoints, "at">): UpgradePorts {
  return {
    machine: thisMachine(io.env),
    version: VERSION,
    releaseKey: RELEASE_KEY,
    platform: PLATFORM || hostPlatform(),
    crash,
  };
}

/** The platform's name among the release's files, of a binary that was compiled for this machine. */
function hostPlatform(): string {
  const system = process.platform === "win32" ? "windows" : process.platform;
  return `${system}-${process.arch}`;
}

/** Runs the command. */
export async function upgrade(flags: UpgradeFlags, io: Io, ports: UpgradePorts): Promise<ExitCode> {
  const work = flags.back ? goBackByHand : goOn;
  return await reportingErrors(io, () => work(flags, io, ports));
}

function programOf({ machine: { program } }: UpgradePorts): ProgramFiles {
  if (program !== undefined) return filesOf(program);
  throw new StartError(
    "Barnacle runs from source here; `git pull` and `deno task compile host` make a newer binary",
    EXIT.failed,
  );
}

async function goOn(flags: UpgradeFlags, io: Io, ports: UpgradePorts): Promise<ExitCode> {
  const { releaseKey, version } = ports;
  if (flags.check && flags.to !== undefined) {
    throw new StartError("--check looks for the newest release; leave out --to", EXIT.usage);
  }
  const to = wantedVersion(flags);
  const files = programOf(ports);
  const running = identityOf(files);
  if (releaseKey === "") {
    throw new StartError(
      "this build knows no release key, so it cannot check any release; install a release by hand " +
        "(docs/upkeep.md)",
      EXIT.failed,
    );
  }
  const source = openSource(flags.from, io.cwd);
  const list = await io.during("Reading the list of releases", readList(source, files, ports));
  const newest = newestOf(list);
  const release = to === undefined ? newest : releaseOf(list, to);
  const isNewer = release !== undefined && compareVersions(release.version, version) > 0;
  if (
    release === undefined || release.version === version || (!isNewer && flags.to === undefined)
  ) {
    const outcome = flags.check ? undefined : await restartStale(files, { flags, io, ports });
    return report(
      { kind: "current", version, newest: newest?.version, list: list.issued, outcome },
      flags,
      io,
    );
  }
  const owner = await foreignOwner(files.program, ports.machine);
  if (flags.check) {
    const isElsewhere = flags.from !== undefined || flags.data !== undefined;
    report(
      { kind: "available", version, release, list: list.issued, owner, isElsewhere },
      flags,
      io,
    );
    return EXIT.partly;
  }
  if (owner) {
    throw new StartError(
      `${files.program} stays as it is: ${owner.why}. To upgrade to ${release.version}: ` +
        owner.command,
      EXIT.failed,
    );
  }
  return await exchange(release, source, { files, running }, { flags, io, ports });
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
  files: ProgramFiles,
  { releaseKey }: UpgradePorts,
): Promise<ReleaseList> {
  const text = await source.readSmall(LIST_NAME, LIST_MAX_BYTES);
  const signature = await source.readSmall(SIGNATURE_NAME, SIGNATURE_MAX_BYTES);
  const list = readReleaseList(
    { text, signature: new TextDecoder().decode(signature) },
    releaseKey,
    { seen: readSeen(files), now: Date.now() },
    source.nameOf(LIST_NAME),
  );
  writeSeen(files, list.issued);
  return list;
}

/** Everything of the command that its steps use. */
interface UpgradeWork {
  readonly flags: UpgradeFlags;
  readonly io: Io;
  readonly ports: UpgradePorts;
}

/** Restarts a bot that still runs the program before this one, because an upgrade has died. */
async function restartStale(
  files: ProgramFiles,
  { flags, io, ports: { machine, version } }: UpgradeWork,
): Promise<Restarted | undefined> {
  const place = await findPlace(files.program, flags, io, machine);
  if (readVersionRecord(place.dataDir).accepted === version) return undefined;
  const outcome = await restartOnto(version, place, files, io, machine);
  return ["none", "same", "runs"].includes(outcome.kind) ? undefined : outcome;
}

async function exchange(
  release: Release,
  source: ReleaseSource,
  { files, running }: { readonly files: ProgramFiles; readonly running: string },
  command: UpgradeWork,
): Promise<ExitCode> {
  const { flags, io, ports } = command;
  const file = fileFor(release, ports.platform);
  const place = await findPlace(files.program, flags, io, ports.machine);
  assertStoreFits(place, release);
  const unlock = await lockOrRefuse(files, running);
  try {
    await download(release, file, source, files, io);
    ports.crash.at("downloaded");
    const facts = await tried(release, files);
    assertStoreFits(place, facts);
    swap(files, () => {
      keepPrevious(files);
      ports.crash.at("kept");
      installNext(files);
    });
    ports.crash.at("swapped");
    io.err(`Installed ${files.program}; the old program is ${files.previous}.`);
    if (facts.schema > MIGRATIONS.length) {
      io.err(
        `The start brings the store from schema ${MIGRATIONS.length} to ${facts.schema}, and keeps a ` +
          "copy of the old one.",
      );
    }
    const outcome = await restartOnto(release.version, place, files, io, ports.machine);
    return report(
      { kind: "installed", from: ports.version, to: release.version, files, outcome },
      flags,
      io,
    );
  } finally {
    unlock();
  }
}

function swap(files: ProgramFiles, work: () => void): void {
  try {
    work();
  } catch (cause) {
    dropNext(files);
    throw new StartError(
      `cannot exchange ${files.program} (${
        codeOf(cause) ?? "unknown reason"
      }); the old program is ` +
        `still in its place. ${diskAdvice(cause, files.previous)}`,
      EXIT.io,
      cause,
    );
  }
}

async function goBackByHand(flags: UpgradeFlags, io: Io, ports: UpgradePorts): Promise<ExitCode> {
  if (flags.check || flags.to !== undefined || flags.from !== undefined) {
    throw new StartError("--back takes none of --check, --to and --from", EXIT.usage);
  }
  const files = programOf(ports);
  const running = identityOf(files);
  const owner = await foreignOwner(files.program, ports.machine);
  if (owner) {
    throw new StartError(
      `${files.program} stays as it is: ${owner.why}. ${
        owner.command.startsWith("sudo") && owner.command.endsWith("upgrade")
          ? `Run ${owner.command} --back`
          : "Install the older version with it"
      }`,
      EXIT.failed,
    );
  }
  if (!hasPrevious(files)) {
    throw new StartError(
      `there is no previous program ${files.previous}; \`barnacle upgrade --to VERSION\` installs an ` +
        "older release",
      EXIT.failed,
    );
  }
  const facts = await tryProgram(files.previous);
  if (typeof facts === "string") {
    throw new StartError(
      `${files.previous} does not run (${facts}); nothing was changed. ` +
        "`barnacle upgrade --to VERSION` installs an older release",
      EXIT.failed,
    );
  }
  const place = await findPlace(files.program, flags, io, ports.machine);
  const unlock = await lockOrRefuse(files, running);
  try {
    const undone = await undoTrial(facts.version, ports.version, place, files, io, ports.crash);
    if (!undone) {
      assertStoreFits(place, facts);
      swap(files, () => installPrevious(files));
    }
    ports.crash.at("wentBack");
    io.err(`Installed ${files.program} again, version ${facts.version}.`);
    const outcome = undone ?? await restartOnto(facts.version, place, files, io, ports.machine);
    return report(
      { kind: "installed", from: ports.version, to: facts.version, files, outcome },
      flags,
      io,
    );
  } finally {
    unlock();
  }
}
