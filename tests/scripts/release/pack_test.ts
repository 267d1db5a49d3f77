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
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { unzipSync } from "fflate";
import { parse } from "yaml";
import { z } from "zod";
import { buildDeb } from "../../../scripts/release/pack/deb.ts";
import { packRelease } from "../../../scripts/release/pack/pack.ts";
import { RELEASE_TARGETS } from "../../../scripts/release/runtimes.ts";
import { fillTemplate, TEMPLATES } from "../../../scripts/release/pack/templates.ts";
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

  it("puts program, man page and licences into each archive", () => {
    const texts = ["LICENSE", "NOTICE", "barnacle.1"];
    const linux = run("tar", ["-tvJf", path("barnacle-linux-x64.tar.xz")]).out;
    assert.deepEqual(linux.match(/\S+$/gm), [
      ...["LICENSE", "NOTICE", "barnacle", "barnacle.1", "barnacle.service"],
      "barnacle.sysusers.conf",
    ]);
    assert.match(linux, /-rwxr-xr-x 0\/0 .* barnacle$/m);
    const mac = run("tar", ["-tJf", path("barnacle-darwin-arm64.tar.xz")]).out;
    assert.deepEqual(mac.trim().split("\n").sort(), [...texts, "barnacle"].sort());
    const windows = unzipSync(readFileSync(path("barnacle-windows-x64.zip")));
    assert.deepEqual(Object.keys(windows).sort(), [...texts, "barnacle.exe"].sort());
  });

  it("has the files of Docker Compose, for the image of this version", () => {
    assert.match(read("docker-compose.yml"), /^ {4}image: barnacle:\d+\.\d+\.\d+$/m);
    assert.match(read("config.jsonc"), /"model": "ollama\//);
  });

  it("leaves no placeholder", () => {
    for (const name of Object.values(TEMPLATES)) {
      assert.doesNotMatch(read(name), /@[A-Z0-9_]+[@(]/, name);
    }
  });

  describe("the Debian package", () => {
    const deb = `barnacle_${VERSION}_amd64.deb`;

    it("has no fault that lintian knows", needs("lintian", "--version"), () => {
      const bad = join(place.path, "bad");
      run("dpkg-deb", ["-R", path(deb), bad]);
      const control = join(bad, "DEBIAN", "control");
      const text = readFileSync(control, "utf8");
      writeFileSync(control, text.replace("barnacle", "bad").replace("Section: net", "Section: n"));
      run("dpkg-deb", ["--root-owner-group", "-b", bad, join(place.path, "bad.deb")]);
      const { out, all } = run("lintian", [path(deb), join(place.path, "bad.deb")]);
      assert.doesNotMatch(out, /^[EW]: barnacle:/m, all);
      assert.match(out, /^W: bad: unknown-section n$/m, all);
    });

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
    const aur = run("shellcheck", ["-s", "bash", path("PKGBUILD")]);
    assert.equal(aur.status, 0, aur.all);
  });

  it("makes a formula that Ruby reads", needs("ruby", "--version"), () => {
    assert.equal(run("ruby", ["-c", path("barnacle.rb")]).out, "Syntax OK\n");
    const bad = join(place.path, "bad.rb");
    writeFileSync(bad, read("barnacle.rb").replace("def install", "def install("));
    assert.notEqual(run("ruby", ["-c", bad]).status, 0);
  });

  it(
    "makes a formula whose methods Homebrew has, with the hash of each file",
    needs("ruby", "--version"),
    () => {
      const { status, out, all } = run("ruby", ["-e", FORMULA_READER, path("barnacle.rb")]);
      assert.equal(status, 0, all);
      assert.deepEqual(JSON.parse(out), {
        version: [VERSION],
        license: ["MIT"],
        homepage: ["https://example.org/owner/barnacle"],
        files: ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64"].map((platform) => [
          `${RELEASES}/download/v${VERSION}/barnacle-${platform}.tar.xz`,
          sumOf(`barnacle-${platform}.tar.xz`),
        ]),
      });
    },
  );

  it("makes a flake that Nix reads", needs("nix-instantiate", "--version"), () => {
    const env = {
      HOME: place.path,
      NIX_STATE_DIR: join(place.path, "nix"),
      NIX_STORE_DIR: join(place.path, "store"),
    };
    const good = run("nix-instantiate", ["--parse", path("flake.nix")], undefined, env);
    assert.equal(good.status, 0, good.all);
    for (const platform of ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"]) {
      assert.ok(
        read("flake.nix").includes(
          `"${platform}"; sha256 = "${sumOf(`barnacle-${platform}.tar.xz`)}"`,
        ),
      );
    }
    const bad = join(place.path, "bad.nix");
    writeFileSync(bad, read("flake.nix").replace("in\n", "\n"));
    assert.notEqual(run("nix-instantiate", ["--parse", bad], undefined, env).status, 0);
  });

  it("makes a PKGBUILD that makepkg reads", needs("makepkg", "--version"), () => {
    const build = join(place.path, "aur");
    mkdirSync(build);
    writeFileSync(join(build, "PKGBUILD"), read("PKGBUILD"));
    // makepkg refuses root.
    const user = process.getuid?.() === 0
      ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
      : ["env"];
    chmodSync(place.path, 0o755);
    chmodSync(build, 0o777);
    const [first = "", ...rest] = [...user, "makepkg", "--printsrcinfo"];
    const { out, all } = run(first, rest, build, { HOME: build, PACMAN: "true" });
    assert.match(out, /^pkgbase = barnacle-bin\n\tpkgdesc = AI agent/, all);
    assert.ok(out.includes(`\tsha256sums_x86_64 = ${sumOf("barnacle-linux-x64.tar.xz")}\n`), out);
    assert.ok(
      out.includes(`\tsha256sums_aarch64 = ${sumOf("barnacle-linux-arm64.tar.xz")}\n`),
      out,
    );
  });

  it("makes manifests by winget's schema", () => {
    const yaml = (name: string): unknown => parse(read(name));
    const base = "Barnacle.Barnacle";
    assert.deepEqual(winget.version.parse(yaml(`${base}.yaml`)).DefaultLocale, "en-US");
    winget.locale.parse(yaml(`${base}.locale.en-US.yaml`));
    const { Installers } = winget.installer.parse(yaml(`${base}.installer.yaml`));
    assert.deepEqual(
      Installers.map(({ Architecture, InstallerSha256 }) => [Architecture, InstallerSha256]),
      ["x64", "arm64"].map((cpu) => [cpu, sumOf(`barnacle-windows-${cpu}.zip`)]),
    );
    assert.throws(() => winget.version.parse({ ...(yaml(`${base}.yaml`) as object), More: 1 }));
  });

  function sumOf(name: string): string {
    return createHash("sha256").update(readFileSync(path(name))).digest("hex");
  }
});

