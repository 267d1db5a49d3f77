/**
 * Builds the container image without a daemon: an archive with an OCI layout, which also has the
 * list that older versions of Docker load.
 *
 * `deno run -A scripts/release/pack/image.ts x64 arm64` takes the binaries in `dist` and writes
 * `dist/barnacle-image-x64.tar` and `dist/barnacle-image-arm64.tar`. The image has the binary, the
 * libraries that it needs, and certificates; neither a shell nor a package manager. The libraries and
 * the certificates are those of the Debian packages on this machine, which the image's labels name
 * with their versions. The same commit with the same packages gives the same bytes.
 */

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { archive, packLayer, put, writeLayout } from "./oci_layout.ts";

const ROOT = join(import.meta.dirname ?? ".", "..", "..", "..");

/** User and group of the bot in the image; distroless images have the same for `nonroot`. */
const USER = 65_532;
const CERTIFICATES = "/usr/share/ca-certificates/mozilla";

/** A processor of the image, with the Debian packages that have its libraries. */
interface Machine {
  readonly architecture: string;
  /** Folder of the libraries on this machine. */
  readonly libraries: string;
  /** Folder of the libraries in the image, which its loader searches. */
  readonly place: string;
  /** Path that the binary names as its loader. */
  readonly loader: string;
  readonly packages: readonly string[];
}

/** The machines of the image, in the names of `scripts/compile.ts` without `linux-`. */
export const MACHINES: Readonly<Record<string, Machine>> = {
  x64: {
    architecture: "amd64",
    libraries: "/lib/x86_64-linux-gnu",
    place: "lib/x86_64-linux-gnu",
    loader: "lib64/ld-linux-x86-64.so.2",
    packages: ["ca-certificates", "libc6", "libgcc-s1"],
  },
  arm64: {
    architecture: "arm64",
    libraries: "/usr/aarch64-linux-gnu/lib",
    place: "lib/aarch64-linux-gnu",
    loader: "lib/ld-linux-aarch64.so.1",
    packages: ["ca-certificates", "libc6-arm64-cross", "libgcc-s1-arm64-cross"],
  },
};

