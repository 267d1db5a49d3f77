/**
 * Finds who else may read a folder on Windows, where files have access lists instead of modes.
 *
 * `icacls /save` writes the list with the codes of accounts, whose names depend on the language of the
 * system. Barnacle changes no list: a folder in the profile of a user inherits a private one.
 */

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import process from "node:process";
import { systemProgram } from "../../service/exports.ts";
import type { Finding } from "../../../core/finding.ts";

/** Accounts that read everything anyway, or stand for the owner: SYSTEM, administrators, owners. */
const TRUSTED: readonly string[] = [
  "SY",
  "BA",
  "LA",
  "CO",
  "OW",
  "S-1-5-18",
  "S-1-5-32-544",
  "S-1-3-4",
];

/** Groups that a person may not know by their codes. */
const NAMES: Readonly<Record<string, string>> = {
  WD: "everyone",
  AN: "anonymous users",
  AU: "each account that can log on",
  BU: "all users of this machine",
  BG: "guests",
  IU: "each person at this machine",
  "S-1-1-0": "everyone",
  "S-1-5-11": "each account that can log on",
  "S-1-5-32-545": "all users of this machine",
};

/**
 * Names accounts that an access list allows something, other than its user, SYSTEM and administrators.
 *
 * @param sddl As Windows writes a list: `"D:PAI(A;OICI;FA;;;SY)"`.
 * @param own Code of this user: `"S-1-5-21-…"`.
 * @returns `undefined` if the text has no list.
 */
export function strangersIn(sddl: string, own: string): readonly string[] | undefined {
  const list = /D:([A-Z_]*)((?:\([^()]*\))*)/.exec(sddl);
  if (!list) return undefined;
  const [, flags = "", entries = ""] = list;
  if (flags.includes("NO_ACCESS_CONTROL")) return ["everyone"];
  const found = [...entries.matchAll(/\(([^()]*)\)/g)].flatMap(([, entry = ""]) => {
    const [kind, inherits = "", , , , account = ""] = entry.split(";");
    const isOfFolder = !/^(?:[A-Z]{2})*?IO/.test(inherits); // else it counts below only
    const isTrusted = account === own || TRUSTED.includes(account);
    return kind === "A" && isOfFolder && !isTrusted ? [NAMES[account] ?? account] : [];
  });
  return [...new Set(found)];
}

/** Runs a program to its end. @returns Its output. */
type RunProgram = (file: string, args: readonly string[]) => Promise<string>;

const execute = promisify(execFile);
const TIMEOUT_MS = 10_000;

const runProgram: RunProgram = async (file, args) =>
  (await execute(systemProgram(file, process.env), [...args], {
    timeout: TIMEOUT_MS,
    windowsHide: true,
  })).stdout;

export async function checkAccess(
  dataDir: string,
  run: RunProgram = runProgram,
): Promise<Finding> {
  const about = { id: "host.access", what: "Access to the data" };
  const folder = mkdtempSync(join(tmpdir(), "barnacle-access-"));
  try {
    const [own = ""] = /S-1-[\d-]+/.exec(await run("whoami", ["/user", "/fo", "csv", "/nh"])) ?? [];
    const saved = join(folder, "list");
    await run("icacls", [dataDir, "/save", saved]);
    const found = own === "" ? undefined : strangersIn(readFileSync(saved, "utf16le"), own);
    if (found === undefined) throw new Error("no list");
    if (found.length === 0) {
      return { ...about, status: "pass", why: "only this user, SYSTEM and administrators" };
    }
    return {
      ...about,
      status: "warn",
      why: `others may use ${dataDir}: ${found.join(", ")}`,
      fix:
        `icacls "${dataDir}" /inheritance:r /grant:r "%USERNAME%:(OI)(CI)F" "*S-1-5-18:(OI)(CI)F"`,
    };
  } catch {
    return { ...about, status: "skipped", why: "icacls does not tell" };
  } finally {
    rmSync(join(folder, "list"), { force: true });
    rmdirSync(folder);
  }
}
