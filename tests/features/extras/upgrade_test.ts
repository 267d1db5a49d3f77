/**
 * Upgrades a running bot between real binaries of three versions: from 1.0.0 to 1.1.0 with the same
 * schema, and to 1.2.0 with the next one, which also has faults on demand.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import { startOwnProcess } from "../../../src/host/process/own_process.ts";
import type { Env } from "../../../src/lib/env.ts";
import {
  buildReleases,
  FAULTS,
  NEXT_SCHEMA,
  REFUSALS,
  type Releases,
  SCHEMA,
} from "../../support/release/builds.ts";
import { newSigner } from "../../support/release/signer.ts";
import { ended, PATIENCE_MS, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

let place: ReturnType<typeof tempDirectory>;
/** A data directory without a bot. */
let noBot: string;
let releases: Releases;

/**
 * Copies a program in a process of its own. A process that another test starts at the same moment would
 * hold the file of a copy made here, and the kernel starts no file that is open for writing.
 */
function copyProgram(from: string, to: string): void {
  execFileSync("install", ["-m", "755", from, to]);
}

let installations = 0;

/** Installs 1.0.0 in a folder of its own, and offers some versions. */
function install(...versions: string[]): string {
  const folder = join(place.path, `bin${++installations}`);
  mkdirSync(folder);
  const program = join(folder, "barnacle");
  copyProgram(releases.binary("1.0.0"), program);
  releases.issue({ versions });
  return program;
}

interface Ran {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

async function run(program: string, args: readonly string[], env: Env = {}): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const all = { PATH: "/usr/bin:/bin", HOME: place.path, ...env };
  const child = startOwnProcess({ program, args: [] }, args, all, (line, stream) => {
    (stream === "stdout" ? out : err).push(line);
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), 2 * PATIENCE_MS);
  const { code, signal } = await child.exited;
  clearTimeout(timer);
  return { code, signal, out: out.join("\n"), err: err.join("\n") };
}

function upgrade(
  program: string,
  { dataDir, simulator }: Pick<Scene, "dataDir" | "simulator">,
  args: readonly string[] = [],
  env: Env = {},
): Promise<Ran> {
  const isNamed = args.includes("--back") || args.includes("--from");
  const from = isNamed ? [] : ["--from", releases.folder];
  return run(program, ["upgrade", ...from, "--data", dataDir, ...args], {
    DISCORD_API_URL: simulator.apiUrl, // or no crash point works
    ...env,
  });
}

async function versionOf(program: string): Promise<string> {
  return JSON.parse((await run(program, ["version", "--json"])).out).version;
}

/** A pattern with the numbers of the schemas in place of NOW and NEXT. */
function schemas({ raw: [text = ""] }: TemplateStringsArray): RegExp {
  return new RegExp(text.replace("NOW", `${SCHEMA.now}`).replace("NEXT", `${SCHEMA.next}`));
}

function schemaOf({ dataDir }: Pick<Scene, "dataDir">): unknown {
  const database = new DatabaseSync(join(dataDir, "barnacle.db"), { readOnly: true });
  const { user_version: schema } = database.prepare("PRAGMA user_version").get() ?? {};
  database.close();
  return schema;
}

/** Asks, and waits for the answer. */
async function answers({ say, mention, written, until }: Scene, text: string): Promise<void> {
  say("grace", "general", `${mention} ${text}`);
  await until(`the answer to ${text}`, () => written("general").some((one) => one.includes(text)));
  assert.equal(written("general").filter((one) => one.includes(text)).length, 1);
}

/** Watches how long no session is connected. */
function watchConnection({ simulator }: Scene): { stop(): number } {
  let longest = 0;
  let since: number | undefined;
  const timer = setInterval(() => {
    const now = performance.now();
    if (simulator.connected() > 0) since = undefined;
    else longest = Math.max(longest, now - (since ??= now));
  }, 5);
  return {
    stop() {
      clearInterval(timer);
      return longest;
    },
  };
}

