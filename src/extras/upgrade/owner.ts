/**
 * Finds out who installed the program. A package manager, an image or another user owns its file, and
 * an upgrade without it would be undone, or break its files. So the operator gets its command.
 */

import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { isContainer } from "../../host/process/boot.ts";
import { shellWord } from "../../lib/text/quoted.ts";
import type { HostMachine } from "../service/exports.ts";

/** Why `barnacle upgrade` must not exchange the program, and the command that does. */
export interface ForeignOwner {
  readonly why: string;
  readonly command: string;
  /** The command runs this one, as the user who may; absent: it does not. */
  readonly runsUpgrade?: true;
}

/** Folders that images and packages fill; `/usr/local` belongs to the administrator. */
const SYSTEM_FOLDER = /^\/(?:usr\/(?!local\/)|opt\/|bin\/|sbin\/|app\/|[^/]+$)/;

/** Package managers that tell by the path alone. */
const BY_PATH: readonly (readonly [RegExp, ForeignOwner])[] = [
  [/^\/nix\/store\//, { why: "Nix installed it", command: "nix profile upgrade barnacle" }],
  [/\/(?:Cellar|homebrew|linuxbrew)\//i, {
    why: "Homebrew installed it",
    command: "brew upgrade barnacle",
  }],
  [/\\WinGet\\(?:Packages|Links)\\/i, {
    why: "WinGet installed it",
    command: "winget upgrade Barnacle.Barnacle",
  }],
];

/** Package managers that know the files of their packages. */
const BY_QUESTION: readonly {
  readonly ask: readonly [string, ...string[]];
  readonly why: string;
  readonly command: string;
}[] = [
  {
    ask: ["dpkg-query", "-S"],
    why: "a package of dpkg owns it",
    command: "sudo apt install ./barnacle_VERSION_ARCHITECTURE.deb",
  },
  { ask: ["pacman", "-Qoq"], why: "a package of pacman owns it", command: "yay -Syu barnacle-bin" },
  {
    ask: ["rpm", "-qf"],
    why: "a package of rpm owns it",
    command: "sudo dnf upgrade barnacle",
  },
];

/** Milliseconds for the answer of a package manager. */
const ASK_MS = 10_000;

/**
 * Finds the owner of a program.
 *
 * @param program Absolute, with links resolved.
 * @returns `undefined` if this user may exchange it.
 */
export async function foreignOwner(
  program: string,
  { platform, env, uid, run }: Pick<HostMachine, "platform" | "env" | "uid" | "run">,
  inContainer = platform === "linux" && isContainer(env),
): Promise<ForeignOwner | undefined> {
  const known = BY_PATH.find(([path]) => path.test(program))?.[1];
  if (known) return known;
  if (platform !== "win32" && SYSTEM_FOLDER.test(program)) {
    if (inContainer) {
      return {
        why: "it is part of the container's image",
        command: "docker compose pull && docker compose up -d",
      };
    }
    for (const { ask, why, command } of BY_QUESTION) {
      if ((await run([...ask, program], ASK_MS)).code === 0) return { why, command };
    }
  }
  return platform === "win32" ? undefined : otherUser(program, uid);
}

function otherUser(program: string, uid: number): ForeignOwner | undefined {
  const folder = dirname(program);
  const owner = statSync(program).uid;
  const word = shellWord(program);
  // Anyone could exchange the program, also between its check and its first run.
  if ((statSync(folder).mode & 0o1002) === 0o002) {
    return {
      why: `every user may write to ${folder}`,
      command: `chmod o-w ${shellWord(folder)}, and then this command again`,
    };
  }
  // Root must not work in a folder that another user could change meanwhile.
  if (uid === 0) {
    const { uid: folderOwner } = statSync(folder);
    const other = folderOwner !== 0 ? folderOwner : owner;
    return other === 0 ? undefined : {
      why: `user ${other} owns it`,
      command: `sudo -u '#${other}' ${word} upgrade`,
      runsUpgrade: true,
    };
  }
  if (canWrite(folder)) return undefined;
  if (owner === 0) {
    return { why: "root owns it", command: `sudo ${word} upgrade`, runsUpgrade: true };
  }
  const why = `you may not write to ${folder}`;
  return owner === uid
    ? { why, command: `chmod u+w ${shellWord(folder)}, and then this command again` }
    : { why, command: `sudo -u '#${owner}' ${word} upgrade`, runsUpgrade: true };
}

function canWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false; // which answers the question
  }
}
