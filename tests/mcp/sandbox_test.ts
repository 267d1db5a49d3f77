import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { schedule } from "../../src/lib/clock.ts";
import {
  createConfine,
  environmentOf,
  findSandbox,
  type Sandbox,
  sandboxServer,
} from "../../src/mcp/sandbox.ts";
import { createLogins } from "../../src/mcp/oauth/provider.ts";
import { createSeenTools } from "../../src/mcp/definitions.ts";
import { createMcpServers } from "../../src/mcp/servers.ts";
import { scriptedProgram } from "../support/model/mcp_scripted.ts";
import { toolContext } from "../support/model/tools.ts";
import { recordingLog } from "../support/recording_log.ts";
import { PROGRAM_BOUNDS } from "../../src/host/limits/program_bounds.ts";
import { MB, MCP_LIMITS } from "../../src/lib/program_limits.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const NONE: Sandbox = { kind: "none", why: "bubblewrap is not installed" };
const here = await findSandbox();

const program = {
  command: "sh",
  args: ["/srv"],
  env: { GIVEN: "given" },
  sandbox: "auto",
  writable: [],
  limits: MCP_LIMITS,
} as const;

/** Positions of `words` in the arguments, as one list. */
const after = (args: readonly string[], flag: string) =>
  args.flatMap((arg, at) => arg === flag ? [args[at + 1]] : []);

describe("[T13] createConfine()", () => {
  const confineAt = (path: string, found: Sandbox) => {
    const { log, lines } = recordingLog();
    let searches = 0;
    const confine = createConfine({
      folder: path,
      hidden: () => [],
      bounds: { ...PROGRAM_BOUNDS, prlimit: undefined },
      find: () => Promise.resolve((searches++, found)),
      log,
    });
    return { confine, lines, searches: () => searches };
  };

  it("runs a program without a sandbox if there is none, and says so once", async () => {
    using folder = tempDirectory();
    const { confine, lines, searches } = confineAt(folder.path, NONE);
    const launch = await confine("files", program);
    await confine("files", program);
    assert.equal(launch.command, "sh");
    assert.equal(launch.cwd, join(folder.path, "files"));
    assert.equal(launch.env["GIVEN"], "given");
    assert.equal(searches(), 2, "bubblewrap may be installed meanwhile");
    assert.deepEqual(lines.map(({ event, fields }) => [event, fields["why"]]), [
      ["An MCP server runs without a sandbox", "bubblewrap is not installed"],
    ]);
  });

  it("refuses to start without a sandbox that the config requires", async () => {
    using folder = tempDirectory();
    const { confine } = confineAt(folder.path, NONE);
    await assert.rejects(
      confine("files", { ...program, sandbox: "require" }),
      /needs a sandbox, and bubblewrap is not installed/,
    );
  });

  it("looks for no sandbox if the config wants none", async () => {
    using folder = tempDirectory();
    const { confine, lines, searches } = confineAt(folder.path, NONE);
    await confine("files", { ...program, sandbox: "off" });
    assert.deepEqual([searches(), lines.length], [0, 0]);
  });

  for (const found of [NONE, { kind: "bubblewrap", program: "bwrap" }] as const) {
    const where = found.kind === "none" ? "without a sandbox" : "in a sandbox";

    it(`[SEC-R22] lets a program ${where} start at most 1,024 processes`, async () => {
      using folder = tempDirectory();
      const watched: number[] = [];
      const confine = createConfine({
        folder: folder.path,
        hidden: () => [],
        bounds: {
          prlimit: undefined,
          watch(_, { processes }) {
            watched.push(processes);
            return () => {};
          },
        },
        find: () => Promise.resolve(found),
        log: recordingLog().log,
      });
      const { limits, watch } = await confine("files", program);
      watch(1, () => {});
      assert.deepEqual(watched, [1_024]);
      assert.equal(limits.processes, 1_024, "and the owner reads the same one");
    });
  }

  it("starts bubblewrap, with a home of the program's own", async () => {
    using folder = tempDirectory();
    const { confine } = confineAt(folder.path, { kind: "bubblewrap", program: "bwrap" });
    const launch = await confine("files", program);
    assert.equal(launch.command, "bwrap");
    assert.deepEqual(launch.args.slice(-3), ["--", "sh", "/srv"]);
    assert.equal(launch.env["HOME"], join(folder.path, "files"));
    const own = await confine("files", { ...program, env: { HOME: "/srv" } });
    assert.equal(own.env["HOME"], "/srv", "the config wins");
  });

  it("[SEC-R9] gives a program no variable of Barnacle's but those without a secret", async () => {
    const every = new Proxy({}, { get: (_, name) => String(name) });
    const passed = Object.keys(environmentOf(every, {})).toSorted();
    const named = "APPDATA HOME LANG LC_ALL LOCALAPPDATA PATH SYSTEMROOT TEMP TMPDIR TZ";
    assert.equal(passed.join(" "), named);
    const { SSH_AUTH_SOCK: before } = process.env;
    process.env["SSH_AUTH_SOCK"] = "/agent";
    using folder = tempDirectory();
    try {
      for (const found of [NONE, { kind: "bubblewrap", program: "bwrap" }] as const) {
        const { env } = await confineAt(folder.path, found).confine("files", program);
        assert.deepEqual(Object.keys(env).filter((name) => !passed.includes(name)), ["GIVEN"]);
      }
    } finally {
      if (before === undefined) delete process.env["SSH_AUTH_SOCK"];
      else process.env["SSH_AUTH_SOCK"] = before;
    }
  });
});

