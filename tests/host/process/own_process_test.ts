import assert from "node:assert/strict";
import { describe, it } from "node:test";
import process from "node:process";
import {
  type OwnCommand,
  ownCommand,
  startedAs,
  startOwnProcess,
} from "../../../src/host/process/own_process.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const SHELL: OwnCommand = { program: "/bin/sh", args: ["-c"] };
const ENV = { PATH: process.env["PATH"] };

function start(
  script: string,
  env: Readonly<Record<string, string | undefined>> = ENV,
  cwd?: string,
) {
  const said: string[] = [];
  const onLine = (line: string, stream: string) => said.push(`${stream}: ${line}`);
  return { said, ...startOwnProcess(SHELL, [script], env, onLine, cwd) };
}

describe("[O5] startOwnProcess()", () => {
  it("reports each line of its output, and the stream", async () => {
    const { said, exited } = start("echo one; echo two >&2; printf three");
    assert.deepEqual(await exited, { code: 0, signal: null });
    assert.deepEqual(said.sort(), ["stderr: two", "stdout: one", "stdout: three"]);
  });

  it("reports its exit code", async () => {
    assert.deepEqual(await start("exit 78").exited, { code: 78, signal: null });
  });

  it("reports the signal that ended it", async () => {
    const { exited, kill } = start("sleep 30 >&- 2>&- & wait");
    kill("SIGKILL");
    assert.deepEqual(await exited, { code: null, signal: "SIGKILL" });
  });

  it("reports the exit code of a process that handles a signal", async () => {
    const { said, exited, kill } = start(
      "trap 'exit 5' TERM; echo ready; sleep 30 >&- 2>&- & wait",
    );
    while (said.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    kill("SIGTERM");
    assert.deepEqual(await exited, { code: 5, signal: null });
  });

  it("kills no process once it has ended", async () => {
    const { exited, kill } = start("exit 0");
    await exited;
    kill("SIGKILL");
  });

  it("passes on the given environment, and nothing of ours", async () => {
    const { said, exited } = start('echo "$A-$HOME-$B"', { ...ENV, A: "1", B: undefined });
    await exited;
    assert.deepEqual(said, ["stdout: 1--"]);
  });

  it("starts in the given directory", async () => {
    using folder = tempDirectory();
    const { said, exited } = start("pwd", ENV, folder.path);
    await exited;
    assert.deepEqual(said, [`stdout: ${folder.path}`]);
  });

  it("fails if the program does not exist", async () => {
    const missing = { program: "/nowhere/barnacle", args: [] };
    await assert.rejects(startOwnProcess(missing, [], ENV, () => {}).exited, /ENOENT/);
  });
});

it("[O5] ownCommand() › calls this program's main file on this runtime", () => {
  const { program, args } = ownCommand();
  assert.equal(program, process.execPath);
  assert.match(args.at(-1) ?? "", /src[/\\]main\.ts$/);
});

it("startedAs() › is the program as the person typed it, and quoted if a shell would cut it", () => {
  assert.equal(startedAs("./barnacle", true), "./barnacle");
  assert.equal(startedAs("/opt/my apps/barnacle", true), '"/opt/my apps/barnacle"');
  assert.equal(startedAs("deno", false), "barnacle");
});
