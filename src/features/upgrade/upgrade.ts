/**
 * `barnacle upgrade`: exchanges this program by another release, and restarts its service (O13).
 *
 * Nothing is changed before the new program is whole, and checked by the signed list. The exchange is
 * one rename. So the program's name always leads to a whole program, also after a power cut: the old
 * one or the new one. The old program stays beside it.
 */

import process from "node:process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import { reportingErrors } from "../../cli/shared/start_error.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { removeDeadFiles, syncFolder } from "../../host/files/write_file.ts";
import { codeOf } from "../../lib/errors.ts";
import { shellWord } from "../../lib/text/quoted.ts";
import { PLATFORM, RELEASE_KEY, VERSION } from "../../version.ts";
import { type HostMachine, openMachine } from "../service/machine.ts";
import { restartService } from "../service/watch.ts";
import { compareVersions, openRelease, type Release } from "./release.ts";

interface ProgramPaths {
  /** The program itself, with links resolved. */
  readonly program: string;
  /** The program before it. */
  readonly previous: string;
  readonly next: string;
}

/** Names the paths; on Windows, a program keeps its ending. */
function programPaths(program: string): ProgramPaths {
  const folder = dirname(program);
  const [, name = "", end = ""] = /^(.*?)(\.exe)?$/i.exec(basename(program)) ?? [];
  return {
    program,
    previous: join(folder, `${name}.previous${end}`),
    next: join(folder, `.${name}.next-${process.pid}${end}`),
  };
}

/** Names of {@link ProgramPaths.next}, with the number of the process. */
const NEXT = /^\..+\.next-(\d+)(?:\.exe)?$/i;

/** The bytes are not those of the wanted program. */
class WrongBytesError extends Error {
  override readonly name = "WrongBytesError";
}

/**
 * Writes a program to {@link ProgramPaths.next}, and waits until the disk has it. If this fails, nothing
 * stays of it.
 *
 * @throws {WrongBytesError} If the SHA-256 is another one.
 * @throws {Error} If the disk refuses, or the bytes cannot be read.
 */
