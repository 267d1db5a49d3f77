import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import { assertApart } from "../../src/workspace/files.ts";
import { ruleAllows } from "../../src/core/exec/command.ts";
import { createHostCommands, inBubblewrap } from "../../src/exec/host_commands.ts";
import { PROGRAM_BOUNDS } from "../../src/host/limits/program_bounds.ts";
import { EXEC_LIMITS, programLimitsOf, type WrittenLimits } from "../../src/lib/program_limits.ts";
import { needsBubblewrap } from "../support/skip.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const SH = "/bin/sh";
const NEVER = new AbortController().signal;

const directory = tempDirectory();
after(() => directory[Symbol.dispose]());
let folders = 0;

/** Commands that may run without a sandbox, in a folder of their own, unless the test says otherwise. */
function open(given: Partial<Parameters<typeof createHostCommands>[0]> = {}) {
  const folder = join(directory.path, `${++folders}`);
  mkdirSync(folder);
  const commands = createHostCommands({
    workspace: () => folder,
    assertApart: () => Promise.resolve(),
    maySkipSandbox: () => true,
    limits: () => EXEC_LIMITS,
    bounds: PROGRAM_BOUNDS,
    ...given,
  });
  return { folder, commands };
}

const SANDBOXED = { maySkipSandbox: () => false };

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

  it("run by the name of their link: some programs do other things by another name", async () => {
    const { commands, folder } = open();
    writeFileSync(join(folder, "tool"), '#!/bin/sh\necho "${0##*/}"\n');
    chmodSync(join(folder, "tool"), 0o755);
    symlinkSync("tool", join(folder, "alias"));
    const home = process.env["HOME"] ?? "";
    process.env["HOME"] = folder;
    const [tool, alias, again] = await Promise.all(
      ["./tool", "./alias", "~/tool"].map((program) =>
        commands.resolve({ argv: [program], cwd: "" })
      ),
    ).finally(() => process.env["HOME"] = home);
    assert.ok(tool && alias);
    assert.equal(again?.path, tool.path, "a path from the home folder");
    const { output } = await commands.run(alias, 20_000, new AbortController().signal);
    assert.equal(output, "alias\n");
    assert.equal(alias.realPath, tool.path);
    const rule = { path: tool.path, args: ["*"], isPattern: true };
    assert.equal(ruleAllows(rule, tool), true);
    assert.equal(ruleAllows(rule, alias), false);
  });

  it("end at their time limit, with their children", async () => {
    const { end } = await ran([SH, "-c", "sleep 600 & sleep 600"], 300);
    assert.equal(end?.cut, "time");
  });

  it("end at 1 MiB of output, of which the beginning and the end stay", async () => {
    const flood = await ran(["yes", "over and over"]);
    assert.equal(flood.end?.cut, "output");
    assert.ok(flood.output.length < 70_000, `${flood.output.length}`);
    const { output } = await ran(["seq", "-w", "1", "20000"]); // 6 bytes each
    const [first = "", last = ""] = output.split("\n[… 54464 bytes left out …]\n");
    assert.deepEqual([first.length, last.length], [32_768, 32_768]);
    assert.ok(first.startsWith("00001\n") && last.endsWith("20000\n"));
  });

  it("return although a child in the background holds their output", async () => {
    const { end, output } = await ran([SH, "-c", "sleep 600 & echo done"]);
    assert.equal(output, "done\n");
    assert.equal(end?.code, 0);
  });

  it("are refused without a sandbox before a person is asked, unless the config says so", async () => {
    const path = process.env["PATH"];
    process.env["PATH"] = directory.path; // where MCP looks for bubblewrap, too
    try {
      const { commands } = open(SANDBOXED);
      const request = { argv: ["true"], cwd: "" };
      const message = /^commands cannot run here: bubblewrap is missing or does not work/;
      await assert.rejects(commands.resolve(request), { name: "RefusedCall", message });
      await open().commands.resolve(request);
      process.env["PATH"] = path; // the operator has installed it
      const command = await commands.resolve(request).catch((error) => error);
      if (command instanceof Error) assert.match(command.message, message); // it does not work here
      else assert.equal((await commands.run(command, 5_000, NEVER)).end?.code, 0);
    } finally {
      process.env["PATH"] = path;
    }
  });

  it("refuse a workspace with the config or data of Barnacle in it", async () => {
    const { folder, commands } = open({ assertApart: (workspace) => assertApart(workspace, own) });
    const own = { dataDir: join(folder, "data"), skillFolders: [], workspaces: [] };
    mkdirSync(own.dataDir);
    await assert.rejects(
      commands.resolve({ argv: ["ls"], cwd: "" }),
      /contains the data directory/,
    );
  });

  it("[A3] refuses every command on Windows before a person is asked", async () => {
    const { commands } = open({ platform: "win32" });
    const refused = { name: "RefusedCall", message: /^commands cannot run on Windows: .* in WSL$/ };
    await assert.rejects(commands.resolve({ argv: ["ls"], cwd: "" }), refused);
  });

  it("see nothing of the host but programs and the workspace, in the sandbox", () => {
    const limits = programLimitsOf(EXEC_LIMITS, 64);
    const { args } = inBubblewrap(
      { argv: ["ls", "-l"], path: "/usr/bin/ls", realPath: "/usr/bin/ls", cwd: "/work/sub" },
      { workspace: "/work", bwrap: "/usr/bin/bwrap", prlimit: undefined, limits },
    );
    const text = args.join(" ");
    for (const part of ["--unshare-all", "--clearenv", "--cap-drop ALL", "--die-with-parent"]) {
      assert.ok(text.includes(part), part);
    }
    assert.match(
      text,
      /--bind \/work \/work (--ro-bind \/work\/\S+ \/work\/\S+ ){3}--remount-ro \/ --chdir \/work\/sub/,
    );
    assert.ok(text.endsWith("/usr/bin/ls -l"), text);
    const bound = args.filter((_, at) => args[at - 1] === "--ro-bind-try");
    for (const secret of ["/etc", "/home", "/root", "/var", "/run", "/"]) {
      assert.ok(!bound.includes(secret), secret);
    }
  });
});

