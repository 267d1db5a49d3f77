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
import { join, resolve } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { SELF_SIGNED_CERT, SELF_SIGNED_KEY } from "../network/self_signed.ts";
import { LOCALHOST_CERT, LOCALHOST_KEY } from "../network/test_ca.ts";
import { freePort } from "../network/free_port.ts";
import { skipUnless } from "../skip.ts";

/** Where Debian puts its versions. */
const ROOT = "/usr/lib/postgresql";

/** Folders with programs of a server, not of a client only: the newest version first. */
const [bin = ""] = (existsSync(ROOT) ? readdirSync(ROOT) : [])
  .sort((one, other) => Number(other) - Number(one))
  .map((version) => join(ROOT, version, "bin"))
  .filter((folder) => existsSync(join(folder, "postgres")));

/** For tests that need PostgreSQL. */
export const NEEDS_POSTGRES = skipUnless(
  bin !== "",
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
  const { status, stderr, error } = spawnSync(...asUser(resolve(bin, program), args), {
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
 * @param tls `self-signed`, `signed` by the test authority for localhost and 127.0.0.1, or `none`.
 */
export async function startPostgres(
  { isDurable = false, parent = tmpdir(), tls = "self-signed" }: {
    readonly isDurable?: boolean;
    readonly parent?: string;
    readonly tls?: "self-signed" | "signed" | "none";
  } = {},
) {
  const folder = mkdtempSync(join(parent, "barnacle-pg-"));
  const data = join(folder, "data");
  const files = {
    password: [join(folder, "password"), PASSWORD],
    cert: [join(folder, "cert.pem"), tls === "signed" ? LOCALHOST_CERT : SELF_SIGNED_CERT],
    key: [join(folder, "key.pem"), tls === "signed" ? LOCALHOST_KEY : SELF_SIGNED_KEY],
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

  async function launch(folderOfData: string, portOfServer: number) {
    const settings = {
      port: portOfServer,
      listen_addresses: "127.0.0.1,::1",
      unix_socket_directories: folder,
      fsync: isDurable ? "on" : "off",
      ssl: tls === "none" ? "off" : "on",
      ssl_cert_file: files.cert[0],
      ssl_key_file: files.key[0],
    };
    const given = Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
    const launched = spawn(...asUser(join(bin, "postgres"), ["-D", folderOfData, ...given]), {
      cwd: "/",
      stdio: "ignore",
      env: { PATH: process.env["PATH"], LC_ALL: "C" },
    });
    const deadline = performance.now() + START_MS;
    for (;;) {
      const there = ["-h", "127.0.0.1", "-p", `${portOfServer}`];
      if (spawnSync(join(bin, "pg_isready"), there).status === 0) return launched;
      if (performance.now() > deadline) throw new Error("PostgreSQL does not start");
      await sleep(50);
    }
  }

  async function start(): Promise<void> {
    server = await launch(data, port);
  }

  /** @param signal SIGINT ends connections; SIGQUIT is a crash. */
  async function stop(signal: "SIGINT" | "SIGQUIT" = "SIGINT"): Promise<void> {
    if (!server) return;
    await ending(server, signal);
    server = undefined;
  }

  /** The files as they were kept. */
  const kept = join(folder, "kept");

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
    sql(url: string, statements: string): void {
      run("psql", ["--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", url, "-c", statements]);
    },
    /** Keeps a copy of all files, as a backup does. It stops the server for a moment. */
    async keep(): Promise<void> {
      await stop();
      rmSync(kept, { recursive: true, force: true });
      run("/bin/cp", ["-a", data, kept]);
      await start();
    },
    /** Gives a folder to the user that it runs as. */
    own(path: string): void {
      if (process.geteuid?.() === 0) chownSync(path, NOBODY, NOBODY);
    },
    /** Starts a replica that has everything so far, and then gets no more. */
    async replica() {
      const files = join(folder, "replica");
      await stop();
      run("/bin/cp", ["-a", data, files]);
      run("/bin/touch", [join(files, "standby.signal")]);
      await start();
      const portOfReplica = await freePort();
      const replica = await launch(files, portOfReplica);
      return {
        /** The address there of a database. */
        addressOf: (url: string) => url.replace(`:${port}/`, `:${portOfReplica}/`),
        async [Symbol.asyncDispose]() {
          await ending(replica, "SIGQUIT");
          rmSync(files, { recursive: true, force: true });
        },
      };
    },
    /** Starts a replica that follows the server, and that can be promoted. */
    async follower() {
      const files = join(folder, "follower");
      const from = ["-d", address(), "-D", files, "--checkpoint=fast"];
      run("pg_basebackup", [...from, "--write-recovery-conf", "--no-sync"]);
      const portOfFollower = await freePort();
      let follower: ReturnType<typeof spawn> | undefined = await launch(files, portOfFollower);
      const local = ["-h", "127.0.0.1", "-p", `${portOfFollower}`, "-U", "bot", "-d", "postgres"];
      const end = async (): Promise<void> => {
        if (follower) await ending(follower, "SIGINT");
        follower = undefined;
      };
      return {
        port: portOfFollower,
        stop: end,
        async start(): Promise<void> {
          follower = await launch(files, portOfFollower);
        },
        /** Makes it a server that takes changes. */
        promote: () => run("psql", [...local, "--quiet", "-c", "SELECT pg_promote()"]),
        async [Symbol.asyncDispose]() {
          await end();
          rmSync(files, { recursive: true, force: true });
        },
      };
    },
    /** Puts the kept files into the place of the newer ones, as a fail-over to an old replica does. */
    async goBack(): Promise<void> {
      await stop("SIGQUIT");
      rmSync(data, { recursive: true, force: true });
      run("/bin/cp", ["-a", kept, data]);
      await start();
    },
    start,
    stop,
    async close(): Promise<void> {
      await stop("SIGQUIT");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ending(server: ReturnType<typeof spawn>, signal: "SIGINT" | "SIGQUIT") {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.once("exit", () => resolve());
  server.kill(signal);
  await promise;
}

/** A running server. */
export type Postgres = Awaited<ReturnType<typeof startPostgres>>;
