/** Tests that programs in a sandbox cannot reach the socket on which commands change the bot's data. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import {
  inBubblewrap as sandboxedCommand,
  prepareInstructions,
} from "../../src/exec/host_commands.ts";
import { serveSocket, socketFolder } from "../../src/host/bot_socket.ts";
import { createConfine, findSandbox } from "../../src/mcp/sandbox.ts";
import { recordingLog } from "../support/recording_log.ts";
import { needsBubblewrap } from "../support/skip.ts";
import { PROGRAM_BOUNDS } from "../../src/host/limits/program_bounds.ts";
import { EXEC_LIMITS, MCP_LIMITS, programLimitsOf } from "../../src/lib/program_limits.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const here = await findSandbox();
const bwrap = here.kind === "bubblewrap" ? here.program : "";

/** Prints whether the socket is there, and tries the path through the bot's own process, too. */
const script = (path: string) => [
  "-c",
  `test -e "${path}" && echo reached; test -e "/proc/${process.pid}/root${path}" && echo around; echo looked`,
];

interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

const output = ({ command, args, cwd, env }: Program) =>
  spawnSync(command, [...args], { cwd, env: { ...env } }).stdout.toString().trim();

/** Serves the socket of a data directory, and returns the output of a program that looks for it. */
async function look(prepare: (dataDir: string, args: readonly string[]) => Promise<Program>) {
  using folder = tempDirectory();
  const server = await serveSocket(folder.path, () => Promise.resolve("reached"));
  try {
    const path = join(socketFolder(folder.path), "bot");
    return output(await prepare(folder.path, script(path)));
  } finally {
    await server.close();
  }
}

describe("[X2] the bot's socket", () => {
  const mcp = (sandbox: "require" | "off", writable: (dataDir: string) => readonly string[]) =>
    look((dataDir, args) => {
      const { log } = recordingLog();
      const folder = join(dataDir, "mcp");
      const confine = createConfine({
        folder,
        hidden: () => [dataDir],
        bounds: PROGRAM_BOUNDS,
        log,
      });
      return confine("looks", {
        command: "/bin/sh",
        args,
        env: {},
        sandbox,
        writable: writable(dataDir),
        limits: MCP_LIMITS,
      });
    });

  it("is out of reach of an MCP server's program in its sandbox", needsBubblewrap(), async () => {
    assert.equal(await mcp("require", () => []), "looked");
  });

  it(
    "stays so if the program may write to a folder with the data directory",
    needsBubblewrap(),
    async () => {
      assert.equal(await mcp("require", (dataDir) => [join(dataDir, "..")]), "looked");
    },
  );

  it("[negative control] is in reach of a program without a sandbox", async () => {
    assert.match(await mcp("off", () => []), /reached/);
  });

  it("is out of reach of the agent's commands in their sandbox", needsBubblewrap(), async () => {
    const seen = await look(async (dataDir, args) => {
      const workspace = join(dataDir, "agents", "main");
      mkdirSync(workspace, { recursive: true });
      await prepareInstructions(workspace);
      const launch = sandboxedCommand(
        { argv: ["sh", ...args], path: "/bin/sh", realPath: "/bin/sh", cwd: workspace },
        {
          workspace,
          bwrap,
          prlimit: PROGRAM_BOUNDS.prlimit,
          limits: programLimitsOf(EXEC_LIMITS, 64),
        },
      );
      return { command: launch.file, args: launch.args, cwd: "/" };
    });
    assert.equal(seen, "looked");
  });
});
