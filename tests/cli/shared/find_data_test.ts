import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import {
  configFlag,
  dataProblem,
  type DataState,
  findData,
  useData,
} from "../../../src/cli/shared/find_data.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { acquireLock } from "../../../src/host/locks/lock.ts";
import { filesIn } from "../../../scripts/import_graph.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { recordingIo } from "../io.ts";

const OTHER = "/srv/bot";

describe("[X2] dataProblem()", () => {
  const rows: readonly [state: DataState, code: number, message: RegExp][] = [
    ["missing", 75, /^no data directory \/srv\/bot; set --data/],
    ["empty", 75, /^no store in \/srv\/bot: no bot has run with it; set --data/],
    ["hidden", 74, /^this user may not read the data directory \/srv\/bot; run the command as/],
    ["foreign", 74, /^another user controls .*: --data \/srv\/bot$/],
  ];
  for (const [state, code, message] of rows) {
    it(`names the directory and the next step: ${state}`, () => {
      const problem = dataProblem({ dataDir: OTHER, state });
      assert.equal(problem.code, code);
      assert.match(problem.message, message);
    });
  }

  it("names the owner of a directory that it cannot read", () => {
    using folder = tempDirectory();
    assert.match(
      dataProblem({ dataDir: folder.path, state: "hidden" }).message,
      /sudo -u '#\d+' barnacle …$/,
    );
  });
});

/** A directory with a store, and the environment of a user whose own directory is `own`. */
function machine(path: string) {
  const service = join(path, "service");
  mkdirSync(service, { mode: 0o700 });
  writeFileSync(join(service, DATABASE_NAME), "");
  const env = { XDG_DATA_HOME: join(path, "home") };
  const none = () => Promise.resolve([]);
  return { service, env, own: join(path, "home", "barnacle"), none };
}

/** Paths where no directory can be, by what is wrong with them. */
const NOWHERE: readonly (readonly [string, (folder: string) => string])[] = [
  ["leads through a file", (folder) => {
    writeFileSync(join(folder, "file"), "");
    return join(folder, "file", "data");
  }],
  ["is a circle of links", (folder) => {
    symlinkSync("circle", join(folder, "circle"));
    return join(folder, "circle");
  }],
  ["has too long a name", (folder) => join(folder, "x".repeat(300))],
];

