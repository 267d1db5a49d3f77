/**
 * Builds the package of Debian, Ubuntu and Raspberry Pi OS by `dpkg-deb`: program, unit and user.
 * The same files give the same bytes.
 *
 * The package starts no bot: a bot needs a token first. Data and config stay when it is removed.
 */

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";

/** Debian's names of our platforms. */
export const DEBIAN_ARCHITECTURES: Readonly<Record<string, string>> = {
  "linux-x64": "amd64",
  "linux-arm64": "arm64",
};

export interface DebianPackage {
  /** Of Debian: `"amd64"`. */
  readonly architecture: string;
  readonly version: string;
  /** Path of the program. */
  readonly program: string;
  /** The folder `packaging` of the project. */
  readonly packaging: string;
  readonly homepage: string;
  /** The project's LICENSE. */
  readonly licence: string;
  /** The project's NOTICE. */
  readonly notice: string;
  /** Time of all files, in seconds. */
  readonly seconds: number;
  /** Level of compression, 0 to 9. */
  readonly level: number;
}

/**
 * Builds a package.
 *
 * @param target Folder for the package.
 * @returns Name of the package: `"barnacle_1.0.0_amd64.deb"`.
 */
export function buildDeb(deb: DebianPackage, target: string): string {
  const root = mkdtempSync(join(tmpdir(), "barnacle-deb-"));
  try {
    fill(root, deb);
    const name = `barnacle_${deb.version}_${deb.architecture}.deb`;
    const flags = ["--root-owner-group", "--threads-max=1", "-Zxz", `-z${deb.level}`];
    execFileSync("dpkg-deb", [...flags, "--build", root, join(target, name)], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, SOURCE_DATE_EPOCH: String(deb.seconds) },
    });
    return name;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function fill(root: string, deb: DebianPackage): void {
  const { packaging } = deb;
  const write = (path: string, content: string | Uint8Array, mode = 0o644): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    chmodSync(join(root, path), mode);
  };
  const text = (path: string): string => readFileSync(join(packaging, path), "utf8");
  write("usr/bin/barnacle", "", 0o755);
  copyFileSync(deb.program, join(root, "usr/bin/barnacle"));
  chmodSync(join(root, "usr/bin/barnacle"), 0o755);
  write("usr/lib/systemd/system/barnacle.service", packagedUnit(text("systemd/barnacle.service")));
  write("usr/lib/sysusers.d/barnacle.conf", text("systemd/barnacle.sysusers.conf"));
  write("usr/share/doc/barnacle/copyright", deb.licence);
  write("usr/share/doc/barnacle/NOTICE.gz", gzipSync(deb.notice, { level: 9 }));
  write("usr/share/doc/barnacle/changelog.gz", gzipSync(changelog(deb), { level: 9 }));
  for (const name of ["postinst", "prerm", "postrm"]) {
    write(`DEBIAN/${name}`, text(`debian/${name}`), 0o755);
  }
  const size = Math.ceil(statSync(deb.program).size / 1_024) + 200;
  write(
    "DEBIAN/control",
    text("debian/control").replace("@VERSION@", debianVersion(deb)).replace(
      "@SIZE_KB@",
      String(size),
    )
      .replace("@ARCHITECTURE@", deb.architecture).replace("@HOMEPAGE@", deb.homepage),
  );
  settle(root, deb.seconds);
}

/** The unit for a program that a package manager has installed. */
export function packagedUnit(unit: string): string {
  return unit.replaceAll("/usr/local/bin/barnacle", "/usr/bin/barnacle")
    .replace("# /etc/systemd/", "# /usr/lib/systemd/");
}

/** Debian puts a preview before its version only with a tilde. */
function debianVersion({ version }: DebianPackage): string {
  return version.replace("-", "~");
}

function changelog(deb: DebianPackage): string {
  const { seconds } = deb;
  const date = new Date(seconds * 1_000).toUTCString().replace("GMT", "+0000");
  const author = "The Barnacle authors <barnacle@localhost>";
  return `barnacle (${
    debianVersion(deb)
  }) stable; urgency=medium\n\n  * See CHANGELOG.md of the project.\n\n` +
    ` -- ${author}  ${date}\n`;
}

/** Gives folders one mode and everything one time, whatever the umask and the clock say. */
function settle(folder: string, seconds: number): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) settle(path, seconds);
    else utimesSync(path, seconds, seconds);
  }
  utimesSync(folder, seconds, seconds);
}
