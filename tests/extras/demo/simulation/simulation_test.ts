import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { describe, it } from "node:test";
import { startSimulation } from "../../../../src/extras/demo/simulation/simulation.ts";
import type { OwnCommand } from "../../../../src/host/process/own_process.ts";

/** Stands in for Barnacle: prints its environment and arguments, and runs until SIGTERM. */
const SHELL: OwnCommand = {
  program: "/bin/sh",
  args: ["-c", 'trap "exit 0" TERM; env; echo "args: $*"; sleep 60 >&- 2>&- & wait', "sh"],
};

const open = (env: Readonly<Record<string, string>> = {}) =>
  startSimulation({ command: SHELL, env, config: ({ world }) => ({ guilds: world.guilds.size }) });

async function lineOf(lines: readonly string[], start: string): Promise<string> {
  for (;;) {
    const line = lines.find((line) => line.startsWith(start));
    if (line !== undefined) return line;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("[O5] startSimulation()", () => {
  it("gives a bot config and environment, without the user's keys", async () => {
    const simulation = await open({ EXTRA: "stage" });
    try {
      const bot = simulation.startBot({ OTHER: "bot" }, ["--json"]);
      const args = await lineOf(bot.lines, "args: ");
      const { configFile, dataDir, simulator, model } = simulation;
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
      await simulation.close();
    }
  });

  it("creates a config that only its owner may read", async () => {
    const simulation = await open();
    try {
      assert.deepEqual(JSON.parse(readFileSync(simulation.configFile, "utf8")), { guilds: 2 });
      assert.equal(statSync(simulation.configFile).mode & 0o777, 0o600);
    } finally {
      await simulation.close();
    }
  });

  it("ends its bots and removes its directory on close", async () => {
    const simulation = await open();
    const bots = [simulation.startBot(), simulation.startBot()];
    for (const bot of bots) await lineOf(bot.lines, "args: ");
    await simulation.close();
    for (const bot of bots) assert.deepEqual(await bot.exited, { code: 0, signal: null });
    assert.equal(existsSync(simulation.dataDir), false);
    await assert.rejects(fetch(simulation.simulator.apiUrl));
  });
});