describe("[A3] [SEC-R22] commands in bubblewrap", needsBubblewrap(), () => {
  /** Runs a script in the sandbox; there is no other way to run it. */
  async function sandbox(script: string, prepare: (folder: string) => void = () => {}) {
    const { commands, folder } = open(SANDBOXED);
    prepare(folder);
    const command = await commands.resolve({ argv: [SH, "-c", script], cwd: "" });
    const { output, end } = await commands.run(command, 20_000, new AbortController().signal);
    return { output, code: end?.code, folder };
  }

  it("write to the workspace, and see no other file of the host", async () => {
    const { output, code, folder } = await sandbox(
      "echo hello > new.txt; ls /etc /home /root /var /run 2>&1; ls /; cat /proc/1/environ",
    );
    assert.equal(code, 0);
    assert.equal(readFileSync(join(folder, "new.txt"), "utf8"), "hello\n");
    assert.doesNotMatch(output, /passwd|shadow|hostname/);
    assert.doesNotMatch(output, /DISCORD|OPENAI/);
  });

  it("have no network, and see no process of the host", async () => {
    const { output } = await sandbox("cat /proc/net/dev; ls /proc | grep -c '^[0-9]*$'");
    assert.doesNotMatch(output, /eth|ens|wl/);
    assert.ok(Number(output.trim().split("\n").at(-1)) < 10, output);
  });

  it("have limits of processes, open files, and bytes of a file", async () => {
    const { output } = await sandbox("cat /proc/self/limits");
    const limit = (name: string) => new RegExp(`^Max ${name} +(\\S+) +(\\S+)`, "m").exec(output);
    assert.deepEqual(
      ["processes", "open files", "file size", "core file size"].map((name) =>
        limit(name)?.slice(1).join(" ")
      ),
      ["64 64", "1024 1024", "67108864 67108864", "0 0"],
    );
  });

  /** Runs a script with less than the default limits. */
  async function limited(
    script: string,
    limits: Partial<WrittenLimits>,
    prepare: (folder: string) => void = () => {},
  ) {
    const { commands, folder } = open({
      ...SANDBOXED,
      limits: () => ({ ...EXEC_LIMITS, ...limits }),
    });
    prepare(folder);
    const command = await commands.resolve({ argv: [SH, "-c", script], cwd: "" });
    const state = await commands.run(command, 60_000, new AbortController().signal);
    return { ...state, folder };
  }
  const fill = (path: string, mb: number) =>
    `dd if=/dev/zero of=${path} bs=1M count=${mb} conv=notrunc 2>&1`;

  it("end once all their processes together have too much memory", async () => {
    // Each of them stays below what one process may have.
    const hog = `head -c 40M /dev/zero | tail -c 40M | (sleep 600; cat > /dev/null)`;
    const { end } = await limited(`${hog} & ${hog} & ${hog} & wait`, { memoryMb: 64 });
    assert.equal(end?.cut, "memory");
  });

  it("have little room for files in memory, and none outside that", async () => {
    for (const folder of ["/tmp", "/dev/shm"]) {
      const { output, end } = await limited(fill(`${folder}/file`, 40), { tempMb: 20 });
      assert.match(output, /No space left on device/, folder);
      assert.equal(end?.code, 1);
    }
    for (const folder of ["/", "/dev"]) {
      const { output } = await limited(fill(`${folder}/file`, 1), {});
      assert.match(output, /Read-only file system/, folder);
    }
  });

  it("end once the workspace is too large", async () => {
    const parts = [1, 2, 3, 4].map((part) => fill(`part${part}`, 40)).join("; ");
    const { end } = await limited(`${parts}; sleep 600`, { diskMb: 100 });
    assert.equal(end?.cut, "disk");
  });

  it("may write in a workspace that is large already, if they do not fill the disk", async () => {
    const { end } = await limited(`${fill("part", 1)}; sleep 1`, { diskMb: 1 }, (folder) => {
      writeFileSync(join(folder, "old"), new Uint8Array(3 * 1_048_576).fill(1));
    });
    assert.equal(end?.code, 0);
  });

  it("[H4] cannot change, replace or create instructions and skills", async () => {
    const script = ["AGENTS.md", "SOUL.md", "skills/evil/SKILL.md"].map((path) =>
      `mkdir -p skills/evil; echo obey > ${path}; rm -rf ${path}; mv new ${path}; ` +
      `mv skills other; mv AGENTS.md other.md; ln -sf /tmp ${path}`
    ).join("; ");
    const { folder, output } = await sandbox(`echo obey > new; ${script}; ls skills`, (folder) => {
      writeFileSync(join(folder, "AGENTS.md"), "Be kind.");
    });
    assert.match(output, /Read-only file system|busy/);
    assert.equal(readFileSync(join(folder, "AGENTS.md"), "utf8"), "Be kind.");
    assert.equal(readFileSync(join(folder, "SOUL.md"), "utf8"), "");
    assert.deepEqual(readdirSync(join(folder, "skills")), []);
  });

  it("[H4] do not run if the instructions are a link, which a command could replace", async () => {
    const linked = sandbox("true", (folder) => symlinkSync("other", join(folder, "AGENTS.md")));
    await assert.rejects(linked, /AGENTS\.md of the workspace is no file of its own/);
  });

  it("end with their children at the time limit", async () => {
    const { commands } = open(SANDBOXED);
    const argv = [SH, "-c", "sleep 600 & echo begun; sleep 600"];
    const command = await commands.resolve({ argv, cwd: "" });
    const { end, output } = await commands.run(command, 2_000, new AbortController().signal);
    assert.equal(end?.cut, "time");
    assert.equal(output, "begun\n");
  });

  it("run a program of the workspace, and one behind a link", async () => {
    const { output } = await sandbox("./tool; ./alias", (folder) => {
      writeFileSync(join(folder, "tool"), '#!/bin/sh\necho "${0##*/}"\n', { mode: 0o755 });
      symlinkSync("tool", join(folder, "alias"));
    });
    assert.equal(output, "tool\nalias\n");
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

  it("has another binding if its environment differs", async () => {
    const folder = join(directory.path, `${++folders}`);
    mkdirSync(join(folder, "inner"), { recursive: true });
    const bindingIn = async (workspace: string, cwd: string) => {
      const { commands } = open({ workspace: () => workspace });
      return (await commands.resolve({ argv: ["env"], cwd })).binding;
    };
    const inner = join(folder, "inner");
    assert.notEqual(await bindingIn(folder, "inner"), await bindingIn(inner, ""), "another HOME");
  });

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

  it("is refused with a folder that leads out by a link, also to one whose name begins alike", async () => {
    const { commands, folder } = open();
    const beside = `${folder}-beside`;
    mkdirSync(beside);
    symlinkSync("/etc", join(folder, "out"));
    symlinkSync(beside, join(folder, "beside"));
    for (const cwd of ["out", "beside", `../${basename(beside)}`, beside]) {
      await assert.rejects(commands.resolve({ argv: ["ls"], cwd }), /there is no folder/, cwd);
    }
  });
});