describe("[O13] barnacle upgrade", () => {
  before(() => {
    place = tempDirectory();
    noBot = join(place.path, "none");
    mkdirSync(noBot);
    releases = buildReleases(join(place.path, "releases"), [
      { version: "1.0.0" },
      { version: "1.1.0" },
      { version: "1.2.0", schema: SCHEMA.next, changes: [NEXT_SCHEMA, FAULTS, REFUSALS] },
    ]);
  });
  after(() => place[Symbol.dispose]());

  it("upgrades a running bot by RESUME, in the same process, and goes back by hand", () => {
    const program = install("1.0.0", "1.1.0");
    return withSimulation({ command: { program, args: [] } }, async (scene) => {
      const bot = await scene.start();
      await answers(scene, "before");
      const looked = await upgrade(program, scene, ["--check"]);
      assert.equal(looked.code, 3, looked.err);
      assert.match(
        looked.out,
        /^Barnacle 1\.1\.0 of .* is available; this is 1\.0\.0 \(list of .*\)\. To install it: run this again without --check$/,
      );
      assert.equal(await versionOf(program), "1.0.0");

      const connection = watchConnection(scene);
      const done = await upgrade(program, scene);
      assert.equal(done.code, 0, `${done.err}\n${bot.lines.slice(-20).join("\n")}`);
      assert.match(done.out, /^Barnacle 1\.1\.0 runs, and Discord answers/);
      console.log(`without connection: ${connection.stop().toFixed(0)} ms. ${done.out}`);
      assert.equal(await versionOf(program), "1.1.0");
      assert.equal(await versionOf(`${program}.previous`), "1.0.0");
      const { resumes, identifies } = scene.simulator.account();
      assert.deepEqual(resumes.map(({ outcome }) => outcome), ["resumed"]);
      assert.equal(identifies.length, 1);
      await answers(scene, "after");
      assert.equal((await upgrade(program, scene)).out.replace(/ \(.*/, ""), NEWEST);

      const back = await upgrade(program, scene, ["--back"]);
      assert.equal(back.code, 0, back.err);
      assert.equal(await versionOf(program), "1.0.0");
      await answers(scene, "back again");
      assert.deepEqual(scene.simulator.account().resumes.length, 2);
      const again = await upgrade(program, scene, ["--back"]);
      assert.equal(again.code, 1);
      assert.match(
        again.err,
        /there is no previous program .*barnacle\.previous; `barnacle upgrade/,
      );
    });
  });

  it("migrates the store, and refuses the old program for it later", () => {
    const program = install("1.0.0", "1.2.0");
    return withSimulation({ command: { program, args: [] } }, async (scene) => {
      const bot = await scene.start();
      await answers(scene, "before");
      const done = await upgrade(program, scene);
      assert.equal(done.code, 0, done.err);
      assert.match(done.err, schemas`brings the store from schema NOW to NEXT, and keeps a copy`);
      assert.equal(schemaOf(scene), SCHEMA.next);
      await answers(scene, "after");
      const REFUSED = [
        [
          ["--back"],
          /^barnacle: the store in .* has events of Barnacle 1\.2\.0, which .*`barnacle restore`/,
        ],
        [
          ["--to", "1.0.0"],
          schemas`^barnacle: the store in .* has schema NEXT, and Barnacle 1\.0\.0 reads`,
        ],
      ] as const;
      for (const [args, said] of REFUSED) {
        const back = await upgrade(program, scene, args);
        assert.deepEqual([back.code, back.err.split("\n").length], [1, 1], back.err);
        assert.match(back.err, said);
        assert.equal(await versionOf(program), "1.2.0");
        assert.equal(schemaOf(scene), SCHEMA.next);
      }
      bot.kill("SIGTERM");
      await bot.exited;
      copyProgram(`${program}.previous`, program);
      const old = scene.startBot();
      assert.equal((await old.exited).code, 74);
      assert.match(
        old.lines.join("\n"),
        schemas`^barnacle: A newer Barnacle wrote the database .*barnacle\.db: it has schema NEXT, and this `,
      );
      assert.equal(old.lines.length, 1);
      copyProgram(releases.binary("1.2.0"), program);
      await scene.start();
      await answers(scene, "it goes on");
    });
  });

  it("changes nothing if the new version refuses the config of the running bot", () => {
    const program = install("1.0.0", "1.2.0");
    return withSimulation({ command: { program, args: [] } }, async (scene) => {
      await scene.start();
      const refused = await upgrade(program, scene, [], { NEW_VERSION: "refuses" });
      assert.deepEqual([refused.code, refused.err.split("\n").length], [1, 1], refused.err);
      assert.match(
        refused.err,
        /^barnacle: Barnacle 1\.2\.0 cannot replace \S+: \S+config\S*: http\.port: the new version .*; nothing/,
      );
      assert.ok(refused.err.includes(scene.configFile), "the config that the bot has started with");
      assert.equal(await versionOf(program), "1.0.0");
      assert.ok(!existsSync(`${program}.previous`));
      await answers(scene, "it goes on");
    });
  });

  it("goes back with the copy of the store before the first event, also if it is killed", () => {
    const program = install("1.0.0", "1.2.0");
    return withSimulation({ command: { program, args: [] } }, async (scene) => {
      for (const point of [undefined, "putBack", "wentBack"]) {
        const bot = await scene.start();
        await answers(scene, `before ${point}`);
        bot.kill("SIGTERM");
        await bot.exited;
        const done = await upgrade(program, scene);
        assert.match(done.out, /is installed\. No bot runs; the next `barnacle run` starts it/);
        await ended(scene.startBot({ NEW_VERSION: "dies" }));
        assert.deepEqual([schemaOf(scene), await versionOf(program)], [SCHEMA.next, "1.2.0"]);
        const cut = await upgrade(program, scene, ["--back"], { BARNACLE_CRASH_AT: point });
        assert.equal(cut.signal, point === undefined ? null : "SIGKILL", cut.err);
        const isBack = point !== "putBack";
        assert.deepEqual(
          [schemaOf(scene), await versionOf(program)],
          [SCHEMA.now, isBack ? "1.0.0" : "1.2.0"],
        );
        if (isBack) continue;
        await ended(scene.startBot({ NEW_VERSION: "dies" })); // a service manager starts it meanwhile
        assert.equal((await upgrade(program, scene, ["--back"])).code, 0);
        assert.deepEqual([schemaOf(scene), await versionOf(program)], [SCHEMA.now, "1.0.0"]);
      }
      await scene.start();
      await answers(scene, "after");
    });
  });

  it("goes back with the store only if the bot is stopped, and only with a copy", () => {
    const program = install("1.0.0", "1.2.0");
    return withSimulation({ command: { program, args: [] } }, async (scene) => {
      const first = await scene.start();
      await answers(scene, "before");
      first.kill("SIGTERM");
      await first.exited;
      await upgrade(program, scene);
      const bot = scene.startBot({ NEW_VERSION: "hangs" });
      await scene.until("the migration", () => schemaOf(scene) === SCHEMA.next);
      const refused = await upgrade(program, scene, ["--back"]);
      assert.equal(refused.code, 75, refused.err);
      assert.match(
        refused.err,
        /^barnacle: a bot \(pid \d+\) runs with the data in \S+; stop it first/,
      );
      bot.kill("SIGKILL");
      await bot.exited;
      const copies = readdirSync(scene.dataDir).filter((name) => name.endsWith(".bak"));
      assert.equal(copies.length, 1);
      const [copy] = copies.map((name) => join(scene.dataDir, name));
      renameSync(copy!, `${copy}.aside`);
      const without = await upgrade(program, scene, ["--back"]);
      assert.equal(without.code, 1, without.err);
      assert.match(
        without.err,
        /has no copy of the store of Barnacle 1\.0\.0; nothing was changed/,
      );
      assert.deepEqual([schemaOf(scene), await versionOf(program)], [SCHEMA.next, "1.2.0"]);
      renameSync(`${copy}.aside`, copy!);
      assert.equal((await upgrade(program, scene, ["--back"])).code, 0);
      await scene.start();
      await answers(scene, "after");
    });
  });

  it("does not go back with the store once a command has changed it", () => {
    const program = install("1.0.0", "1.2.0");
    return withSimulation({ command: { program, args: [] } }, async (scene) => {
      const first = await scene.start();
      await answers(scene, "before");
      first.kill("SIGTERM");
      await first.exited;
      await upgrade(program, scene);
      await ended(scene.startBot({ NEW_VERSION: "dies" }));
      const person = [...scene.simulator.world.users.values()].find((user) =>
        user.username === "grace"
      )?.id ?? "";
      const forgotten = await run(program, ["forget", person, "--yes", "--data", scene.dataDir]);
      assert.match(forgotten.out, /^Forgot user /, forgotten.err);
      const refused = await upgrade(program, scene, ["--back"]);
      assert.equal(refused.code, 1, refused.err);
      assert.match(refused.err, /has events of Barnacle 1\.2\.0/);
      assert.deepEqual([schemaOf(scene), await versionOf(program)], [SCHEMA.next, "1.2.0"]);
    });
  });

  it("leaves a whole program at each step at which it is killed", () => {
    const program = install("1.0.0", "1.1.0");
    return withSimulation({ command: { program, args: [] } }, async (scene) => {
      const bot = await scene.start();
      for (const point of ["downloaded", "kept", "swapped"]) {
        const cut = await upgrade(program, scene, [], { BARNACLE_CRASH_AT: point });
        assert.equal(cut.signal, "SIGKILL", `${point}: ${cut.err}`);
        assert.equal(await versionOf(program), point === "swapped" ? "1.1.0" : "1.0.0");
        await answers(scene, point);
      }
      const { resumes } = scene.simulator.account();
      assert.equal(resumes.length, 0, "the bot still runs the old program");
      const finished = await upgrade(program, scene);
      assert.match(finished.out, /is the newest release .*\nBarnacle 1\.1\.0 runs, and Discord/);
      assert.equal(resumes.length, 1);
      await scene.line(bot, /"version":"1\.1\.0"/);
      await answers(scene, "with the new one");
      assert.doesNotMatch((await upgrade(program, scene)).out, /runs/);
      const folder = readdirSync(join(program, "..")).sort();
      assert.deepEqual(folder, [
        ".barnacle.releases",
        "barnacle",
        "barnacle.previous",
      ]);
    });
  });

  it("refuses bad lists and downloads in one line, and the old bot goes on", () => {
    const program = install("1.0.0", "1.1.0");
    return withSimulation({ command: { program, args: [] } }, async (scene) => {
      await scene.start();
      assert.equal((await upgrade(program, scene, ["--check"])).code, 3); // it has seen a list
      const file = releases.binary("1.1.0");
      const copy = join(place.path, "whole");
      copyFileSync(file, copy);
      const cases:
        readonly (readonly [what: string, code: number, said: RegExp, () => void, string[]?])[] = [
          [
            "another key",
            1,
            /do not trust .*releases\.json: the signature is of the key/,
            () => releases.issue({ signer: newSigner() }),
          ],
          ["a changed list", 1, /do not trust .*: the file is not the one that was signed/, () => {
            releases.issue();
            writeFileSync(join(releases.folder, "releases.json"), "{}");
          }],
          [
            "an older list",
            1,
            /is of 2026-01-02T00:00:00Z, older than the one of/,
            () => releases.issue({ issued: Date.UTC(2026, 0, 2) }),
          ],
          [
            "another format",
            1,
            /it has format 2, and this Barnacle reads format 1\. Install the newest/,
            () => releases.issue({ change: (list) => ({ ...list, format: 2 }) }),
          ],
          [
            "no list",
            1,
            /it is damaged \(issued\)/,
            () => releases.issue({ change: ({ releases }) => ({ format: 1, releases }) }),
          ],
          [
            "no such version",
            2,
            /there is no release 9\.9\.9; the list has 1\.2\.0, 1\.1\.0, 1\.0\.0/,
            () => releases.issue(),
            ["--to", "9.9.9"],
          ],
          ["a tag", 2, /there is no release 9\.9\.9;/, () => {}, ["--to", "v9.9.9"]],
          ["no version", 2, /--to needs a version, such as 1\.0\.0/, () => {}, ["--to", ""]],
          ["no place", 2, /--from needs a folder or an address/, () => {}, ["--from", ""]],
          [
            "another platform",
            1,
            /release 1\.1\.0 has no program for linux-x64, only for plan9-x64/,
            () =>
              releases.issue({
                versions: ["1.1.0"],
                change: (list) => ({
                  ...list,
                  releases: list.releases.map((one) => ({
                    ...one,
                    files: { "plan9-x64": Object.values(one.files)[0] },
                  })),
                }),
              }),
          ],
          ["half a download", 1, /it ended after 1000000 of \d+ bytes; nothing was changed/, () => {
            releases.issue({ versions: ["1.1.0"] });
            truncateSync(file, 1_000_000);
          }],
          [
            "another program",
            1,
            /its SHA-256 is [0-9a-f]{64}, and the list says/,
            () => writeFileSync(file, new Uint8Array(statSync(copy).size)),
          ],
          [
            "a missing folder",
            74,
            /cannot read \/nowhere\/releases\.json \(ENOENT\); nothing was/,
            () => {},
            ["--from", "/nowhere"],
          ],
          [
            "no network",
            75,
            /cannot read http:\/\/127\.0\.0\.1:9\/releases\.json \(.*\); nothing was/,
            () => {},
            ["--from", "http://127.0.0.1:9"],
          ],
          [
            "another scheme",
            2,
            /--from takes a folder, or an address with https or http, not ftp:/,
            () => {},
            ["--from", "ftp://host/releases"],
          ],
          ["no address", 2, /--from takes a folder, or an address with https or http/, () => {}, [
            "--from",
            "http://[",
          ]],
          [
            "a password",
            75,
            /cannot read http:\/\/127\.0\.0\.1:9\/releases\.json \(/,
            () => {},
            ["--from", "http://me:secret@127.0.0.1:9"],
          ],
          ["two wishes", 2, /--check looks for the newest release; leave out --to/, () => {}, [
            "--check",
            "--to",
            "1.1.0",
          ]],
          ["back and to", 2, /--back takes none of --check, --to and --from/, () => {}, [
            "--back",
            "--to",
            "1.1.0",
          ]],
        ];
      for (const [what, code, said, prepare, args = []] of cases) {
        prepare();
        const failed = await upgrade(program, scene, args);
        const lines = failed.err.split("\n");
        assert.deepEqual([failed.code, lines.length], [code, 1], `${what}: ${failed.err}`);
        assert.match(lines[0]!, said, what);
        assert.match(lines[0]!, /^barnacle: /);
        assert.equal(await versionOf(program), "1.0.0");
      }
      copyFileSync(copy, file);
      releases.issue();
      assert.ok(!readdirSync(dirname(program)).some((name) => name.includes(".next")));
      await answers(scene, "it goes on");
    });
  });

  it("says why, and the old bot goes on, if disk or network is in the way", () => {
    const program = install("1.0.0", "1.1.0");
    return withSimulation({ command: { program, args: [] } }, async (scene) => {
      await scene.start();
      const { dataDir } = scene;
      const words = ["upgrade", "--from", releases.folder, "--data", dataDir];
      const refused = async (what: string, ran: Ran, code: number, said: RegExp) => {
        assert.deepEqual([ran.code, ran.err.split("\n").length], [code, 1], `${what}: ${ran.err}`);
        assert.match(ran.err, said);
        assert.equal(await versionOf(program), "1.0.0");
        const rest = readdirSync(join(program, "..")).filter((name) => name.includes("next"));
        assert.deepEqual(rest, []);
      };

      const limited = ["-c", 'ulimit -f 2000; exec "$0" "$@"', program, ...words];
      await refused(
        "a limit of files",
        await run("/bin/sh", limited),
        74,
        /cannot write .*\.barnacle\.next-\d+ \(EFBIG\); nothing was changed\. Free some space/,
      );

      for (const [what, answer, said] of HTTP_FAULTS) {
        await using server = await serveReleases(releases.folder, answer);
        const ran = await run(program, [...words, "--from", server.url].toSpliced(1, 2));
        await refused(what, ran, 75, said);
      }
      await answers(scene, "it goes on");
      await using server = await serveReleases(releases.folder, () => false);
      const done = await run(program, [...words, "--from", server.url].toSpliced(1, 2));
      assert.equal(done.code, 0, done.err);
      await answers(scene, "over HTTP");
    });
  });

  it("knows a bot that runs the wanted program already", () => {
    const program = install("1.0.0", "1.1.0");
    return withSimulation({ command: { program, args: [] } }, async (scene) => {
      await scene.start();
      await upgrade(program, scene, [], { BARNACLE_CRASH_AT: "swapped" });
      assert.equal(await versionOf(program), "1.1.0");
      const back = await upgrade(program, scene, ["--back"]);
      assert.equal(back.code, 0, back.err);
      assert.equal(back.out, "Barnacle 1.0.0 is installed, and the bot runs it already.");
      assert.equal(scene.simulator.account().resumes.length, 0);
      await answers(scene, "it goes on");
    });
  });

  it("survives foreign files in its folder, and follows no link there", async () => {
    const program = install("1.0.0", "1.1.0");
    const folder = dirname(program);
    const at = (name: string) => join(folder, name);
    const words = ["upgrade", "--from", releases.folder, "--data", noBot];
    mkdirSync(at("barnacle.previous"));
    mkdirSync(at(".barnacle.next-999999999")); // of a process that died
    const refused = await run(program, words);
    assert.equal(refused.code, 74, refused.err);
    assert.match(
      refused.err,
      /^barnacle: cannot exchange \S+ \(EISDIR\); the old .* Remove the folder \S+previous, and try/,
    );
    assert.deepEqual(readdirSync(folder).sort(), [
      ".barnacle.releases",
      "barnacle",
      "barnacle.previous",
    ]);
    rmdirSync(at("barnacle.previous"));
    writeFileSync(at("victim"), "as before");
    const parts = [".barnacle.next-999999999", ".barnacle.releases.part", "barnacle.previous.part"];
    for (const name of parts) symlinkSync("victim", at(name));
    assert.equal((await run(program, words)).code, 0);
    assert.equal(readFileSync(at("victim"), "utf8"), "as before");
    assert.equal(await versionOf(program), "1.1.0");
  });

  it("changes nothing if --data names a folder that does not exist", async () => {
    const program = install("1.0.0", "1.1.0");
    const from = ["--from", releases.folder, "--data", join(place.path, "typo")];
    const refused = await run(program, ["upgrade", ...from]);
    assert.equal(refused.code, 75, refused.out);
    assert.match(refused.err, /^barnacle: no data directory \S+typo; set --data to the bot's$/);
    assert.equal(await versionOf(program), "1.0.0");
  });

  it("says so if the installed version is not the newest, or has none before it", async () => {
    const program = install("1.0.0", "1.1.0");
    const data = ["--data", noBot];
    const same = ["upgrade", "--from", releases.folder, ...data, "--to", "1.0.0"];
    const { out } = await run(program, same);
    assert.match(
      out,
      /^Barnacle 1\.0\.0 is installed already; the newest release is 1\.1\.0 \(list/,
    );
    assert.equal(JSON.parse((await run(program, [...same, "--json"])).out).newest, "1.1.0");
    assert.match((await run(program, same.slice(0, -2))).out, /`barnacle upgrade --back` returns/);
    const back = await run(program, ["upgrade", "--back", ...data]);
    assert.match(back.out, /the next `barnacle run` starts it\.$/);
  });

  it("changes nothing if another upgrade has come to its end meanwhile", async () => {
    const program = install("1.0.0", "1.1.0");
    const words = ["upgrade", "--data", noBot, "--from"];
    let first: Promise<Ran> | undefined;
    await using server = await serveReleases(releases.folder, (url, response) => {
      if (!url.endsWith(".minisig")) return false;
      first = run(program, [...words, releases.folder]);
      void first.then(() => createReadStream(join(releases.folder, url)).pipe(response));
      return true;
    });
    const second = await run(program, [...words, server.url]);
    assert.equal((await first)?.code, 0);
    assert.equal(second.code, 75, second.out);
    assert.match(second.err, /^barnacle: another command has exchanged \S+ meanwhile; nothing was/);
    assert.equal(await versionOf(`${program}.previous`), "1.0.0");
  });

  it("does not restart a bot that runs another program", () => {
    const program = install("1.0.0", "1.1.0");
    return withSimulation(
      { command: { program: releases.binary("1.0.0"), args: [] } },
      async (scene) => {
        await scene.start();
        const done = await upgrade(program, scene);
        assert.equal(done.code, 3, done.err);
        assert.match(
          done.out,
          /1\.1\.0 is installed, but the bot \(pid \d+\) goes on with 1\.0\.0: it runs /,
        );
        await answers(scene, "it goes on");
      },
    );
  });

  it("refuses a disk without room", skipUnless(canMount(), "upgrade: no tmpfs"), () => {
    const program = install("1.0.0", "1.1.0");
    const disk = join(place.path, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=250m", "none", disk]);
    try {
      const small = join(disk, "barnacle");
      copyProgram(program, small);
      return withSimulation({ command: { program: small, args: [] } }, async (scene) => {
        await scene.start();
        const ran = await upgrade(small, scene);
        assert.equal(ran.code, 74);
        assert.match(
          ran.err,
          /^barnacle: too little room in .*disk: .* MB are needed, and .* MB are free;/,
        );
        assert.equal(ran.err.split("\n").length, 1);
        await answers(scene, "it goes on");
      }).finally(() => execFileSync("umount", ["-l", disk]));
    } catch (error) {
      execFileSync("umount", ["-l", disk]);
      throw error;
    }
  });

  it(
    "names the command if root owns the program",
    skipUnless(IS_ROOT, "upgrade: not root"),
    async () => {
      const program = install("1.0.0", "1.1.0");
      for (let folder = program; folder !== dirname(place.path); folder = dirname(folder)) {
        chmodSync(
          folder,
          0o755,
        );
      }
      for (const name of readdirSync(releases.folder)) {
        chmodSync(
          join(releases.folder, name),
          0o755,
        );
      }
      const ran = await run("setpriv", [
        "--reuid=65534",
        "--clear-groups",
        program,
        "upgrade",
        "--from",
        releases.folder,
      ]);
      assert.equal(ran.code, 1, ran.err);
      assert.match(ran.err, /root owns it\. To upgrade to 1\.1\.0: sudo .*barnacle upgrade$/);
    },
  );
});

const IS_ROOT = process.getuid?.() === 0;

function canMount(): boolean {
  if (!IS_ROOT || process.platform !== "linux") return false;
  using directory = tempDirectory();
  try {
    execFileSync("mount", ["-t", "tmpfs", "none", directory.path], { stdio: "ignore" });
    execFileSync("umount", [directory.path]);
    return true;
  } catch {
    return false;
  }
}

/** Answers a request, or leaves it to the folder. */
type Answer = (url: string, response: ServerResponse) => boolean;

const HTTP_FAULTS: readonly (readonly [what: string, answer: Answer, said: RegExp])[] = [
  ["missing", (_, response) => {
    response.writeHead(404).end();
    return true;
  }, /releases\.json answers 404; nothing was changed\. Try again later, or name another place/],
  ["broken", (_, response) => {
    response.writeHead(503).end();
    return true;
  }, /releases\.json answers 503; nothing was changed/],
  ["half", (url, response) => {
    if (url.includes("releases.json")) return false;
    response.writeHead(200, { "content-length": 100_000_000 });
    response.write(new Uint8Array(2_000_000), () => response.destroy());
    return true;
  }, /cannot read .*barnacle-.* \(.*\); nothing was changed\. Try again later/],
];

async function serveReleases(
  folder: string,
  answer: Answer,
): Promise<AsyncDisposable & { url: string }> {
  const server = createServer(({ url = "/" }, response) => {
    if (answer(url, response)) return;
    createReadStream(join(folder, url)).on("error", () => response.writeHead(404).end())
      .pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address && typeof address === "object");
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const NEWEST = "Barnacle 1.1.0 is the newest release";