describe("[T13] sandboxServer()", () => {
  it("hides folders and files, and opens those that the program needs", () => {
    using folder = tempDirectory();
    const data = join(folder.path, "data");
    const home = join(data, "mcp");
    const notes = join(data, "notes");
    const config = join(folder.path, "config.jsonc");
    for (const path of [home, notes]) mkdirSync(path, { recursive: true });
    writeFileSync(config, "{}");
    const { args } = sandboxServer(
      { command: "node", args: [notes, data, config], env: {} },
      { home, hidden: [data, config, join(folder.path, "gone")], writable: [notes], tempBytes: MB },
      "bwrap",
    );
    assert.ok(after(args, "--tmpfs").includes(data));
    const readable = after(args, "--ro-bind");
    assert.ok(readable.includes(notes));
    assert.ok(!readable.includes(data) && !readable.includes(config), "never all of it");
    assert.deepEqual(new Set(after(args, "--bind")), new Set([notes, home]));
    assert.ok(args.lastIndexOf(notes) > args.indexOf(data), "within the hidden folder");
  });

  it("hides the keys that the user keeps in the home folder", () => {
    using folder = tempDirectory();
    const folders = [".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".password-store"]
      .concat(".config/gh", ".config/gcloud");
    const files = [".netrc", ".git-credentials"];
    for (const name of [...folders, "own"]) mkdirSync(join(folder.path, name), { recursive: true });
    for (const name of files) writeFileSync(join(folder.path, name), "key");
    const { args } = sandboxServer(
      { command: "node", args: [], env: {} },
      { home: join(folder.path, "own"), hidden: [], writable: [], tempBytes: MB },
      "bwrap",
      folder.path,
    );
    const emptied = after(args, "--tmpfs");
    const covered = args.flatMap((arg, at) => arg === "/dev/null" ? [args[at + 1]] : []);
    for (const name of folders) assert.ok(emptied.includes(join(folder.path, name)), name);
    for (const name of files) assert.ok(covered.includes(join(folder.path, name)), name);
  });

  it("lets no writable folder show a hidden one", () => {
    using folder = tempDirectory();
    const data = join(folder.path, "data");
    const home = join(data, "mcp");
    mkdirSync(home, { recursive: true });
    const { args } = sandboxServer(
      { command: "node", args: [], env: {} },
      { home, hidden: [data], writable: [folder.path], tempBytes: MB },
      "bwrap",
    );
    assert.ok(args.lastIndexOf(folder.path) < args.indexOf(data));
  });

  it("refuses a writable folder that would show other processes", () => {
    for (const path of ["/", "/proc", "/proc/self", "/dev"]) {
      assert.throws(
        () =>
          sandboxServer(
            { command: "node", args: [], env: {} },
            { home: "/", hidden: [], writable: [path], tempBytes: MB },
            "bwrap",
          ),
        /cannot be a writable folder/,
        path,
      );
    }
  });

  it("names a writable folder that does not exist", () => {
    assert.throws(
      () =>
        sandboxServer(
          { command: "node", args: [], env: {} },
          { home: "/", hidden: [], writable: ["/does/not/exist"], tempBytes: MB },
          "bwrap",
        ),
      /the writable folder \/does\/not\/exist does not exist/,
    );
  });
});

const skip = here.kind === "none" ? here.why : false;

it(
  "[T13] a program in the sandbox › sees neither Barnacle's data nor its processes, and writes only to its folders",
  { skip },
  async () => {
    using folder = tempDirectory();
    const data = join(folder.path, "data");
    const shared = join(folder.path, "shared");
    for (const path of [data, shared]) mkdirSync(path);
    writeFileSync(join(data, "barnacle.db"), "token");
    // Deno changes the arguments of a child that name its own executable file twice, and so would
    // break the sandbox of a runtime in the folder for temporary files. It does not know the link.
    const scripted = scriptedProgram("Looks.");
    const command = join(folder.path, "runtime");
    symlinkSync(scripted.command, command);
    const { log } = recordingLog();
    const servers = createMcpServers([{
      id: "looks",
      transport: {
        kind: "stdio",
        ...scripted,
        command,
        sandbox: "require",
        writable: [shared],
        limits: MCP_LIMITS,
      },
    }], {
      version: "1",
      now: Date.now,
      schedule,
      log,
      confine: createConfine({
        folder: join(data, "mcp"),
        hidden: () => [data],
        bounds: PROGRAM_BOUNDS,
        log,
      }),
      seen: createSeenTools(join(data, "seen.json")),
      logins: createLogins(data),
    });
    const look = async (what: string) =>
      await servers.tools()[0]?.run({ what }, toolContext()) ?? "no tool";
    try {
      assert.match(await servers.tools()[0]?.run({}, toolContext()) ?? "", /^looks has connected/);
      assert.match(await look(`read ${join(data, "barnacle.db")}`), /ENOENT/);
      assert.ok(Number(await look("processes")) < 5);
      assert.match(await look("write /etc/barnacle-test"), /EROFS/);
      assert.equal(await look(`write ${join(shared, "note")}`), "written");
      assert.equal(await look("write note"), "written", "its own folder");
      assert.equal(await look("home"), join(data, "mcp", "looks"));
    } finally {
      await servers.close();
    }
  },
);
