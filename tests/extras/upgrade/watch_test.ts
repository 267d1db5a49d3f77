/** The decisions of the watch; tests/e2e/process/upgrade_test.ts plays it with real versions. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { OPERATOR } from "../../../src/extras/upgrade/go_back.ts";
import { watch } from "../../../src/extras/upgrade/watch.ts";
import { lockForCommand } from "../../../src/cli/shared/running_bot.ts";
import { readVersionRecord, writeVersionRecord } from "../../../src/host/files/version_record.ts";
import { ownCommand, startOwnProcess } from "../../../src/host/process/own_process.ts";
import { WATCH_ARGUMENT } from "../../../src/host/process/watch_argument.ts";
import { serveSocket } from "../../../src/host/bot_socket.ts";
import { openDatabase } from "../../../src/store/database/database.ts";
import { MIGRATIONS } from "../../../src/store/database/migrations.ts";
import { VERSION } from "../../../src/version.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const TIMES = { lookMs: 10, aloneMs: 100, silentMs: 100, pauseMs: 100, longestMs: 5_000 };
const NEWER = "99.0.0";

/** A data directory beside two programs, and a process in the place of the new version. */
function withBot(
  { version = NEWER, schema = MIGRATIONS.length, lives = true, before = MIGRATIONS.length } = {},
) {
  const directory = tempDirectory();
  const dataDir = directory.path;
  openDatabase(join(dataDir, "barnacle.db"), 0).close();
  writeVersionRecord(dataDir, { accepted: VERSION });
  const program = join(dataDir, "barnacle");
  const write = (path: string, facts: object) => {
    writeFileSync(path, `#!/bin/sh\necho '${JSON.stringify(facts)}'\n`);
    chmodSync(path, 0o755);
  };
  write(program, { version, schema });
  write(`${program}.previous`, { version: VERSION, schema: MIGRATIONS.length });
  const bot: ChildProcess = spawn("sleep", [lives ? "60" : "0"]);
  const exited = new Promise<unknown>((resolve) =>
    bot.once("exit", (code, signal) => resolve(signal ?? code))
  );
  assert.ok(bot.pid !== undefined);
  const since = Date.now();
  const files = { dataDir, program, schema: before };
  const task = { pid: bot.pid, ...files, since, version: VERSION, isChild: false };
  const trial = { version, from: VERSION, schema: MIGRATIONS.length, since, starts: 1 };
  return {
    bot,
    dataDir,
    exited,
    trial,
    isBack: () => !existsSync(`${program}.previous`),
    watch: (times = TIMES) => watch(task, times),
    [Symbol.dispose]() {
      bot.kill("SIGKILL");
      directory[Symbol.dispose]();
    },
  };
}

/** Acts once a watch runs. */
async function during(work: Promise<boolean>, act: () => void): Promise<boolean> {
  await new Promise((resolve) => setImmediate(resolve));
  act();
  return await work;
}

