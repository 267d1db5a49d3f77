/**
 * Runs a real PostgreSQL of the system, in a temporary folder, with a new database for each test.
 *
 * PostgreSQL refuses to run as root. So it runs as `nobody` if the tests run as root.
 */

import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { SELF_SIGNED_CERT, SELF_SIGNED_KEY } from "../network/self_signed.ts";
import { freePort } from "../network/free_port.ts";
import { skipUnless } from "../skip.ts";

/** Where Debian puts its versions. */
const ROOT = "/usr/lib/postgresql";

/** The folder of the newest version's programs. */
const [version] = existsSync(ROOT)
  ? readdirSync(ROOT).sort((one, other) => Number(other) - Number(one))
  : [];
const bin = join(ROOT, version ?? "none", "bin");

/** For tests that need PostgreSQL. */
export const NEEDS_POSTGRES = skipUnless(
  existsSync(join(bin, "postgres")),
  `no PostgreSQL in ${ROOT}`,
);

/** Milliseconds until a server that was started must answer. */
const START_MS = 60_000;
const NOBODY = 65_534;
const PASSWORD = "correct horse";

/** As the user that PostgreSQL may run as. */
function asUser(program: string, args: readonly string[]): readonly [string, readonly string[]] {
  if (process.geteuid?.() !== 0) return [program, args];
  const user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
  return ["setpriv", [...user, program, ...args]];
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(...asUser(join(bin, program), args), {
    cwd: "/",
    env: { PATH: process.env["PATH"], PGPASSWORD: PASSWORD, LC_ALL: "C" },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${program} failed: ${error ?? stderr}`);
}

/**
 * Starts a server.
 *
 * @param isDurable Whether its commits survive a power cut. A test's folder lives as long as the test.
 * @param parent The folder for its files.
 */
export async function startPostgres({ isDurable = false, parent = tmpdir() } = {}) {
  const folder = mkdtempSync(join(parent, "barnacle-pg-"));
  const data = join(folder, "data");
  const files = {
    password: [join(folder, "password"), PASSWORD],
    cert: [join(folder, "cert.pem"), SELF_SIGNED_CERT],
    key: [join(folder, "key.pem"), SELF_SIGNED_KEY],
  } as const;
  for (const [path, text] of Object.values(files)) {
    writeFileSync(path, text, { mode: 0o600 });
    if (process.geteuid?.() === 0) chownSync(path, NOBODY, NOBODY);
  }
  if (process.geteuid?.() === 0) chownSync(folder, NOBODY, NOBODY);
  chmodSync(folder, 0o700);
  const password = `--pwfile=${files.password[0]}`;
  run("initdb", ["-D", data, "-U", "bot", "-A", "scram-sha-256", password, "--no-sync"]);
  const port = await freePort();
  let server: ReturnType<typeof spawn> | undefined;
  let databases = 0;

  const address = (user = "bot", secret = PASSWORD, name = "postgres") =>
    `postgres://${user}:${encodeURIComponent(secret)}@127.0.0.1:${port}/${name}`;

  async function start(): Promise<void> {
    const settings = {
      port,
      listen_addresses: "127.0.0.1",
      unix_socket_directories: folder,
      fsync: isDurable ? "on" : "off",
      ssl: "on",
      ssl_cert_file: files.cert[0],
      ssl_key_file: files.key[0],
    };
    const given = Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
    server = spawn(...asUser(join(bin, "postgres"), ["-D", data, ...given]), {
      cwd: "/",
      stdio: "ignore",
      env: { PATH: process.env["PATH"], LC_ALL: "C" },
    });
    const deadline = performance.now() + START_MS;
    for (;;) {
      const { status } = spawnSync(join(bin, "pg_isready"), ["-h", "127.0.0.1", "-p", `${port}`]);
      if (status === 0) return;
      if (performance.now() > deadline) throw new Error("PostgreSQL does not start");
      await sleep(50);
    }
  }

  /** @param signal SIGINT ends connections; SIGQUIT is a crash. */
  async function stop(signal: "SIGINT" | "SIGQUIT" = "SIGINT"): Promise<void> {
    if (!server) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    server.once("exit", () => resolve());
    server.kill(signal);
    await promise;
    server = undefined;
  }

  await start();
  return {
    port,
    /** The folder with the server's Unix socket. */
    folder,
    /** Address of a database; the parts can be wrong. */
    address,
    /** Creates a database, and returns its address. */
    create(): string {
      const name = `test${++databases}`;
      run("createdb", ["-h", "127.0.0.1", "-p", `${port}`, "-U", "bot", name]);
      return address(undefined, undefined, name);
    },
    /** Runs statements in a database. */
    sql(url: string, statements: string): void {
      run("psql", ["--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", url, "-c", statements]);
    },
    /** Starts it again. */
    start,
    stop,
    async close(): Promise<void> {
      await stop("SIGQUIT");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A running server. */
export type Postgres = Awaited<ReturnType<typeof startPostgres>>;