async function writeNext(
  { program, next }: ProgramPaths,
  bytes: AsyncIterable<Uint8Array>,
  wantedSum: string,
): Promise<void> {
  removeDeadFiles(dirname(program), NEXT);
  const file = await open(next, "wx", 0o600);
  try {
    try {
      const hash = createHash("sha256");
      for await (const chunk of bytes) {
        hash.update(chunk);
        await file.writeFile(chunk); // goes on where the last one ended
      }
      const sum = hash.digest("hex");
      if (sum !== wantedSum) {
        throw new WrongBytesError(`its SHA-256 is ${sum}, and the list says ${wantedSum}`);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    const { mode, uid, gid } = statSync(program);
    if (process.geteuid?.() === 0) chownSync(next, uid, gid);
    chmodSync(next, mode & 0o777);
  } catch (cause) {
    rmSync(next, { force: true });
    throw cause;
  }
}

/**
 * Puts the new program in the place of the old one, in one step, and keeps the old one.
 *
 * @throws {Error} If the disk refuses; then the old program is still in its place.
 */
function swapProgram({ program, next, previous }: ProgramPaths): void {
  try {
    rmSync(previous, { force: true });
    if (process.platform === "win32") {
      renameSync(program, previous); // a running program keeps its file
      try {
        renameSync(next, program);
      } catch (cause) {
        renameSync(previous, program);
        throw cause;
      }
      return;
    }
    try {
      linkSync(program, previous);
    } catch {
      copyFileSync(program, previous); // a file system without second names
    }
    renameSync(next, program);
    syncFolder(dirname(program));
  } catch (cause) {
    rmSync(next, { force: true });
    throw cause;
  }
}

export interface UpgradeFlags {
  readonly json: boolean;
  /** Whether to look only. */
  readonly check: boolean;
  /** The wanted version; absent: the newest one. */
  readonly to?: string;
  /** Address or folder with the files of a release; absent: the project's own. */
  readonly from?: string;
}

/** Folders that packages and images fill; `/usr/local` belongs to the administrator. */
const PACKAGED =
  /^\/(?:usr\/(?!local\/)|bin\/|sbin\/|app\/|nix\/store\/|[^/]+$)|\/Cellar\/|\\WinGet\\/;

/** @param key The public key of minisign that signs releases. */
export function upgrade(
  flags: UpgradeFlags,
  io: Io,
  machine: HostMachine = openMachine(io.env),
  key: string = RELEASE_KEY,
): Promise<ExitCode> {
  return reportingErrors(io, async () => {
    if (flags.to === "" || flags.from === "") {
      throw new StartError("--to and --from need a value", EXIT.usage);
    }
    const { program } = machine;
    if (program === undefined) {
      throw new StartError(
        "Barnacle runs from source here; `git pull` and `deno task compile host` make a newer binary",
        EXIT.failed,
      );
    }
    if (key === "") {
      throw new StartError(
        "this build knows no release key, so it cannot check any release; install a release by " +
          "hand (docs/upkeep.md)",
        EXIT.failed,
      );
    }
    const wanted = flags.to?.replace(/^v(?=\d)/, "");
    const work = openRelease({ from: flags.from, wanted, key, cwd: io.cwd });
    const release = await io.during("Reading the list of the release", work);
    const isNewer = compareVersions(release.version, VERSION) > 0;
    if (release.version === VERSION || (!isNewer && wanted === undefined)) {
      print(`Barnacle ${VERSION} is installed; the newest release is ${release.version}.`);
      return EXIT.done;
    }
    if (flags.check) {
      print(`Barnacle ${release.version} is available; this is ${VERSION}.`);
      return EXIT.partly;
    }
    refuseForeign(program, machine);
    await install(release, program, io);
    return await restart(release.version, program);

    function print(line: string, more: object = {}): void {
      io.out(
        flags.json ? JSON.stringify({ version: VERSION, newest: release.version, ...more }) : line,
      );
    }

    async function restart(version: string, path: string): Promise<ExitCode> {
      const { previous } = programPaths(path);
      const back = `mv ${shellWord(previous)} ${shellWord(path)}`;
      io.err(`Installed ${path}. The old program is ${previous}.`);
      const started = await restartService(path, machine, io);
      if (started?.kind === "failed") {
        io.problem(
          [
            `Barnacle ${version} is installed, but ${started.why}`,
            ...started.log.map((line) => `  ${line}`),
            `To go back: \`${back}\`, and restart the service (docs/upkeep.md)`,
          ].join("\n"),
        );
        return EXIT.partly;
      }
      const then = started === undefined ? "is installed; restart a running bot" : "runs";
      print(`Barnacle ${version} ${then}. To go back: ${back}`, { installed: version });
      return EXIT.done;
    }
  });
}

/**
 * Refuses to exchange a program that a package manager owns, which would undo it, and one in a folder
 * where another user could exchange it, too.
 */
function refuseForeign(program: string, { platform, uid }: HostMachine): void {
  const refuse = (why: string) => {
    throw new StartError(`${program} stays as it is: ${why}`, EXIT.failed);
  };
  if (PACKAGED.test(program)) {
    refuse("a package or an image has installed it, so upgrade that");
  }
  if (platform === "win32") return;
  const folder = dirname(program);
  const { mode, uid: owner } = statSync(folder);
  if ((mode & 0o1002) === 0o002) refuse(`every user may write to ${folder}`);
  if (uid === 0 && owner !== 0) refuse(`user ${owner} owns ${folder}; run this as that user`);
}

async function install({ version, sums, open }: Release, program: string, io: Io): Promise<void> {
  const name = `barnacle-${PLATFORM || `${process.platform}-${process.arch}`}${
    process.platform === "win32" ? ".exe" : ""
  }`;
  const sum = sums.get(name);
  if (sum === undefined) {
    throw new StartError(
      `release ${version} has no ${name}; build it from source (docs/internals/releases.md)`,
      EXIT.failed,
    );
  }
  const paths = programPaths(program);
  try {
    const work = writeNext(paths, open(name), sum);
    await io.during(`Downloading Barnacle ${version}`, work);
    swapProgram(paths);
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    const [why, code] = cause instanceof WrongBytesError
      ? [`the download is not the program of the list: ${cause.message}`, EXIT.failed] as const
      : [
        `cannot write to ${dirname(program)} (${codeOf(cause) ?? String(cause)})`,
        EXIT.io,
      ] as const;
    throw new StartError(
      `${why}; nothing was changed. ${
        code === EXIT.io
          ? "Free some space, or run this as a user who may write there"
          : "Try again"
      }`,
      code,
      cause,
    );
  }
}