describe("fillTemplate()", () => {
  const values = {
    version: "1.0.0-rc.1",
    date: "2026-11-23",
    releases: RELEASES,
    publicKey: "RWQ+/=",
    roomKb: 7,
    sums: new Map([["a.tar.xz", "00ff"]]),
  };

  it("fills values and hashes, and leaves everything else", () => {
    const text = "@VERSION@ @ARCH_VERSION@ @ROOM_KB@ @PUBLIC_KEY@ @SHA256(a.tar.xz)@ a@b.c $@ @x@";
    assert.equal(fillTemplate(text, values), "1.0.0-rc.1 1.0.0_rc.1 7 RWQ+/= 00ff a@b.c $@ @x@");
  });

  for (const place of ["@SHA256(b.tar.xz)@", "@NOTHING@"]) {
    it(`refuses ${place}`, () => {
      assert.throws(() => fillTemplate(place, values), {
        message: `the release has no value for ${place}`,
      });
    });
  }
});

/** Runs the formula with the methods of Homebrew that it may use; another one is an error. */
const FORMULA_READER = `
require "json"
$found = { files: [] }
class Formula
  class << self
    def desc(text) = text.length <= 80 || raise("desc is too long")
    %i[homepage version license].each { |name| define_method(name) { |text| ($found[name] ||= []) << text } }
    %i[on_macos on_linux on_arm on_intel].each { |name| define_method(name) { |&block| block.call } }
    def url(text) = $found[:files] << [text]
    def sha256(text) = $found[:files].last << text
    def service(&block) = block
    def test(&block) = block
  end
end
load ARGV[0]
Barnacle.instance_method(:install)
puts JSON.generate($found)
`;

/** Keys of winget's manifests 1.10 that we use. */
const winget = (() => {
  const common = {
    PackageIdentifier: z.literal("Barnacle.Barnacle"),
    PackageVersion: z.literal(VERSION),
    ManifestVersion: z.literal("1.10.0"),
  };
  const url = z.url({ protocol: /^https$/ });
  return {
    version: z.strictObject({
      ...common,
      DefaultLocale: z.string(),
      ManifestType: z.literal("version"),
    }),
    locale: z.strictObject({
      ...common,
      PackageLocale: z.literal("en-US"),
      Publisher: z.string().min(2),
      PackageName: z.string().min(2),
      PackageUrl: url,
      License: z.literal("MIT"),
      LicenseUrl: url,
      ShortDescription: z.string().min(3).max(256),
      ReleaseNotesUrl: url,
      Tags: z.array(z.string().min(1).max(40)).max(16),
      ManifestType: z.literal("defaultLocale"),
    }),
    installer: z.strictObject({
      ...common,
      InstallerType: z.literal("zip"),
      NestedInstallerType: z.literal("portable"),
      NestedInstallerFiles: z.tuple([
        z.strictObject({
          RelativeFilePath: z.literal("barnacle.exe"),
          PortableCommandAlias: z.literal("barnacle"),
        }),
      ]),
      Commands: z.array(z.string()),
      ReleaseDate: z.iso.date(),
      Installers: z.array(z.strictObject({
        Architecture: z.enum(["x64", "arm64", "x86"]),
        InstallerUrl: url,
        InstallerSha256: z.string().regex(/^[0-9a-f]{64}$/),
      })).min(1),
      ManifestType: z.literal("installer"),
    }),
  };
})();
