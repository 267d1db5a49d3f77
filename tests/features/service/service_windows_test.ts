/** Tests `barnacle service` of Windows in a temporary root, with a fake scheduler on the path. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { installService, uninstallService } from "../../../src/features/service/install.ts";
import { type HostMachine, openMachine } from "../../../src/features/service/machine.ts";
import { readStatus, statusLines } from "../../../src/features/service/status.ts";
import { recordingIo } from "../../cli/io.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { CONFIG as STAGE_CONFIG, TIMES, TOKEN } from "./stage.ts";

const LOCAL = "C:\\Users\\ada\\AppData\\Local\\barnacle";
const CONFIG_PATH = "C:\\Users\\ada\\AppData\\Roaming\\barnacle\\config.jsonc";
const CONFIG = STAGE_CONFIG.replace('{"file":"discord_token"}', `"${TOKEN}"`);

/** A scheduler with one task, in files of its state folder. */
const SCHTASKS = `#!/bin/sh
printf '%s\\n' "$*" >> "$STATE/calls"
case "$1" in
  /Query) test -e "$STATE/task" && printf '"PC","Barnacle","x","x","x","x","%s"\\r\\n' "$(cat "$STATE/last")" ;;
  /Create) touch "$STATE/task"; echo 267011 > "$STATE/last" ;;
  /Run) cat "$STATE/next" > "$STATE/last" ;;
  /End) echo 1 > "$STATE/last" ;;
  /Delete) rm "$STATE/task" ;;
esac
`;

/** What a folder has as the machine: its root, and the fake scheduler's answers. */
function windowsIn(folder: string) {
  const [root = "", bin = "", state = ""] = ["root", "bin", "state"].map((name) =>
    join(folder, name)
  );
  for (const one of [root, bin, state]) mkdirSync(one);
  writeFileSync(join(bin, "schtasks"), SCHTASKS, { mode: 0o755 });
  writeFileSync(join(root, CONFIG_PATH), CONFIG);
  const program = join(folder, "barnacle.exe");
  writeFileSync(program, "program");
  writeFileSync(join(state, "next"), "267009");
  const env = { PATH: `${bin}:${process.env["PATH"]}`, STATE: state };
  const log = join(state, "calls");
  const machine: HostMachine = {
    ...openMachine(env),
    ...{ platform: "win32", uid: -1, user: "PC\\ada", home: "C:\\Users\\ada" },
    ...{ root: `${root}/`, program },
  };
  return {
    ...{ machine, io: recordingIo(env) },
    /** Files below the root, by their paths of Windows. */
    files: () => readdirSync(root).toSorted(),
    text: (path: string) => readFileSync(join(root, path), "utf8"),
    /** Sets the result of the task's next start. */
    next: (code: number) => writeFileSync(join(state, "next"), `${code}`),
    /** Changes the program that installs. */
    program: (text: string) => writeFileSync(program, text),
    /** Commands since the last call that changed something. */
    calls() {
      const lines = existsSync(log) ? readFileSync(log, "utf8").split("\n") : [];
      rmSync(log, { force: true });
      return lines.filter((line) => line !== "" && !line.startsWith("/Query"));
    },
  };
}

async function onWindows(play: (stage: ReturnType<typeof windowsIn>) => Promise<void>) {
  using directory = tempDirectory();
  await play(windowsIn(directory.path));
}

const STARTED = [`/Create /TN Barnacle /XML ${LOCAL}\\task.xml /F`, "/Run /TN Barnacle"];

describe("[O4] barnacle service on Windows", () => {
  it("installs, starts and removes a task, and replaces the program of a running bot", () =>
    onWindows(async ({ machine, io, files, text, calls, program }) => {
      assert.equal(await installService({ yes: true }, io, machine, TIMES), 0);
      assert.deepEqual(files(), [`${LOCAL}\\bin\\barnacle.exe`, `${LOCAL}\\task.xml`, CONFIG_PATH]);
      assert.match(
        text(`${LOCAL}\\task.xml`),
        /<UserId>PC\\ada<\/UserId>[^]*StartIfOnBatteries>false<[^]*OnBatteries>false</,
      );
      assert.deepEqual(calls(), STARTED);

      assert.equal(await installService({ yes: true }, io, machine, TIMES), 0);
      assert.deepEqual(calls(), []);
      assert.match(io.stdout.join("\n"), /nothing to do/);

      program("a newer program");
      assert.equal(await installService({ yes: true }, io, machine, TIMES), 0);
      assert.equal(text(`${LOCAL}\\bin\\barnacle.exe`), "a newer program");
      assert.deepEqual(calls(), ["/End /TN Barnacle", ...STARTED]);

      const status = await readStatus("task", machine);
      assert.deepEqual([status.isRunning, status.startsAtBoot], [true, true]);
      assert.match(statusLines(status, "ada", 0).join("\n"), /starts when you log in/);

      assert.equal(await uninstallService({ yes: true }, io, machine), 0);
      assert.deepEqual(calls(), ["/End /TN Barnacle", "/Delete /TN Barnacle /F"]);
      assert.deepEqual(files(), [`${LOCAL}\\bin\\barnacle.exe`, CONFIG_PATH]);
      assert.equal((await readStatus("task", machine)).isRunning, false);
    }));

  it("says how the bot ended if it does not start", () =>
    onWindows(async ({ machine, io, next }) => {
      next(78);
      await assert.rejects(installService({ yes: true }, io, machine, TIMES), {
        message: /^the service is installed, but the bot ended: 78: /,
      });
      const { lastEnd } = await readStatus("task", machine);
      assert.match(lastEnd ?? "", /^78: /);
    }));

  it("refuses a file of another program at its place", () =>
    onWindows(async ({ machine, io }) => {
      writeFileSync(`${machine.root}${LOCAL}\\task.xml`, "<Task/>");
      await assert.rejects(installService({ yes: true }, io, machine, TIMES), {
        message: /is not a unit of Barnacle/,
      });
    }));
});
