import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { describe, it } from "node:test";
import { startStage } from "../../../../src/cli/demo/stage/stage.ts";
import type { Command } from "../../../../src/host/process/own_process.ts";

/** Stands in for Barnacle: prints its environment and arguments, and runs until SIGTERM. */
const SHELL: Command = {
  program: "/bin/sh",
  args: ["-c", 'trap "exit 0" TERM; env; echo "args: $*"; sleep 60 >&- 2>&- & wait', "sh"],
};

const open = (env: Readonly<Record<string, string>> = {}) =>
  startStage({ command: SHELL, env, config: ({ world }) => ({ guilds: world.guilds.size }) });

async function lineOf(lines: readonly string[], start: string): Promise<string> {
  for (;;) {
    const line = lines.find((line) => line.startsWith(start));
    if (line !== undefined) return line;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("[O5] startStage()", () => {
  it("gives a bot config and environment, without the user's keys", async () => {
    const stage = await open({ EXTRA: "stage" });
    try {
      const bot = stage.startBot({ OTHER: "bot" }, ["--json"]);
      const args = await lineOf(bot.lines, "args: ");
      const { configFile, dataDir, simulator, model } = stage;
      assert.equal(args, `args: run --config ${configFile} --data ${dataDir} --json`);
      const wanted = [
        `DISCORD_API_URL=${simulator.apiUrl}`,
        `DISCORD_BOT_TOKEN=${simulator.token}`,
        `OPENAI_BASE_URL=${model.baseUrl}`,
        "EXTRA=stage",
        "OTHER=bot",
      ];
      for (const line of wanted) assert.ok(bot.lines.includes(line), line);
      assert.ok(!bot.lines.some((line) => line.startsWith("ANTHROPIC_")));
    } finally {
      await stage.close();
    }
  });

  it("creates a config that only its owner may read", async () => {
    const stage = await open();
    try {
      assert.deepEqual(JSON.parse(readFileSync(stage.configFile, "utf8")), { guilds: 2 });
      assert.equal(statSync(stage.configFile).mode & 0o777, 0o600);
    } finally {
      await stage.close();
    }
  });

  it("ends its bots and removes its directory on close", async () => {
    const stage = await open();
    const bots = [stage.startBot(), stage.startBot()];
    for (const bot of bots) await lineOf(bot.lines, "args: ");
    await stage.close();
    for (const bot of bots) assert.deepEqual(await bot.exited, { code: 0, signal: null });
    assert.equal(existsSync(stage.dataDir), false);
    await assert.rejects(fetch(stage.simulator.apiUrl));
  });
});
