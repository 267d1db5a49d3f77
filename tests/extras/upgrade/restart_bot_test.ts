import assert from "node:assert/strict";
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import {
  activeService,
  restartService,
  waitForVersion,
} from "../../../src/extras/upgrade/restart_bot.ts";
import type { HostMachine } from "../../../src/extras/service/machine.ts";
import { writeLastVersion } from "../../../src/host/files/version_record.ts";
import { acquireLock } from "../../../src/host/locks/lock.ts";
import { lockOf } from "../../../src/cli/shared/running_bot.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const TIMES = { stepMs: 1, stopMs: 500, startMs: 50, goneMs: 20 };

/** A machine with systemd, on which each command succeeds. */
function machineIn(root: string, ran: string[] = [], code = 0): HostMachine {
  mkdirSync(join(root, "run/systemd/system"), { recursive: true });
  return {
    platform: "linux",
    env: {},
    uid: 1_000,
    user: "grace",
    home: join(root, "home"),
    root,
    run(argv) {
      ran.push(argv.join(" "));
      return Promise.resolve({ code, stdout: "", stderr: "it is masked" });
    },
  };
}

describe("[O13] the restart of a bot", () => {
  it("is its service manager's, if that runs this program", async () => {
    using directory = tempDirectory();
    const root = realpathSync(directory.path);
    const ran: string[] = [];
    const machine = machineIn(root, ran);
    const program = join(machine.home, ".local/bin/barnacle");
    assert.equal(await activeService(program, machine), undefined, "there is no such program");
    mkdirSync(dirname(program), { recursive: true });
    writeFileSync(program, "");
    const service = await activeService(program, machine);
    assert.deepEqual(service, {
      target: "systemd-user",
      dataDir: join(machine.home, ".local/share/barnacle"),
      config: join(machine.home, ".config/barnacle/config.jsonc"),
    });
    assert.equal(await activeService("/elsewhere/barnacle", machine), undefined);
    ran.length = 0;
    assert.equal(await restartService(service, machine), undefined);
    assert.deepEqual(ran, ["systemctl --user restart --no-block barnacle.service"]);
    assert.equal(await restartService(service, machineIn(root, [], 1)), "it is masked");
  });

  it("is done with the first event of the new version, and late without any bot", async () => {
    using directory = tempDirectory();
    const dataDir = directory.path;
    const wait = (version?: string) => waitForVersion(dataDir, "1.1.0", { version }, TIMES);
    writeLastVersion(dataDir, "1.0.0");
    assert.deepEqual(await wait("1.0.0"), { kind: "late", isRunning: false });
    const lock = await acquireLock(lockOf(dataDir), Date.now());
    assert.ok(lock.kind === "held");
    assert.deepEqual(await wait("1.0.0"), { kind: "late", isRunning: true });
    assert.deepEqual(await wait("1.1.0"), { kind: "accepted" }, "nothing tells a new event");
    writeLastVersion(dataDir, "1.1.0");
    assert.equal((await wait("1.0.0")).kind, "accepted");
    lock.release();
  });
});
