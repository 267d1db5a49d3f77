/** Makes a release of small programs, and gives each file to the tool that will read it. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { unzipSync } from "fflate";
import { buildDeb } from "../../../scripts/release/pack/deb.ts";
import { packRelease, TEMPLATES } from "../../../scripts/release/pack/pack.ts";
import { RELEASE_TARGETS } from "../../../scripts/release/runtimes.ts";
import { newSigner } from "../../support/release/signer.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const VERSION = "1.2.3";
const RELEASES = "https://example.org/owner/barnacle/releases";
const PACKAGING = join(import.meta.dirname!, "../../../packaging");

function run(name: string, args: readonly string[], cwd?: string, env?: Record<string, string>) {
  const { error, status, stdout, stderr } = spawnSync(name, args, {
    encoding: "utf8",
    cwd,
    env: { ...process.env, ...env },
  });
  return { isHere: error === undefined, status, out: stdout ?? "", all: `${stdout}${stderr}` };
}

const needs = (name: string, ...args: string[]) =>
  skipUnless(run(name, args).isHere, `${name} is not installed`);

describe("[SEC-R37] packRelease()", needs("dpkg-deb", "--version"), () => {
  const place = tempDirectory();
  const publicKey = newSigner().publicKey;
  const folder = join(place.path, "release");
  const path = (name: string) => join(folder, name);
  const read = (name: string) => readFileSync(path(name), "utf8");

  function pack(into: string): void {
    mkdirSync(into);
    for (const platform of RELEASE_TARGETS) {
      const name = `barnacle-${platform}${platform.startsWith("windows") ? ".exe" : ""}`;
      writeFileSync(join(into, name), `#!/bin/sh\necho "barnacle ${VERSION}, ${platform}"\n`);
      chmodSync(join(into, name), 0o755);
    }
    const seconds = Date.UTC(2026, 10, 23, 12) / 1_000;
    packRelease({
      folder: into,
      version: VERSION,
      releases: RELEASES,
      publicKey,
      seconds,
      level: 0,
    });
  }

  before(() => pack(folder));
  after(() => place[Symbol.dispose]());

  it("lists each file with its checksum", () => {
    const lines = read("SHA256SUMS").trim().split("\n").map((line) => line.split("  "));
    const names = readdirSync(folder).filter((name) => name !== "SHA256SUMS").sort();
    assert.deepEqual(lines.map(([, name]) => name), names);
    for (const [sum, name] of lines) {
      assert.equal(sum, createHash("sha256").update(readFileSync(path(name!))).digest("hex"), name);
    }
  });

  it("makes the same bytes again, with another umask and in another time zone", () => {
    const other = join(place.path, "again");
    const umask = process.umask(0o077);
    const zone = process.env["TZ"];
    process.env["TZ"] = "Pacific/Kiritimati";
    try {
      pack(other);
    } finally {
      process.umask(umask);
      if (zone === undefined) delete process.env["TZ"];
      else process.env["TZ"] = zone;
    }
    assert.equal(readFileSync(join(other, "SHA256SUMS"), "utf8"), read("SHA256SUMS"));
  });

  it("refuses a folder without the program of a platform", () => {
    const empty = join(place.path, "empty");
    mkdirSync(empty);
    const plan = { folder: empty, version: VERSION, releases: RELEASES, publicKey };
    assert.throws(
      () => packRelease({ ...plan, seconds: 0, level: 0 }),
      /is missing: compile it first/,
    );
  });

  it("puts program and licences into each archive", () => {
    const texts = ["LICENSE", "NOTICE"];
    const linux = run("tar", ["-tvJf", path("barnacle-linux-x64.tar.xz")]).out;
    assert.deepEqual(linux.match(/\S+$/gm), [
      ...texts,
      "barnacle",
      "barnacle.service",
      "barnacle.sysusers.conf",
    ]);
    assert.match(linux, /-rwxr-xr-x 0\/0 .* barnacle$/m);
    const mac = run("tar", ["-tJf", path("barnacle-darwin-arm64.tar.xz")]).out;
    assert.deepEqual(mac.trim().split("\n").sort(), [...texts, "barnacle"].sort());
    const windows = unzipSync(readFileSync(path("barnacle-windows-x64.zip")));
    assert.deepEqual(Object.keys(windows).sort(), [...texts, "barnacle.exe"].sort());
  });

  it("has the files of Docker Compose, for the image of this version", () => {
    assert.match(read("docker-compose.yml"), new RegExp(`^ {4}image: barnacle:${VERSION}$`, "m"));
    assert.match(read("config.jsonc"), /"model": "ollama\//);
  });

  it("leaves no placeholder", () => {
    for (const name of TEMPLATES) {
      assert.doesNotMatch(read(basename(name)), /@[A-Z_]+@/, name);
    }
  });

  describe("the Debian package", () => {
    const deb = `barnacle_${VERSION}_amd64.deb`;

    it("of a preview is older than the one of its version", () => {
      const program = path("barnacle-linux-x64");
      const preview = {
        version: `${VERSION}-rc.1`,
        architecture: "amd64",
        program,
        packaging: PACKAGING,
        homepage: RELEASES,
        licence: "",
        notice: "",
        seconds: 0,
        level: 0,
      };
      const name = buildDeb(preview, place.path);
      assert.equal(name, `barnacle_${VERSION}-rc.1_amd64.deb`);
      const { out } = run("dpkg-deb", ["--field", join(place.path, name), "Version"]);
      assert.equal(run("dpkg", ["--compare-versions", out.trim(), "lt", VERSION]).status, 0, out);
    });

    it("can be installed and removed, and leaves data and config", () => {
      const root = join(place.path, "root");
      const admin = join(root, "var/lib/dpkg");
      for (const name of ["info", "updates", "triggers"]) {
        mkdirSync(join(admin, name), { recursive: true });
      }
      writeFileSync(join(admin, "status"), "");
      for (const path of ["var/lib/barnacle", "etc/barnacle"]) {
        mkdirSync(join(root, path), { recursive: true });
        writeFileSync(join(root, path, "kept"), "");
      }
      const flags = [
        `--root=${root}`,
        "--force-not-root",
        "--force-depends",
        "--force-script-chrootless",
      ];
      const log = [`--log=${place.path}/dpkg.log`, "--no-triggers", "--force-architecture"];
      const dpkg = (...args: string[]) => run("dpkg", [...flags, ...log, ...args]);

      const installed = dpkg("--install", path(deb));
      assert.equal(installed.status, 0, installed.all);
      assert.match(installed.all, /Set up a bot: sudo barnacle setup/);
      if (run("systemd-sysusers", ["--version"]).isHere && process.getuid?.() === 0) {
        assert.match(readFileSync(join(root, "etc/passwd"), "utf8"), /^barnacle:x:\d+:/m);
      }
      assert.equal(run(join(root, "usr/bin/barnacle"), []).out, `barnacle ${VERSION}, linux-x64\n`);
      const unit = readFileSync(join(root, "usr/lib/systemd/system/barnacle.service"), "utf8");
      assert.match(unit, /^ExecStart=\/usr\/bin\/barnacle run$/m);
      assert.match(unit, /^ExecPaths=\/usr\/bin\/barnacle /m);
      assert.doesNotMatch(unit, /\/usr\/local/);

      const removed = dpkg("--purge", "barnacle");
      assert.equal(removed.status, 0, removed.all);
      assert.ok(!existsSync(join(root, "usr/bin/barnacle")));
      assert.ok(existsSync(join(root, "var/lib/barnacle/kept")));
      assert.ok(existsSync(join(root, "etc/barnacle/kept")));
    });
  });

  it("makes scripts without a fault", needs("shellcheck", "--version"), () => {
    const names = ["postinst", "prerm", "postrm"].map((name) => join(PACKAGING, "debian", name));
    const { status, all } = run("shellcheck", ["-s", "sh", path("install.sh"), ...names]);
    assert.equal(status, 0, all);
  });
});
