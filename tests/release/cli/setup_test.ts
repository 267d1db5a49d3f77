/** Plays `barnacle setup` on a pseudo-terminal, as a newcomer does, and each of its refusals. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import type { Env } from "../../../src/lib/env.ts";
import { type ModelServer, startModelServer } from "../../../simulator/model/server.ts";
import { type Simulator, startSimulator } from "../../../simulator/simulator.ts";
import type { Application } from "../../../simulator/world/world.ts";
import { commandUnderTest, PATIENCE_MS, type Ran, runCommand } from "../../support/bot/e2e.ts";
import { judgeRequests } from "../../support/bot/judges.ts";
import { KEY, type OpenTerminal, openTerminal } from "../../support/terminal/terminal.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

/** A machine on which nothing is set up yet. */
interface FreshMachine {
  readonly simulator: Simulator;
  readonly model: ModelServer;
  /** A bot without intents that is in no server. */
  readonly bot: Application;
  readonly home: string;
  /** Path of the config that setup writes. */
  readonly configFile: string;
  open(args?: readonly string[], env?: Env): OpenTerminal;
  /** Runs a command without a terminal. */
  run(args: readonly string[], env?: Env): Promise<Ran>;
}

async function onFreshMachine(
  play: (machine: FreshMachine) => Promise<void>,
  mayRefuse?: Parameters<typeof judgeRequests>[1],
): Promise<void> {
  using directory = tempDirectory();
  const home = directory.path;
  const simulator = await startSimulator();
  const model = await startModelServer();
  const bot = simulator.addBot({ username: "Krill", privilegedIntents: 0 });
  const terminals: OpenTerminal[] = [];
  const env = (more: Env = {}): Env => ({
    PATH: process.env["PATH"],
    DENO_DIR: process.env["DENO_DIR"] ?? join(process.env["HOME"] ?? "", ".cache", "deno"),
    HOME: home,
    DISCORD_API_URL: simulator.apiUrl,
    OLLAMA_HOST: `127.0.0.1:${model.port}`,
    ...more,
  });
  try {
    await play({
      simulator,
      model,
      bot,
      home,
      configFile: join(home, ".config", "barnacle", "config.jsonc"),
      open(args = ["setup"], more) {
        const { program, args: own } = commandUnderTest();
        const terminal = openTerminal(program, [...own, ...args], env(more), home);
        terminals.push(terminal);
        return terminal;
      },
      run: (args, more) => runCommand(args, env(more)),
    });
  } finally {
    for (const terminal of terminals) terminal.kill();
    await Promise.all([simulator.close(), model.close()]);
  }
  judgeRequests(simulator.requests.records(), mayRefuse);
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

const mode = (path: string) => statSync(path).mode & 0o777;

/** Answers all questions with Enter, up to that of the files. An example names its channels itself. */
async function toTheFiles(
  { simulator, bot }: FreshMachine,
  terminal: OpenTerminal,
  isExample = false,
): Promise<void> {
  await terminal.see(/Paste the bot token/);
  terminal.type(bot.token, true);
  terminal.type(KEY.enter);
  await terminal.see(/Turn Message Content and Server Members on now/);
  terminal.type(KEY.enter);
  await terminal.see(/oauth2\/authorize\?client_id=\d+/);
  simulator.invite({ who: "Krill" });
  if (!isExample) {
    await terminal.see(/In every channel that it can see \(3 of 3\)/);
    terminal.type(KEY.enter);
  }
  await terminal.see(/Are you @ada, the owner of the application\?/);
  terminal.type(KEY.enter);
  await terminal.see(/Which model answers\?/);
  terminal.type(KEY.enter);
  await terminal.see(/answered in \d+\.\d s \(first token \d+\.\d s\), tools: no, images: \w+/);
  await terminal.see(/Choose another one\?/);
  terminal.type("n");
  await terminal.see(/Write these files\?/);
}

const hasPython = spawnSync("python3", ["-c", "import pty"]).status === 0;

describe(
  "[O3] barnacle setup on a terminal",
  skipUnless(hasPython, "no python3 for a terminal"),
  () => {
    it("is offered by `run`, leads from a token to the first answer, and keeps secrets apart", async () => {
      await onFreshMachine(async (machine) => {
        const { simulator, bot, home, configFile } = machine;
        const declined = machine.open(["run"]);
        await declined.see(/no config and no bot token yet\. Set the bot up now\?/);
        declined.type(`n${KEY.enter}`);
        await declined.see(/There is no bot token.*barnacle setup/s);
        assert.equal(await declined.exited, 78);

        const startedAt = performance.now();
        const terminal = machine.open(["run"]);
        await terminal.see(/Set the bot up now\?/);
        terminal.type(KEY.enter);
        await toTheFiles(machine, terminal);
        assert.equal(existsSync(configFile), false);
        terminal.type(KEY.enter);
        await terminal.see(/config check: 0 errors, 0 warnings/);
        await terminal.see(/How shall the bot run\?/);
        terminal.type(KEY.enter);
        await terminal.see(/Krill is ready/);
        const signal = AbortSignal.timeout(PATIENCE_MS);
        simulator.say({ as: "grace", in: "help", text: `<@${bot.userId}> hello` });
        await simulator.until(() => simulator.posted("help", bot)[0], signal);
        const seconds = (performance.now() - startedAt) / 1_000;
        console.log(`setup: ${terminal.keys()} keys, ${seconds.toFixed(1)} s to the first answer`);
        terminal.type(KEY.interrupt);
        assert.equal(await terminal.exited, 0);

        const config = readFileSync(configFile, "utf8");
        const token = join(home, ".config", "barnacle", "credentials", "discord_token");
        assert.equal(readFileSync(token, "utf8").trim(), bot.token);
        assert.deepEqual([mode(configFile), mode(token)], [0o600, 0o600]);
        assert.match(config, /\/\/ Krill & Co: every channel/);
        assert.match(config, /\/\/ .*@ada/);
        for (const file of filesBelow(home).filter((one) => one !== token)) {
          assert.ok(!readFileSync(file).includes(bot.token), `${file} has the token`);
        }
        assert.ok(!terminal.screen().includes(bot.token));
      });
    });

    const places: readonly (readonly [
      where: string,
      go: (machine: FreshMachine, terminal: OpenTerminal) => Promise<void>,
    ])[] = [
      ["at the token", async (_machine, terminal) => await terminal.see(/Paste the bot token/)],
      ["before the files are written", toTheFiles],
    ];
    for (const [where, go] of places) {
      it(`leaves nothing behind after Ctrl-C ${where}`, async () => {
        await onFreshMachine(async (machine) => {
          const terminal = machine.open();
          await go(machine, terminal);
          terminal.type(KEY.interrupt);
          await terminal.see(/Stopped\. Nothing was written\./);
          assert.equal(await terminal.exited, 1);
          assert.deepEqual(filesBelow(machine.home), []);
        });
      });
    }
  },
);
