/**
 * Checks a release from the outside, as a user would: signature, checksums, the installer, the program
 * and its `doctor`, in empty folders.
 *
 * `deno run -A scripts/release/check_release.ts <folder or address>` takes the files of one release.
 * The public key comes from this checkout (`packaging/release.pub`, or `--key=<file>`), not from the
 * release. Of a folder, it checks every file; of an address, those that a user of this machine needs.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import {
  readMinisignKey,
  SignatureError,
  verifyMinisign,
} from "../../src/features/upgrade/release.ts";

/** A release that a user should not get. */
export class ReleaseFault extends Error {
  override readonly name = "ReleaseFault";
}

const SUMS = "SHA256SUMS";
const LINE = /^([0-9a-f]{64}) [ *]([\w][\w.+-]*)$/;

/** Exit codes of a `doctor` that did its work: on a new machine, token, model and network may lack. */
const DOCTOR_CODES: readonly (number | null)[] = [0, 1, 3, 69, 77, 78];

export interface CheckedRelease {
  /** A folder or an address. */
  readonly place: string;
  /** The public key of minisign, in its one line. */
  readonly publicKey: string;
  /** Gets a line about each check that has passed. */
  readonly say: (line: string) => void;
}

/**
 * Checks a release.
 *
 * @throws {ReleaseFault} At the first fault.
 */
export async function checkRelease({ place, publicKey, say }: CheckedRelease): Promise<void> {
  const temp = mkdtempSync(join(tmpdir(), "barnacle-release-"));
  try {
    const isFolder = !/^https?:\/\//.test(place);
    const files = join(temp, "files");
    mkdirSync(files);
    const get = (name: string) => fetchFile(isFolder ? resolve(place) : place, name, files);

    await get(SUMS);
    await get(`${SUMS}.minisig`);
    const comment = verifiedComment(files, publicKey);
    const version = /^barnacle v(\d+\.\d+\.\d+\S*)$/.exec(comment)?.[1];
    if (version === undefined) throw new ReleaseFault(`the signature names no release: ${comment}`);
    say(`signature: good (${comment})`);

    const sums = readSums(readFileSync(join(files, SUMS), "utf8"));
    const installer = process.platform === "win32" ? "install.ps1" : "install.sh";
    const names = isFolder ? [...sums.keys()] : [installer, "barnacle.cdx.json"];
    for (const name of names) {
      if (!sums.has(name)) throw new ReleaseFault(`${SUMS} lacks ${name}`);
      await get(name);
      const sum = createHash("sha256").update(readFileSync(join(files, name))).digest("hex");
      if (sum !== sums.get(name)) throw new ReleaseFault(`${name} has another checksum`);
    }
    if (isFolder) refuseUnlisted(place, sums);
    say(`checksums: ${names.length} files are good`);

    const program = await install(join(files, installer), isFolder ? resolve(place) : place, temp);
    say(`${installer}: installed ${version}`);
    const said = (await runProgram(program, ["--version"], temp)).out.trim();
    const [, found] = said.split(/[ ,]/);
    if (found !== version) {
      throw new ReleaseFault(`the program says that it is ${found}, not ${version}`);
    }
    say(`program: ${said}`);
    const args = ["doctor", "--json", "--data", join(temp, "data")];
    const doctor = await runProgram(program, args, temp);
    const findings: unknown = readJson(doctor.out)?.["findings"];
    if (!DOCTOR_CODES.includes(doctor.status) || !Array.isArray(findings)) {
      throw new ReleaseFault(`doctor ended with ${doctor.status}: ${doctor.error.trim()}`);
    }
    say(`doctor: ${findings.length} findings, as on a new machine`);
  } finally {
    rmSync(temp, { recursive: true, force: true });
  }
}

async function fetchFile(place: string, name: string, folder: string): Promise<void> {
  const target = join(folder, name);
  if (!/^https?:\/\//.test(place)) {
    if (!existsSync(join(place, name))) throw new ReleaseFault(`${place} lacks ${name}`);
    return copyFileSync(join(place, name), target);
  }
  const response = await fetch(`${place.replace(/\/+$/, "")}/${name}`);
  if (!response.ok) throw new ReleaseFault(`${response.url} answers ${response.status}`);
  writeFileSync(target, new Uint8Array(await response.arrayBuffer()));
}

function verifiedComment(folder: string, publicKey: string): string {
  const signature = readFileSync(join(folder, `${SUMS}.minisig`), "utf8");
  try {
    return verifyMinisign(readFileSync(join(folder, SUMS)), signature, readMinisignKey(publicKey));
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    throw new ReleaseFault(`${SUMS}: ${error.message}`);
  }
}

function readSums(text: string): ReadonlyMap<string, string> {
  const lines = text.trimEnd().split("\n").map((line) => LINE.exec(line));
  return new Map(lines.map((line) => {
    if (!line) throw new ReleaseFault(`${SUMS} has a line that is no checksum`);
    return [line[2] ?? "", line[1] ?? ""];
  }));
}

function refuseUnlisted(folder: string, sums: ReadonlyMap<string, string>): void {
  const more = readdirSync(folder).filter((name) =>
    !sums.has(name) && name !== SUMS && !name.endsWith(".minisig")
  );
  if (more.length > 0) throw new ReleaseFault(`${SUMS} lacks ${more.join(", ")}`);
}

/** @returns Path of the installed program. */
async function install(installer: string, place: string, temp: string): Promise<string> {
  const dir = join(temp, "bin");
  const isWindows = process.platform === "win32";
  const [shell, ...args] = isWindows
    ? ["powershell", "-ExecutionPolicy", "Bypass", "-File", installer, "-Dir", dir, "-From", place]
    : ["sh", installer, "--dir", dir, "--from", place];
  const { status, out, error } = await run(shell ?? "", args, process.env);
  if (status !== 0) throw new ReleaseFault(`the installer failed: ${error.trim()}`);
  if (/^Not checked/m.test(out)) console.error("The installer found no tool for the signature.");
  return join(dir, isWindows ? "barnacle.exe" : "barnacle");
}

/** Runs the program with an empty home, and without variables of this machine. */
function runProgram(program: string, args: readonly string[], home: string) {
  const { SYSTEMROOT, PATH } = process.env;
  return run(program, args, { HOME: home, USERPROFILE: home, SYSTEMROOT, PATH });
}

async function run(program: string, args: readonly string[], env: typeof process.env) {
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  const closed = once(child, "close");
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { status: child.exitCode, out, error };
}

function readJson(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // which the caller reports with the program's own words
  }
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const place = args.find((arg) => !arg.startsWith("--"));
  const named = args.find((arg) => arg.startsWith("--key="))?.slice("--key=".length);
  const key = named ?? join(import.meta.dirname ?? ".", "..", "..", "packaging", "release.pub");
  if (place === undefined || !existsSync(key)) {
    console.error(
      place === undefined
        ? "Name the folder or the address of a release: check_release.ts dist/release"
        : `There is no ${key}. Name the public key: --key=<file>`,
    );
    process.exitCode = 2;
    return;
  }
  const publicKey = readFileSync(key, "utf8").trim().split("\n").at(-1) ?? "";
  try {
    await checkRelease({ place, publicKey, say: console.log });
  } catch (error) {
    if (!(error instanceof ReleaseFault || error instanceof SignatureError)) throw error;
    console.error(`This is no good release: ${error.message}`);
    process.exitCode = 1;
  }
}

if (import.meta.main) await main();