describe("[X2] findData()", () => {
  it("finds the directory of the running bot by the lock of its token", async () => {
    using folder = tempDirectory();
    const { service, env } = machine(folder.path);
    const holder = { pid: 812, startedAt: 0, dataDir: service };
    const choice = await findData(undefined, { env }, {
      holders: () => Promise.resolve([holder, holder, { pid: 7, startedAt: 0 }]),
      serviceDir: join(folder.path, "none"),
    });
    assert.equal(choice.dataDir, service);
    assert.equal(choice.state, "store");
    assert.match(choice.note ?? "", /running bot \(pid 812\)/);
  });

  it("prefers the only running bot to an old directory of the user, and asks which of several", async () => {
    using folder = tempDirectory();
    const { service, env, own } = machine(folder.path);
    mkdirSync(own, { recursive: true, mode: 0o700 });
    writeFileSync(join(own, DATABASE_NAME), "");
    const found = (...dirs: readonly string[]) =>
      findData(undefined, { env }, {
        holders: () =>
          Promise.resolve(dirs.map((dataDir) => ({ pid: 812, startedAt: 0, dataDir }))),
        serviceDir: service,
      });
    assert.equal((await found(service)).dataDir, service);
    assert.deepEqual(await found(), { dataDir: own, state: "store" });
    const unread = await found(join(folder.path, "none"));
    assert.equal(unread.dataDir, own);
    assert.match(unread.note ?? "", /^Using .*, but the running bot \(pid 812\) uses /);
    await assert.rejects(found(service, own), {
      message: `several bots run on this machine; choose one: --data ${service}, --data ${own}`,
      code: 75,
    });
  });

  it("finds the directory of a stopped service", async () => {
    using folder = tempDirectory();
    const { service, env, none } = machine(folder.path);
    const choice = await findData(undefined, { env }, { holders: none, serviceDir: service });
    assert.equal(choice.dataDir, service);
  });

  it("knows the service's config by the service's data, unless a variable names another", async () => {
    using folder = tempDirectory();
    const { service, own, env, none } = machine(folder.path);
    const serviceConfig = join(folder.path, "config.jsonc");
    const ports = { holders: none, serviceDir: service, serviceConfig };
    const config = async (flag: string | undefined, more: Record<string, string> = {}) =>
      (await findData(flag, { env: { ...env, ...more } }, ports)).config;
    assert.equal(await config(undefined), undefined, "there is none yet");
    writeFileSync(serviceConfig, "{}");
    symlinkSync(service, join(folder.path, "link"));
    assert.equal(await config(undefined), serviceConfig);
    assert.equal(await config(service), serviceConfig);
    assert.equal(await config(undefined, { BARNACLE_CONFIG: "/other" }), undefined);
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, DATABASE_NAME), "");
    assert.equal(await config(undefined), undefined, "the user's own bot");
  });

  it("[O3] reads the service's config, and names the one of this folder", () => {
    using folder = tempDirectory();
    const here = process.cwd();
    writeFileSync(join(folder.path, "config.jsonc"), "{}");
    const io = recordingIo();
    process.chdir(folder.path);
    try {
      const place = { config: "/etc/barnacle/config.jsonc" };
      assert.equal(configFlag(undefined, place, io), place.config);
      assert.deepEqual(io.stderr, [
        "Reading the service's config /etc/barnacle/config.jsonc, not ./config.jsonc; " +
        "--config names another",
      ]);
      assert.equal(configFlag("./config.jsonc", place, io), "./config.jsonc");
      assert.equal(configFlag(undefined, {}, io), undefined);
      assert.equal(io.stderr.length, 1);
    } finally {
      process.chdir(here);
    }
  });

  it("[C1] is the way of each command that reads a bot's data and a config", () => {
    const readsData = /\b(?:withStore|withStoreIfAny|withData|useData|findData|openForCommand)\(/;
    const readsOther = /\b(?:\w*Config|readConfigLeniently|accessNow)\(flags\.config\b/;
    const readsAny = /\b(?:\w*Config|readConfigLeniently|accessNow)\(config\b/;
    const looksBefore = /\b(?:configBefore|configFlag)\(/;
    const others = filesIn(".", "src/cli").filter((path) => {
      const text = readFileSync(path, "utf8");
      return readsData.test(text) &&
        (readsOther.test(text) || readsAny.test(text) && !looksBefore.test(text));
    });
    assert.deepEqual(others, []);
  });

  it("looks for no bot if the user or systemd names the directory", async () => {
    using folder = tempDirectory();
    const { service, own, env } = machine(folder.path);
    const ports = { holders: () => Promise.reject(new Error("asked")), serviceDir: service };
    assert.deepEqual(await findData(own, { env }, ports), { dataDir: own, state: "missing" });
    for (const name of ["BARNACLE_DATA", "STATE_DIRECTORY"]) {
      const choice = await findData(undefined, { env: { ...env, [name]: folder.path } }, ports);
      assert.deepEqual(choice, { dataDir: folder.path, state: "empty" });
    }
  });

  for (const [title, pathIn] of NOWHERE) {
    it(`says that nothing is there if the path ${title}`, async () => {
      using folder = tempDirectory();
      const { env, none } = machine(folder.path);
      const named = pathIn(folder.path);
      const ports = { holders: none, serviceDir: join(folder.path, "none") };
      assert.equal((await findData(named, { env }, ports)).state, "missing");
      assert.equal((await useData(named, recordingIo(env))).state, "missing");
    });
  }

  it("takes the user's own directory while a process holds it", async () => {
    using folder = tempDirectory();
    const { service, own, env } = machine(folder.path);
    mkdirSync(own, { recursive: true });
    const lock = await acquireLock(join(own, "lock"), 0);
    const holders = () => Promise.resolve([{ pid: 812, startedAt: 0, dataDir: service }]);
    const choice = await findData(undefined, { env }, { holders, serviceDir: service });
    assert.deepEqual([choice.dataDir, choice.note], [own, undefined]);
    if (lock.kind === "held") lock.release();
  });

  const asRoot = skipUnless(process.geteuid?.() === 0, "only root can own files for another user");
  it("ignores a claim of another user, except in a folder of root's alone", asRoot, async () => {
    using folder = tempDirectory();
    const { service, env } = machine(folder.path);
    chownSync(service, 65_534, 65_534);
    const ports = {
      holders: () => Promise.resolve([{ pid: 812, startedAt: 0, dataDir: service }]),
      serviceDir: join(folder.path, "none"),
    };
    assert.equal((await findData(undefined, { env }, ports)).state, "store");
    chmodSync(folder.path, 0o777);
    assert.equal((await findData(undefined, { env }, ports)).state, "foreign");
    assert.equal((await findData(service, { env }, ports)).state, "store");
  });
});