describe("[O13] watch()", () => {
  for (const task of [[], ["x"], ["{}"], ['{"pid":"1"}']]) {
    it(`is no command for people: ${JSON.stringify(task)}`, async () => {
      const { program, args } = ownCommand();
      const lines: string[] = [];
      const child = startOwnProcess(
        { program, args },
        [WATCH_ARGUMENT, ...task],
        process.env,
        (line) => {
          lines.push(line);
        },
      );
      assert.equal((await child.exited).code, 2);
      assert.deepEqual(lines, [
        "barnacle: --watch-upgrade is for Barnacle itself; use `barnacle upgrade`",
      ]);
    });
  }

  it("ends with the first event of the new version", async () => {
    using scene = withBot();
    const { dataDir } = scene;
    const accept = () => writeVersionRecord(dataDir, { accepted: NEWER });
    assert.equal(await during(scene.watch(), accept), false);
    assert.equal(scene.isBack(), false);
    assert.equal(scene.bot.exitCode, null);
  });

  it("puts the old version back if no bot runs any more, and goes on as it", async () => {
    using scene = withBot({ lives: false });
    await scene.exited;
    assert.equal(await scene.watch(), true);
    assert.equal(scene.isBack(), true);
    const { failed, accepted } = readVersionRecord(scene.dataDir);
    assert.deepEqual([accepted, failed?.version], [VERSION, NEWER]);
    assert.equal(failed?.why, "it ended before its first event");
  });

  it("knows a store that was migrated before it could look", async () => {
    using scene = withBot({ lives: false, before: MIGRATIONS.length - 1 });
    await scene.exited;
    assert.equal(await scene.watch(), false);
    assert.equal(scene.isBack(), false, "there is no copy for the old version");
  });

  it("ends a version that takes no commands, and puts the old one back", async () => {
    using scene = withBot();
    assert.equal(await scene.watch(), true);
    assert.equal(await scene.exited, "SIGTERM");
    assert.equal(scene.isBack(), true);
    assert.match(
      readVersionRecord(scene.dataDir).failed?.why ?? "",
      /^it answered no command for \d+ s, and was ended$/,
    );
  });

  it("leaves a version that takes commands, as if Discord cannot be reached", async () => {
    using scene = withBot();
    let asked = 0;
    const server = await serveSocket(scene.dataDir, () => {
      asked += 1;
      if (asked === 2) writeVersionRecord(scene.dataDir, { accepted: NEWER }); // ends the watch
      return Promise.resolve("null");
    });
    const lock = await lockForCommand(scene.dataDir);
    assert.equal(await scene.watch({ ...TIMES, longestMs: 60_000 }), false);
    assert.equal(asked, 2);
    assert.equal(scene.bot.exitCode, null);
    assert.equal(scene.isBack(), false);
    if (lock.kind === "held") lock.release();
    await server.close();
  });

  it("waits for a migration", async () => {
    using scene = withBot({ schema: MIGRATIONS.length + 1 });
    assert.equal(await scene.watch({ ...TIMES, longestMs: 1_000 }), false);
    assert.equal(scene.bot.exitCode, null);
    assert.equal(scene.isBack(), false);
  });

  const ENDS:
    readonly (readonly [what: string, record: (bot: ReturnType<typeof withBot>) => void])[] = [
      ["a stop by the operator", ({ dataDir, trial }) =>
        writeVersionRecord(dataDir, {
          accepted: VERSION,
          trial: { ...trial, starts: 0, left: Date.now() },
        })],
      ["a way back by the operator", ({ dataDir }) => {
        const failed = { version: NEWER, why: OPERATOR, at: Date.now(), isTold: false };
        writeVersionRecord(dataDir, { accepted: VERSION, failed });
      }],
      ["a data directory that is gone", ({ dataDir }) => writeVersionRecord(dataDir, {})],
    ];
  for (const [what, record] of ENDS) {
    it(`starts nothing after ${what}`, async () => {
      using scene = withBot({ lives: false });
      await scene.exited;
      assert.equal(await during(scene.watch(), () => record(scene)), false);
      assert.equal(scene.isBack(), false);
    });
  }

  it("goes on as the old version if the new one died between its way back and its end", async () => {
    using scene = withBot({ lives: false });
    await scene.exited;
    const failed = { version: NEWER, why: "a fault", at: Date.now(), isTold: false };
    const record = () => writeVersionRecord(scene.dataDir, { accepted: VERSION, failed });
    assert.equal(await during(scene.watch(), record), true);
    assert.equal(readVersionRecord(scene.dataDir).failed?.why, "a fault");
  });

  it("changes nothing if the program is older, or another process has the data", async () => {
    for (const lives of [false, true]) {
      using scene = withBot({ lives, version: "0.0.1" });
      if (!lives) await scene.exited;
      assert.equal(await scene.watch({ ...TIMES, longestMs: 1_000 }), false);
      assert.equal(scene.isBack(), false);
      assert.equal(scene.bot.signalCode, null);
    }
    using scene = withBot({ lives: false });
    await scene.exited;
    const lock = await lockForCommand(scene.dataDir);
    assert.equal(await scene.watch(), false);
    assert.equal(scene.isBack(), false);
    if (lock.kind === "held") lock.release();
  });
});
