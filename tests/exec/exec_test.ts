import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import { createServer } from "node:net";
import { serveBroker } from "../../src/exec/broker.ts";
import { createHostCommands, type HostCommands } from "../../src/exec/jobs.ts";
import { createOutput } from "../../src/exec/output.ts";
import { sandboxed } from "../../src/exec/sandbox.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const SH = "/bin/sh";
const bytes = (text: string) => new TextEncoder().encode(text);

const directory = tempDirectory();
after(() => directory[Symbol.dispose]());
let folders = 0;

function open(maySkipSandbox = true): { commands: HostCommands; folder: string } {
  const folder = join(directory.path, `${++folders}`);
  mkdirSync(folder);
  return {
    folder,
    commands: createHostCommands({ workspace: () => folder, maySkipSandbox: () => maySkipSandbox }),
  };
}

async function ran(argv: readonly string[], timeoutMs = 20_000, cwd = "") {
  const { commands, folder } = open();
  if (cwd !== "") mkdirSync(join(folder, cwd));
  const command = await commands.resolve({ argv, cwd });
  return await commands.run(command, timeoutMs, new AbortController().signal);
}

describe("[A3] [SEC-R22] commands on the host", () => {
  it("run without a shell, in the workspace", async () => {
    const { output, end } = await ran(["echo", "$HOME;", "*", "a b"]);
    assert.equal(output, "$HOME; * a b\n");
    assert.equal(end?.code, 0);
    assert.match((await ran(["pwd"], 20_000, "sub")).output, /\/sub\n$/);
  });

  it("have an environment without secrets", async () => {
    process.env["DISCORD_BOT_TOKEN"] = "canary-token";
    process.env["NOTIFY_SOCKET"] = "canary-socket";
    try {
      const { output } = await ran(["env"]);
      assert.doesNotMatch(output, /canary/);
      const names = output.trim().split("\n").map((line) => line.split("=")[0]).sort();
      const own = new Set(["HOME", "LANG", "PATH", "TERM", "TMPDIR", "PWD", "SHLVL", "_"]);
      assert.deepEqual(names.filter((name) => !own.has(name ?? "")), []);
    } finally {
      delete process.env["DISCORD_BOT_TOKEN"];
      delete process.env["NOTIFY_SOCKET"];
    }
  });

  it("end at their time limit, with their children", async () => {
    const { end } = await ran([SH, "-c", "sleep 600 & sleep 600"], 300);
    assert.equal(end?.cut, "time");
  });

  it("end at 1 MiB of output, of which the beginning and the end stay", async () => {
    const { output, end } = await ran(["yes", "over and over"]);
    assert.equal(end?.cut, "output");
    assert.ok(output.length < 70_000, `${output.length}`);
    assert.match(output, /bytes left out/);
  });

  it("return although a child in the background holds their output", async () => {
    const { end, output } = await ran([SH, "-c", "sleep 600 & echo done"]);
    assert.equal(output, "done\n");
    assert.equal(end?.code, 0);
  });

  it("do not run without a sandbox, unless the config says so", async () => {
    const { commands } = open(false);
    const command = await commands.resolve({ argv: ["true"], cwd: "" });
    const run = commands.run(command, 5_000, new AbortController().signal);
    await run.then(
      ({ end }) => assert.equal(end?.code, 0), // this machine has bubblewrap
      (error: Error) => assert.match(error.message, /bubblewrap/),
    );
  });

  it("are jobs of their session, which shows and ends them", async () => {
    const { commands } = open();
    const command = await commands.resolve({ argv: [SH, "-c", "echo begun; sleep 600"], cwd: "" });
    const job = await commands.start(command, "one", 600_000);
    while (!commands.poll(job, "one")?.output.includes("begun")) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal(commands.poll(job, "another"), undefined);
    assert.equal(commands.kill(job, "another"), false);
    assert.equal(commands.kill(job, "one"), true);
    await commands.stop();
    assert.equal(commands.poll(job, "one")?.end?.cut, "stopped");
  });

  it("see nothing of the host but programs and the workspace, in the sandbox", () => {
    const { args } = sandboxed(
      { argv: ["ls", "-l"], path: "/usr/bin/ls", cwd: "/work/sub" },
      "/work",
      "/usr/bin/bwrap",
    );
    const text = args.join(" ");
    for (const part of ["--unshare-all", "--clearenv", "--cap-drop ALL", "--die-with-parent"]) {
      assert.ok(text.includes(part), part);
    }
    assert.ok(text.includes("--bind /work /work --chdir /work/sub"), text);
    assert.ok(text.endsWith("/usr/bin/ls -l"), text);
    const bound = args.filter((_, at) => args[at - 1] === "--ro-bind-try");
    for (const secret of ["/etc", "/home", "/root", "/var", "/run", "/"]) {
      assert.ok(!bound.includes(secret), secret);
    }
  });
});

