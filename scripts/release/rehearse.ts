/**
 * Rehearses a release, up to the signature that only a maintainer can make: builds all platforms, makes
 * each file of a release, signs with a new key, and then uses the files from a server on loopback as a
 * user would (`as_user.ts`).
 *
 * `deno run -A scripts/release/rehearse.ts` leaves everything in `dist/rehearsal`; `--out=<folder>` names
 * another one, and `--level=0` packs fast. The version of `deno.json` gets a successor for the upgrade,
 * of the same sources.
 */

import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import { LIST_COMMENT } from "../../src/extras/upgrade/release_list.ts";
import { newSigner } from "../../tests/support/release/signer.ts";
import { tryAsUser } from "./trial/as_user.ts";
import { checkRelease } from "./check_release.ts";
import { addRelease, describeRelease } from "./release_list.ts";

const ROOT = join(import.meta.dirname ?? ".", "..", "..");
const LIST = "releases.json";

/** Runs a script by its path from the root: a test looks for each path that a file names. */
function script(path: string, ...args: readonly string[]): void {
  execFileSync(process.execPath, ["run", "-A", "--quiet", path, ...args], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
  });
}

/** The processors for which this machine has the libraries of an image. */
function imageMachines(): readonly string[] {
  if (existsSync("/usr/aarch64-linux-gnu/lib/libc.so.6")) return ["x64", "arm64"];
  console.log("skipped: the image for arm64 (Debian: libc6-arm64-cross, libgcc-s1-arm64-cross)");
  return ["x64"];
}

/** The files of folders, as a release is served: `latest/download/…`, `download/v1.0.0/…`. */
async function serve(folders: Readonly<Record<string, string>>) {
  const server = createServer(({ url = "" }, response) => {
    const path = Object.entries(folders).find(([prefix]) => url.startsWith(`/${prefix}/`))?.[1];
    const file = path === undefined ? "" : join(path, basename(url));
    if (!existsSync(file)) return void response.writeHead(404).end();
    response.writeHead(200, { "content-length": statSync(file).size });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return { address: `http://127.0.0.1:${port}`, close: () => server.close() };
}

async function main(args: readonly string[]): Promise<void> {
  const option = (name: string): string | undefined =>
    args.find((arg) => arg.startsWith(`--${name}=`))?.slice(`--${name}=`.length);
  const out = resolve(option("out") ?? join("dist", "rehearsal"));
  const { version } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
  const next = version.replace(/\d+$/, (patch: string) => String(Number(patch) + 1));
  const at = (...names: readonly string[]): string => join(out, ...names);
  rmSync(out, { recursive: true, force: true });
  for (const name of ["release", "later"]) mkdirSync(at(name), { recursive: true });

  const signer = newSigner();
  const key = at("rehearsal.pub");
  writeFileSync(key, `untrusted comment: a key of a rehearsal\n${signer.publicKey}\n`);
  const sign = (file: string, comment: string) =>
    writeFileSync(`${file}.minisig`, signer.sign(readFileSync(file), comment));

  script("scripts/compile.ts", "release", `--out=${at("built")}`, `--release-key=${key}`);
  script("scripts/release/pack/image.ts", ...imageMachines(), `--dist=${at("built")}`);
  for (const name of readdirSync(at("built")).filter((one) => one.startsWith("barnacle"))) {
    copyFileSync(at("built", name), at("release", name));
  }
  copyFileSync(join(ROOT, "NOTICE"), at("release", "NOTICE"));
  script("scripts/release/pack/sbom.ts", at("release", "barnacle.cdx.json"));
  const platform = process.arch === "arm64" ? "linux-arm64" : "linux-x64";
  const newer = [`--out=${at("later")}`, `--version=${next}`, `--release-key=${key}`];
  script("scripts/compile.ts", platform, ...newer);

  const server = await serve({
    "releases/latest/download": at("release"),
    [`releases/download/v${version}`]: at("release"),
    later: at("later"),
  });
  try {
    const releases = `${server.address}/releases`;
    const packing = [at("release"), `--releases=${releases}`, `--key=${key}`];
    script("scripts/release/pack/pack.ts", ...packing, `--level=${option("level") ?? "9"}`);
    const own = addRelease(
      undefined,
      describeRelease(at("release"), version, Date.now()),
      Date.now(),
    );
    const both = addRelease(own, describeRelease(at("later"), next, Date.now()), Date.now());
    for (const [folder, list] of [["release", own], ["later", both]] as const) {
      writeFileSync(at(folder, LIST), `${JSON.stringify(list, undefined, 2)}\n`);
      sign(at(folder, LIST), LIST_COMMENT);
    }
    sign(at("release", "SHA256SUMS"), `barnacle v${version}`);

    const { publicKey } = signer;
    for (const place of [at("release"), `${releases}/download/v${version}`]) {
      console.log(`\nFrom the outside: ${place}`);
      await checkRelease({ place, publicKey, say: (line) => console.log(`ok     ${line}`) });
    }
    console.log("\nAs a user");
    await tryAsUser({
      releases,
      later: `${server.address}/later`,
      folder: at("release"),
      version,
      next,
    });
  } finally {
    server.close();
  }
  console.log("");
  for (const name of readdirSync(at("release"))) {
    const { size } = statSync(at("release", name));
    if (size > 1e6) console.log(`${(size / 1e6).toFixed(1).padStart(6)} MB  ${name}`);
  }
}

if (import.meta.main) await main(process.argv.slice(2));