/** The libraries that the binary names; glibc loads the last one itself when a thread is cancelled. */
const LIBRARIES = ["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "libgcc_s.so.1"];

export interface ImageParts {
  /** Key of {@link MACHINES}. */
  readonly machine: string;
  /** Path of the binary. */
  readonly binary: string;
  readonly version: string;
  readonly commit: string;
  /** Time of the commit, in ISO 8601. */
  readonly createdAt: string;
  /** Debian packages with their versions: `"libc6=2.36-9"`. */
  readonly packages: readonly string[];
}

export interface BuiltImage {
  readonly path: string;
  readonly bytes: number;
  readonly unpackedBytes: number;
}

/** The parts on this machine. @throws {Error} With a sentence about a missing one. */
export function partsOf(machine: string, binary: string): ImageParts {
  const known = MACHINES[machine];
  if (known === undefined) {
    throw new Error(`No image for "${machine}": write ${Object.keys(MACHINES).join(" or ")}`);
  }
  if (!existsSync(binary)) {
    throw new Error(`No binary ${binary}: deno task compile linux-${machine} makes it`);
  }
  const git = (...args: readonly string[]) =>
    execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();
  const { version } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
  return {
    machine,
    binary,
    version,
    commit: git("rev-parse", "HEAD"),
    createdAt: new Date(git("log", "-1", "--format=%cI")).toISOString(),
    packages: known.packages.map(withVersion),
  };
}

/** `"libc6"` becomes `"libc6=2.36-9"`. */
function withVersion(name: string): string {
  try {
    const version = execFileSync("dpkg-query", ["-W", "-f=${Version}", name], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    if (version !== "") return `${name}=${version}`;
  } catch {
    // Not installed, or no Debian.
  }
  throw new Error(`The image needs the Debian package ${name}: apt-get install ${name}`);
}

/** Writes the image as an archive. */
export function buildImage(parts: ImageParts, out: string): BuiltImage {
  const work = mkdtempSync(join(tmpdir(), "barnacle-image-"));
  try {
    const layers = [
      packLayer(work, "system", 0, (root) => putSystem(root, parts)),
      packLayer(work, "data", USER, putData),
      packLayer(work, "program", 0, (root) => {
        put(root, "usr/bin/barnacle", readFileSync(parts.binary), 0o755);
        for (const name of ["LICENSE", "NOTICE"]) {
          put(root, `usr/share/doc/barnacle/${name}`, readFileSync(join(ROOT, name)));
        }
      }),
    ];
    const { version } = parts;
    writeLayout(join(work, "layout"), {
      name: "barnacle",
      version,
      config: configOf(parts),
      layers,
    });
    mkdirSync(dirname(out), { recursive: true });
    archive(join(work, "layout"), out, 0);
    const unpackedBytes = layers.reduce((sum, { unpackedBytes }) => sum + unpackedBytes, 0);
    return { path: out, bytes: statSync(out).size, unpackedBytes };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function putSystem(root: string, { machine, packages }: ImageParts): void {
  const { libraries, place, loader } = MACHINES[machine] ?? fail(machine);
  mkdirSync(join(root, place), { recursive: true });
  for (const name of LIBRARIES) {
    copyFileSync(join(libraries, name), join(root, place, name));
    chmodSync(join(root, place, name), 0o755);
  }
  put(root, loader, readFileSync(realpathSync(join(libraries, basename(loader)))), 0o755);
  const certificates = readdirSync(CERTIFICATES).filter((name) => name.endsWith(".crt")).sort();
  const text = certificates.map((name) => readFileSync(join(CERTIFICATES, name), "utf8").trim());
  put(root, "etc/ssl/certs/ca-certificates.crt", `${text.join("\n")}\n`);
  put(root, "etc/passwd", `root:x:0:0::/:/nologin\nbarnacle:x:${USER}:${USER}::/data:/nologin\n`);
  put(root, "etc/group", `root:x:0:\nbarnacle:x:${USER}:\n`);
  put(root, "etc/nsswitch.conf", "hosts: files dns\n");
  for (const name of packages.map((one) => one.split("=")[0] ?? one)) {
    put(root, `usr/share/doc/${name}/copyright`, readFileSync(`/usr/share/doc/${name}/copyright`));
  }
  for (const name of ["dev", "proc", "sys", "tmp"]) mkdirSync(join(root, name));
  chmodSync(join(root, "tmp"), 0o1777);
}

/** The bot's own folders; a volume on one of them gets its owner and mode. */
function putData(root: string): void {
  for (const name of ["data", "config"]) {
    mkdirSync(join(root, name));
    chmodSync(join(root, name), 0o700);
  }
}

function fail(machine: string): never {
  throw new Error(`No image for "${machine}"`);
}

/** https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md, and Docker's `Healthcheck`. */
function configOf({ machine, version, commit, createdAt, packages }: ImageParts): object {
  const { architecture } = MACHINES[machine] ?? fail(machine);
  const program = "/usr/bin/barnacle";
  const second = 1_000_000_000; // in nanoseconds
  return {
    created: createdAt,
    architecture,
    os: "linux",
    config: {
      User: `${USER}:${USER}`,
      Env: ["PATH=/usr/bin", "BARNACLE_DATA=/data", "BARNACLE_CONFIG=/config/config.jsonc"],
      Entrypoint: [program],
      Cmd: ["run"],
      WorkingDir: "/data",
      Volumes: { "/data": {} },
      StopSignal: "SIGTERM",
      Healthcheck: {
        Test: ["CMD", program, "status", "--quiet"],
        Interval: 60 * second,
        Timeout: 10 * second,
        StartPeriod: 120 * second,
        Retries: 3,
      },
      Labels: {
        "org.opencontainers.image.title": "Barnacle",
        "org.opencontainers.image.description": "An AI agent for Discord",
        "org.opencontainers.image.licenses": "MIT",
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.revision": commit,
        "barnacle.packages": packages.join(" "),
      },
    },
  };
}

function main(args: readonly string[]): void {
  const wanted = args.filter((arg) => !arg.startsWith("--"));
  const dist = args.find((arg) => arg.startsWith("--dist="))?.slice("--dist=".length) ?? "dist";
  for (const machine of wanted.length > 0 ? wanted : Object.keys(MACHINES)) {
    const parts = partsOf(machine, join(dist, `barnacle-linux-${machine}`));
    const image = buildImage(parts, join(dist, `barnacle-image-${machine}.tar`));
    const [packed, whole] = [image.bytes, image.unpackedBytes].map((bytes) =>
      (bytes / 1e6).toFixed(1)
    );
    console.log(`${image.path}  ${packed} MB, unpacked ${whole} MB; ${parts.packages.join(", ")}`);
  }
}

if (import.meta.main) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
