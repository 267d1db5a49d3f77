/** Secrets of the service: the unit's credentials, and variables that would show them. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { startOwnProcess } from "../../../src/host/process/own_process.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const ROOT = join(import.meta.dirname ?? ".", "..", "..", "..");
const TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAx.GtestX.abcdefghijklmnopqrstuvwxyz0123456789ab";

/** Values of a setting of the unit; systemd adds up lines with the same name. */
function settingsOf(name: string): readonly string[] {
  const unit = readFileSync(join(ROOT, "packaging", "systemd", "barnacle.service"), "utf8");
  return unit.split("\n").filter((line) => line.startsWith(`${name}=`))
    .flatMap((line) => line.slice(name.length + 1).split(" "));
}

describe("[SEC-R38] the systemd unit", () => {
  it("sets no secret in the environment", () => {
    assert.deepEqual(settingsOf("EnvironmentFile"), []);
    assert.deepEqual(settingsOf("Environment").map((entry) => entry.split("=")[0]), [
      "BUN_RUNTIME_TRANSPILER_CACHE_PATH",
      "TMPDIR",
      "BARNACLE_BOOT_ID",
    ]);
  });

  const REMOVED = [
    "BUN_BE_BUN",
    "BUN_OPTIONS",
    "BUN_INSPECT",
    "BUN_INSPECT_CONNECT_TO",
    "BUN_INSPECT_NOTIFY",
    "BUN_INSPECT_PRELOAD",
    "BUN_CONFIG_VERBOSE_FETCH",
    "NODE_OPTIONS",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "LD_PRELOAD",
    "LD_AUDIT",
    "LD_LIBRARY_PATH",
  ];
  it("removes the variables by which other code would run beside the token", () => {
    assert.deepEqual(settingsOf("UnsetEnvironment"), REMOVED);
  });
});

/** Runs a script on Bun against a server that stands for Discord, until it ends. */
async function runLogged(
  script: string,
  argsOf: (url: string) => readonly string[],
  level: string,
) {
  using home = tempDirectory();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    response.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const lines: string[] = [];
  const { exited } = startOwnProcess(
    { program: join(ROOT, "node_modules", ".bin", "bun"), args: [join(ROOT, script)] },
    argsOf(url),
    {
      PATH: process.env["PATH"],
      HOME: home.path,
      DISCORD_API_URL: `${url}/api`,
      DISCORD_BOT_TOKEN: TOKEN,
      BUN_CONFIG_VERBOSE_FETCH: level,
    },
    (line) => lines.push(line),
  );
  await exited;
  await new Promise((resolve) => server.close(resolve));
  return { asked: asked.join("\n"), output: lines.join("\n") };
}

describe("[SEC-R9] BUN_CONFIG_VERBOSE_FETCH", () => {
  for (const level of ["curl", "true"]) {
    it(`shows neither token nor requests in the output of a command (${level})`, async () => {
      const { asked, output } = await runLogged("src/main.ts", () => ["invite"], level);
      assert.ok(asked.includes(`Bot ${TOKEN}`), "a request with the token was sent");
      assert.ok(!output.includes(TOKEN) && !output.includes("/api/v10"), output);
    });

    it(`shows no interaction token in the output of the gateway thread (${level})`, async () => {
      const script = "tests/support/process/acknowledge_thread.ts";
      const { asked, output } = await runLogged(script, (url) => [url], level);
      assert.ok(asked.includes("an-interaction-token"), "the acknowledgement was sent");
      assert.equal(output, "done 200");
    });
  }
});