describe("[SEC-R20] a resolved command", () => {
  async function bindings(change: (folder: string) => void, argv = ["./tool", "data.txt"]) {
    const { commands, folder } = open();
    writeFileSync(join(folder, "tool"), "#!/bin/sh\necho one\n");
    chmodSync(join(folder, "tool"), 0o755);
    writeFileSync(join(folder, "data.txt"), "one");
    const first = await commands.resolve({ argv, cwd: "" });
    change(folder);
    const second = await commands.resolve({ argv, cwd: "" });
    return [first.binding, second.binding];
  }

  it("has the same binding while nothing changes", async () => {
    const [first, second] = await bindings(() => {});
    assert.equal(first, second);
  });

  const changes: readonly [string, (folder: string) => void][] = [
    ["program is another one", (folder) => {
      writeFileSync(join(folder, "tool"), "#!/bin/sh\necho two\n");
      chmodSync(join(folder, "tool"), 0o755);
    }],
    ["program was replaced by a copy", (folder) => {
      writeFileSync(join(folder, "copy"), readFileSync(join(folder, "tool")));
      chmodSync(join(folder, "copy"), 0o755);
      renameSync(join(folder, "copy"), join(folder, "tool"));
    }],
    ["program is a link to another one", (folder) => {
      renameSync(join(folder, "tool"), join(folder, "old"));
      symlinkSync("/bin/true", join(folder, "tool"));
    }],
    ["file of an argument has changed", (folder) => writeFileSync(join(folder, "data.txt"), "two")],
  ];
  for (const [title, change] of changes) {
    it(`has another binding if its ${title}`, async () => {
      const [first, second] = await bindings(change);
      assert.notEqual(first, second);
    });
  }

  it("has another binding with a trailing space or in another folder", async () => {
    const { commands, folder } = open();
    mkdirSync(join(folder, "sub"));
    const of = async (argv: readonly string[], cwd = "") =>
      (await commands.resolve({ argv, cwd })).binding;
    const all = [
      await of(["ls"]),
      await of(["ls", " "]),
      await of(["ls", ""]),
      await of(["ls"], "sub"),
    ];
    assert.equal(new Set(all).size, all.length);
  });

  const refused: readonly [string, readonly string[], string][] = [
    ["a folder above the workspace", ["ls"], ".."],
    ["an absolute folder", ["ls"], "/etc"],
    ["a program that does not exist", ["no-such-program"], ""],
    ["a folder as a program", ["/usr/bin"], ""],
    ["an empty program", [""], ""],
  ];
  for (const [title, argv, cwd] of refused) {
    it(`is refused with ${title}`, async () => {
      await assert.rejects(open().commands.resolve({ argv, cwd }), /there is no (folder|program)/);
    });
  }

  it("is refused with a folder that leads out by a link", async () => {
    const { commands, folder } = open();
    symlinkSync("/etc", join(folder, "out"));
    await assert.rejects(commands.resolve({ argv: ["ls"], cwd: "out" }), /there is no folder/);
  });
});

describe("createOutput()", () => {
  it("keeps short output whole", () => {
    const output = createOutput(10, 100);
    for (const part of ["abc", "defg", "hij", "klm"]) output.add(bytes(part));
    assert.equal(output.text(), "abcdefghijklm");
  });

  it("keeps the beginning and the end of long output", () => {
    const output = createOutput(4, 100);
    for (const part of ["abcdef", "ghijkl", "mnop"]) assert.equal(output.add(bytes(part)), true);
    assert.equal(output.text(), "abcd\n[… 8 bytes left out …]\nmnop");
    assert.equal(output.add(new Uint8Array(100)), false);
  });
});

describe("[A3] the exec broker", () => {
  /** A broker for each connection, as systemd starts them. */
  async function withBroker(test: (commands: HostCommands, workspace: string) => Promise<void>) {
    const { folder } = open();
    const brokerSocket = join(folder, "broker.sock");
    const workspace = join(folder, "broker");
    mkdirSync(workspace);
    const server = createServer((connection) => {
      connection.on("error", () => {});
      void serveBroker(workspace, {
        input: connection,
        send: (line) => new Promise((resolve) => void connection.end(line, () => resolve())),
      });
    });
    await new Promise<void>((resolve) => void server.listen(brokerSocket, resolve));
    const commands = createHostCommands({
      workspace: () => folder,
      maySkipSandbox: () => false,
      brokerSocket,
    });
    try {
      await test(commands, workspace);
    } finally {
      await commands.stop();
      server.close();
    }
  }

  it("runs commands in its own workspace", () =>
    withBroker(async (commands, workspace) => {
      const command = await commands.resolve({ argv: ["pwd"], cwd: "" });
      const { output, end } = await commands.run(command, 9_000, new AbortController().signal);
      assert.equal(output, `${workspace}\n`);
      assert.equal(end?.code, 0);
    }));

  it("runs nothing that has changed since the approval", () =>
    withBroker(async (commands, workspace) => {
      writeFileSync(join(workspace, "data.txt"), "one");
      const command = await commands.resolve({ argv: ["cat", "data.txt"], cwd: "" });
      writeFileSync(join(workspace, "data.txt"), "two");
      const run = commands.run(command, 9_000, new AbortController().signal);
      await assert.rejects(run, /the command has changed/);
    }));

  it("ends a command whose bot goes away", () =>
    withBroker(async (commands) => {
      const command = await commands.resolve({ argv: ["sleep", "600"], cwd: "" });
      const stopping = new AbortController();
      const run = commands.run(command, 600_000, stopping.signal);
      stopping.abort();
      await assert.rejects(run, /without an answer/);
    }));

  it("tells why a command cannot run", () =>
    withBroker(async (commands) => {
      await assert.rejects(commands.resolve({ argv: ["no-such"], cwd: "" }), /there is no program/);
    }));
});
