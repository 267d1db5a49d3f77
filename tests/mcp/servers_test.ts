import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { schedule } from "../../src/lib/schedule.ts";
import type { McpServer } from "../../src/mcp/server.ts";
import { createStdioTransport } from "../../src/mcp/stdio.ts";
import { createMcpServers, type McpServers } from "../../src/mcp/servers.ts";
import { everythingProgram } from "../support/model/mcp_everything.ts";
import { toolContext } from "../support/model/tools.ts";
import { recordingLog } from "../support/recording_log.ts";

const STDIO: McpServer = {
  id: "everything",
  transport: { kind: "stdio", ...everythingProgram("stdio") },
};

/** Plays with servers, and closes them. */
async function withServers(
  list: readonly McpServer[],
  play: (servers: McpServers, lines: () => string) => Promise<void>,
): Promise<void> {
  const { log, lines } = recordingLog();
  const servers = createMcpServers(list, { version: "1", now: Date.now, schedule, log });
  try {
    await play(servers, () => JSON.stringify(lines));
  } finally {
    await servers.close();
  }
}

async function call(servers: McpServers, name: string, input: unknown): Promise<string> {
  const tool = servers.tools().find((one) => one.name === name);
  assert.ok(tool, `there is no ${name}`);
  return await tool.run(tool.input.parse(input), toolContext());
}

describe("[T6] createMcpServers()", () => {
  it("lists and calls tools of a program", () =>
    withServers([STDIO], async (servers) => {
      assert.deepEqual(servers.tools(), []);
      await servers.list(() => true);
      const names = servers.tools().map(({ name }) => name);
      assert.ok(names.includes("mcp__everything__echo"), names.join());
      assert.deepEqual(names, names.toSorted());
      assert.match(await call(servers, "mcp__everything__echo", { message: "ahoy" }), /ahoy/);
      assert.match(await call(servers, "mcp__everything__get-sum", { a: 2, b: 3 }), /5/);
      const echo = servers.tools().find(({ name }) => name === "mcp__everything__echo");
      assert.equal(Object(echo?.parameters)["type"], "object");
    }));

  it("[SEC-R9] gives a program no variable of its own environment with a secret", async () => {
    process.env["BARNACLE_TEST_SECRET"] = "hunter2";
    const env = { ...everythingProgram("stdio").env, GIVEN: "given" };
    try {
      await withServers([{
        ...STDIO,
        transport: { ...STDIO.transport, env } as McpServer["transport"],
      }], async (servers) => {
        await servers.list(() => true);
        const seen = await call(servers, "mcp__everything__get-env", {});
        assert.match(seen, /"GIVEN": "given"/);
        assert.match(seen, /"PATH"/);
        assert.doesNotMatch(seen, /hunter2|BARNACLE|NOTIFY_SOCKET|CREDENTIALS_DIRECTORY/);
      });
    } finally {
      delete process.env["BARNACLE_TEST_SECRET"];
    }
  });

  it("offers only allowed tools, and asks only wanted servers", () =>
    withServers([{ ...STDIO, allow: ["echo"] }], async (servers) => {
      await servers.list(() => false);
      assert.deepEqual(servers.tools(), []);
      await servers.list((id) => id === "everything");
      assert.deepEqual(servers.tools().map(({ name }) => name), ["mcp__everything__echo"]);
    }));

  it("keeps the array until tools change, and the connection of a server that stays", () =>
    withServers([{ ...STDIO, allow: ["echo"] }], async (servers) => {
      await servers.list(() => true);
      const tools = servers.tools();
      assert.equal(servers.tools(), tools);
      servers.apply([{ ...STDIO, allow: ["echo"] }]);
      assert.equal(servers.tools().length, 1);
      servers.apply([]);
      assert.deepEqual(servers.tools(), []);
      const [echo] = tools;
      await assert.rejects(
        Promise.resolve(echo?.run({ message: "x" }, toolContext())),
        /no longer configured/,
      );
    }));

  it("tells the model if a tool refuses, and if a program cannot be started", () =>
    withServers([
      STDIO,
      { id: "gone", transport: { kind: "stdio", command: "/does/not/exist", args: [], env: {} } },
    ], async (servers, lines) => {
      await servers.list(() => true);
      await assert.rejects(call(servers, "mcp__everything__get-sum", { a: "x" }), /[Ii]nvalid/);
      assert.match(lines(), /An MCP server is not available/);
      assert.doesNotMatch(servers.tools().map(({ name }) => name).join(), /gone/);
    }));

  it("ends a call with the turn's signal", () =>
    withServers([STDIO], async (servers) => {
      await servers.list(() => true);
      const stop = new AbortController();
      const tool = servers.tools().find(({ name }) => /long-running/.test(name));
      assert.ok(tool);
      const run = tool.run({ duration: 600, steps: 1 }, toolContext({ signal: stop.signal }));
      stop.abort(new Error("stopped"));
      await assert.rejects(run, /stopped|abort/i);
    }));

  it("does not wait for a server that says nothing when it is closed", () => {
    const silent = { kind: "stdio", command: "sleep", args: ["600"], env: {} } as const;
    return withServers([{ id: "silent", transport: silent }], async (servers) => {
      const listed = servers.list(() => true);
      await servers.close();
      await listed;
    });
  });
});

describe("[T6] createStdioTransport()", () => {
  it("kills a program that ignores its end, with its children", async () => {
    const { promise, resolve } = Promise.withResolvers<object>();
    const transport = createStdioTransport({
      command: "sh",
      args: ["-c", `trap '' TERM; sleep 600 & echo "{\\"pid\\":$!}"; wait; wait`],
      env: {},
    }, () => {});
    transport.onmessage = resolve;
    await transport.start();
    const pid = Number(Reflect.get(await promise, "pid"));
    await transport.close();
    while (isRunning(pid)) await sleep(20);
  });

  it("takes lines that are no messages as errors", async () => {
    const { promise, resolve } = Promise.withResolvers<Error>();
    const program = { command: "sh", args: ["-c", "echo starting; sleep 600"], env: {} };
    const transport = createStdioTransport(program, () => {});
    transport.onerror = resolve;
    await transport.start();
    assert.match(String(await promise), /JSON/);
    await transport.close();
  });
});

/** Whether a process runs; one that has ended may wait for its parent to notice. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}

describe("[T13] createMcpServers()", () => {
  it("lists and calls tools over Streamable HTTP", async () => {
    const port = await freePort();
    const { command, args, env } = everythingProgram("streamableHttp");
    const server = spawn(command, args, {
      env: { ...process.env, ...env, PORT: String(port) },
      stdio: "ignore",
    });
    try {
      const url = `http://127.0.0.1:${port}/mcp`;
      while (!await fetch(url).then(() => true, () => false)) await sleep(50);
      const transport = { kind: "http", url, headers: { "x-key": "1" } } as const;
      await withServers([{ id: "far", transport }], async (servers) => {
        await servers.list(() => true);
        assert.match(await call(servers, "mcp__far__echo", { message: "ahoy" }), /ahoy/);
      });
    } finally {
      server.kill("SIGKILL");
    }
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
