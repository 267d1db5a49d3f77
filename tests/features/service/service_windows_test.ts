/** Tests `barnacle service` of Windows in a temporary root, with a fake scheduler on the path. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { installService, uninstallService } from "../../../src/features/service/install.ts";
import { type HostMachine, openMachine } from "../../../src/features/service/machine.ts";
import { readStatus, statusLines } from "../../../src/features/service/status.ts";
import { type RecordedIo, recordingIo } from "../../cli/io.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const LOCAL = "C:\\Users\\ada\\AppData\\Local\\barnacle";
const CONFIG_PATH = "C:\\Users\\ada\\AppData\\Roaming\\barnacle\\config.jsonc";
/** The shape of a token of Discord; this one belongs to no bot. */
const TOKEN = `MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.${"x".repeat(38)}`;
const CONFIG = JSON.stringify({
  channels: { discord: { token: TOKEN } },
  agents: { defaults: { model: "local/tiny" } },
  models: { providers: { local: { kind: "openai-compatible", baseUrl: "http://127.0.0.1:9/v1" } } },
});

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

interface Stage {
  readonly machine: HostMachine;
  readonly io: RecordedIo;
  /** Files below the root, by their paths of Windows. */
  readonly files: () => readonly string[];
  readonly text: (path: string) => string;
  /** Result of the task's next start. */
  readonly next: (code: number) => void;
  /** Commands since the last call that changed something. */
  readonly calls: () => readonly string[];
  /** Changes the program that installs. */
  readonly program: (text: string) => void;
}

async function onWindows(play: (stage: Stage) => Promise<void>): Promise<void> {
  using directory = tempDirectory();
  const [root, bin, state] = ["root", "bin", "state"].map((name) => join(directory.path, name));
  assert.ok(root && bin && state);
  for (const folder of [root, bin, state]) mkdirSync(folder);
  writeFileSync(join(bin, "schtasks"), SCHTASKS, { mode: 0o755 });
  writeFileSync(join(root, CONFIG_PATH), CONFIG);
  const program = join(directory.path, "barnacle.exe");
  writeFileSync(program, "program");
  writeFileSync(join(state, "next"), "267009");
  const env = { PATH: `${bin}:${process.env["PATH"]}`, STATE: state };
  const log = join(state, "calls");
  await play({
    io: recordingIo(env),
    files: () => readdirSync(root).toSorted(),
    text: (path) => readFileSync(join(root, path), "utf8"),
    next: (code) => writeFileSync(join(state, "next"), `${code}`),
    program: (text) => writeFileSync(program, text),
    calls() {
      const lines = existsSync(log) ? readFileSync(log, "utf8").split("\n") : [];
      rmSync(log, { force: true });
      return lines.filter((line) => line !== "" && !line.startsWith("/Query"));
    },
    machine: {
      ...openMachine(env),
      platform: "win32",
      uid: -1,
      user: "PC\\ada",
      home: "C:\\Users\\ada",
      root: `${root}/`,
      program,
    },
  });
}

const TIMES = { stepMs: 1, readyMs: 2_000, settleMs: 50 };
const STARTED = [`/Create /TN Barnacle /XML ${LOCAL}\\task.xml /F`, "/Run /TN Barnacle"];

describe("[O4] barnacle service on Windows", () => {
  it("installs, starts and removes a task, and replaces the program of a running bot", () =>
    onWindows(async ({ machine, io, files, text, calls, program }) => {
      assert.equal(await installService({ yes: true }, io, machine, TIMES), 0);
      assert.deepEqual(files(), [`${LOCAL}\\bin\\barnacle.exe`, `${LOCAL}\\task.xml`, CONFIG_PATH]);
      assert.match(text(`${LOCAL}\\task.xml`), /<UserId>PC\\ada<\/UserId>/);
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
