import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openInstance } from "../../../src/cli/shared/sole_instance.ts";
import { lockForCommand } from "../../../src/cli/shared/running_bot.ts";
import { readBootId } from "../../../src/host/process/boot.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

let folders: Disposable[] = [];
let runtime: string | undefined;

/** A folder of its own for each data directory, and for the locks of tokens. */
function folder(): string {
  const made = tempDirectory();
  folders.push(made);
  return made.path;
}

beforeEach(() => {
  runtime = process.env["XDG_RUNTIME_DIR"];
  process.env["XDG_RUNTIME_DIR"] = folder();
});

afterEach(() => {
  if (runtime === undefined) delete process.env["XDG_RUNTIME_DIR"];
  else process.env["XDG_RUNTIME_DIR"] = runtime;
  for (const one of folders) one[Symbol.dispose]();
  folders = [];
});

/** Starts an instance; the locks of this process hold against its own other instances, too. */
function start(dataDir: string, { bots = ["one"], isForced = false } = {}) {
  const options = { dataDir, bots, isForced, graceMs: 0, startedAt: 5 };
  return openInstance(options, recordingLog().log);
}

describe("[G11] openInstance()", () => {
  it("[X2] waits for a command that has the data, but for no bot", async () => {
    const dataDir = folder();
    const command = await lockForCommand(dataDir);
    assert.ok(command.kind === "held");
    let hasStarted = false;
    const starting = start(dataDir).finally(() => hasStarted = true);
    await sleep(100);
    assert.ok(!hasStarted);
    command.release();
    const instance = await starting;
    await assert.rejects(start(dataDir), new RegExp(`pid ${process.pid}\\) uses ${dataDir}; stop`));
    instance.release();
  });

  it("[X2] waits for a command that the lock file does not describe yet", async () => {
    const dataDir = folder();
    const command = await lockForCommand(dataDir);
    assert.ok(command.kind === "held");
    writeFileSync(join(dataDir, "lock"), "");
    const starting = start(dataDir);
    await sleep(100);
    command.release();
    (await starting).release();
  });

  it("[C6] takes the locks of all bots, or none: here another process holds the second one", async () => {
    const [first, second] = [folder(), folder()];
    const other = await start(first, { bots: ["two"] });
    await assert.rejects(start(second, { bots: ["one", "two", "three"] }), {
      name: "InstanceTakenError",
      message: new RegExp(`data ${first}\\) runs on this machine with the same bot token`),
    });
    (await start(second, { bots: ["one", "three"] })).release();
    other.release();
  });

  it("[C9] takes and releases locks as reloads add and remove bots, and ends no process for it", async () => {
    const instance = await start(folder(), { isForced: true });
    await instance.addBots(["one", "two"]);
    instance.keepBots(["two"]);
    const other = await start(folder());
    await assert.rejects(start(folder(), { bots: ["two"] }), { name: "InstanceTakenError" });
    await assert.rejects(instance.addBots(["one"]), { name: "InstanceTakenError" });
    instance.release();
    other.release();
  });

  const HOLDERS: readonly (readonly [who: string, holder: object, message: RegExp])[] = [
    ["this process", { pid: process.pid }, /names this process: it is a copy/],
    ["the first process", { pid: 1 }, /its pid 1 is a system process/],
    ["one that may be another program", { pid: 2 ** 22 + 1 }, /may belong to another program/],
    [
      "one that does not exist here",
      { pid: 2 ** 22 + 1, bootId: readBootId(), startTicks: 1 },
      /unknown pid uses .*; it may run in a container/,
    ],
  ];
  for (const [who, holder, message] of HOLDERS) {
    it(`does not start by force beside ${who}`, async () => {
      const dataDir = folder();
      const first = await start(dataDir, { bots: [] });
      writeFileSync(join(dataDir, "lock"), JSON.stringify({ startedAt: 1, ...holder }));
      await assert.rejects(start(dataDir, { isForced: true }), {
        name: "InstanceTakenError",
        message,
      });
      first.release();
    });
  }
});
