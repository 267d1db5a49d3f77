/** Plays `barnacle setup` on a pseudo-terminal, as a newcomer does, and each of its refusals. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
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

/** Answers all questions with Enter, up to that of the files. */
async function toTheFiles({ simulator, bot }: FreshMachine, terminal: OpenTerminal): Promise<void> {
  await terminal.see(/Paste the bot token/);
  terminal.type(bot.token, true);
  terminal.type(KEY.enter);
  await terminal.see(/Turn Message Content and Server Members on now/);
  terminal.type(KEY.enter);
  await terminal.see(/oauth2\/authorize\?client_id=\d+/);
  simulator.invite({ who: "Krill" });
  await terminal.see(/In every channel that it can see \(3 of 3\)/);
  terminal.type(KEY.enter);
  await terminal.see(/Are you @ada, the owner of the application\?/);
  terminal.type(KEY.enter);
  await terminal.see(/Which model answers\?/);
  terminal.type(KEY.enter);
  await terminal.see(/answered in \d+\.\d s \(first token \d+\.\d s\), tools: no, images: \w+/);
  await terminal.see(/Choose another one\?/);
  terminal.type("n");
  await terminal.see(/Write these files\?/);
}

/** Answers with Enter up to the question of the model; the token is in the environment. */
async function toTheModel(terminal: OpenTerminal): Promise<void> {
  for (
    const question of [
      /Turn Message Content/,
      /Where on "Krill & Co" may it answer/,
      /Are you @ada/,
    ]
  ) {
    await terminal.see(question);
    terminal.type(KEY.enter);
  }
  await terminal.see(/Which model answers\?/);
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

    it("names each text that is no token of a bot, and asks again", async () => {
      await onFreshMachine(async (machine) => {
        const { bot } = machine;
        const terminal = machine.open();
        await terminal.see(/Paste the bot token/);
        const wrong: readonly (readonly [typed: string, words: RegExp])[] = [
          ["", /No text came\. Copy the token again/],
          ["https://discord.com/api/webhooks/1/abc", /the URL of a webhook, and no bot token/],
          ["mfa.abcdefghijklmnopqrstuvwxyz", /the token of a user account, and no bot token/],
          [
            "MTQ5ODAwMDAwMDAwMDAwMDAw.GabcDe.abcdefghijklmnopqrstuvwxyz0123456789ab",
            /Discord does not accept this token: it was reset, a character is missing, or it is the/,
          ],
          [
            "my-password",
            /Discord does not accept this text, and it does not look like a bot token/,
          ],
        ];
        for (const [typed, words] of wrong) {
          if (typed !== "") terminal.type(typed, true);
          terminal.type(KEY.enter);
          await terminal.see(words);
          // The prompt itself refuses a text of another form; Discord refuses the others.
          if (words.source.startsWith("Discord")) await terminal.see(/Paste the bot token/);
        }
        terminal.type(`Bot ${bot.token}`, true);
        terminal.type(KEY.enter);
        await terminal.see(/Bot Krill, application \d+, owner @ada/);
        terminal.type(KEY.interrupt);
        assert.equal(await terminal.exited, 1);
      }, ({ status }) => status === 401);
    });

    it("takes a hidden channel by its id, names what the bot lacks, and suggests the nearest name", async () => {
      await onFreshMachine(async (machine) => {
        const { simulator, bot } = machine;
        simulator.permit({ to: "@everyone", what: "viewChannel", as: "denied", in: "general" });
        simulator.permit({ to: "@everyone", what: "sendMessages", as: "denied", in: "off-topic" });
        const { id } = simulator.channel("general");
        const terminal = machine.open(["setup", "--channels", `hepl,${id}`]);
        simulator.invite({ who: "Krill" });
        await terminal.see(/Paste the bot token/);
        terminal.type(bot.token, true);
        terminal.type(KEY.enter);
        await terminal.see(/Turn Message Content/);
        terminal.type(KEY.enter);
        await terminal.see(/The bot sees no channel called "hepl"; did you mean "help"\?/);
        await terminal.see(/In every channel that it can see \(1 of 3\)/);
        terminal.type(`${KEY.down}`);
        terminal.type(KEY.enter);
        await terminal.see(/#off-topic \(a permission is missing\)/);
        const { space, down, enter } = KEY;
        for (const key of [space, down, space, down, space, enter]) terminal.type(key);
        await terminal.see(/#help: can read, answer, attach and react/);
        await terminal.see(/#off-topic: the bot lacks Send Messages .*?Grant it/s);
        await terminal.see(new RegExp(`#${id} \\(private\\): the bot lacks View Channel`));
        terminal.type(KEY.interrupt);
        assert.equal(await terminal.exited, 1);
      }, ({ path, status }) => status === 403 && path.startsWith("/channels/"));
    });

    it("has Ollama download a model that it lacks, and says why a model does not answer", async () => {
      await onFreshMachine(async (machine) => {
        const { simulator, bot, model } = machine;
        simulator.invite({ who: "Krill" });
        model.behave("not_found");
        const terminal = machine.open(["setup"], { DISCORD_BOT_TOKEN: bot.token });
        await terminal.see(/Token from DISCORD_BOT_TOKEN/);
        await toTheModel(terminal);
        terminal.type(KEY.enter);
        await terminal.see(/Ollama has no model "another-script"/);
        await terminal.see(/Download it now \(ollama pull another-script\)\?/);
        terminal.type(KEY.enter);
        await terminal.see(/ollama\/another-script answered in/);
        assert.deepEqual(model.pulled, ["another-script"]);
        await terminal.see(/Choose another one\?/);
        terminal.type("n");
        await terminal.see(/Write these files\?/);

        terminal.type(KEY.escape); // back to the model
        await terminal.see(/Which model answers\?/);
        model.behave("unauthorized");
        terminal.type(KEY.enter);
        await terminal.see(/refuses the API key/);
        await terminal.see(/Try again/);
        terminal.type(KEY.interrupt);
        assert.equal(await terminal.exited, 1);
      });
    });

    it("says that a model's server cannot be reached", async () => {
      await onFreshMachine(async (machine) => {
        const { simulator, bot, model } = machine;
        simulator.invite({ who: "Krill" });
        const port = model.port;
        await model.close();
        const env = {
          DISCORD_BOT_TOKEN: bot.token,
          OPENAI_API_KEY: "sk-test-of-setup",
          OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
        };
        const terminal = machine.open(["setup"], env);
        await toTheModel(terminal);
        terminal.type(KEY.enter);
        await terminal.see(/Name of the model at OpenAI/);
        terminal.type(`gpt-5-mini${KEY.enter}`);
        await terminal.see(/gpt-5-mini at http:\/\/127\.0\.0\.1:\d+\/v1 could not be reached/);
        await terminal.see(/Try again/);
        assert.ok(!terminal.screen().includes("sk-test-of-setup"));
        terminal.type(KEY.interrupt);
        assert.equal(await terminal.exited, 1);
      });
    });

    const places: readonly (readonly [
      where: string,
      go: (
        machine: FreshMachine,
        terminal: OpenTerminal,
      ) => Promise<void>,
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

    it("goes back with Escape to the question before, not to the step before", async () => {
      await onFreshMachine(async (machine) => {
        const { simulator, bot } = machine;
        simulator.invite({ who: "Krill" });
        const terminal = machine.open(["setup"], { DISCORD_BOT_TOKEN: bot.token });
        await terminal.see(/Turn Message Content and Server Members on now/);
        terminal.type(KEY.enter);
        await terminal.see(/Where on "Krill & Co" may it answer\?/);
        terminal.type(KEY.down);
        terminal.type(KEY.enter);
        await terminal.see(/Which ones\? Space selects/);
        terminal.type(KEY.escape);
        await terminal.see(/Where on "Krill & Co" may it answer\?/);
        terminal.type(KEY.enter);
        await terminal.see(/Are you @ada/);
        terminal.type(KEY.enter);
        await terminal.see(/Which model answers\?/);
        terminal.type(KEY.down);
        terminal.type(KEY.down);
        terminal.type(KEY.enter);
        await terminal.see(/API key of OpenAI/);
        terminal.type(KEY.escape);
        await terminal.see(/Which model answers\?/);
        terminal.type(KEY.escape);
        await terminal.see(/Are you @ada/);
        terminal.type(KEY.escape);
        await terminal.see(/Where on "Krill & Co" may it answer\?/);
        terminal.type(KEY.escape);
        await terminal.see(/Message Content and Server Members are on/);
        terminal.type(KEY.interrupt);
        assert.equal(await terminal.exited, 1);
      });
    });

    it("[C4] [S6] begins with an example, asks for its missing channels, and writes instructions", async () => {
      await onFreshMachine(async (machine) => {
        const { simulator, bot, home, configFile } = machine;
        simulator.invite({ who: "Krill" });
        const env = { DISCORD_BOT_TOKEN: bot.token };
        const terminal = machine.open(["setup", "--example", "many-agents"], env);
        await terminal.see(/Turn Message Content/);
        terminal.type(KEY.enter);
        await terminal.see(
          /answers in #research, which "Krill & Co" lacks\. Which channel instead\?/,
        );
        terminal.type(`${KEY.up}`); // #off-topic, or another one above "None"
        terminal.type(KEY.enter);
        for (const channel of ["drafts", "sources", "content"]) {
          await terminal.see(new RegExp(`answers in #${channel}, which`));
          terminal.type(KEY.enter);
          await terminal.see(new RegExp(`No channel for #${channel} of the example: left out`));
        }
        await terminal.see(/The agent writer has no channel/);
        await terminal.see(/Are you @ada/);
        terminal.type(KEY.enter);
        await terminal.see(/Which model answers\?/);
        terminal.type(KEY.enter);
        await terminal.see(/Choose another one\?/);
        terminal.type("n");
        await terminal.see(/will write {3}AGENTS\.md, SOUL\.md/);
        await terminal.see(/Write these files\?/);
        terminal.type(KEY.enter);
        await terminal.see(/config check: 0 errors, 0 warnings/);
        await terminal.see(/How shall the bot run\?/);
        terminal.type(KEY.down);
        terminal.type(KEY.enter);
        await terminal.see(/Wrote AGENTS\.md and SOUL\.md to .*agents\/helper/);
        assert.equal(await terminal.exited, 0);
        const config = readFileSync(configFile, "utf8");
        assert.match(config, /Four agents on one server/);
        assert.doesNotMatch(config, /1234567890123456/);
        const data = join(home, ".local", "share", "barnacle");
        const agents = join(data, "agents", "helper");
        assert.deepEqual(readdirSync(agents).sort(), ["AGENTS.md", "SOUL.md"]);
      });
    });

    it("[O6] is followed by `dashboard`, which offers to turn the dashboard on", async () => {
      await onFreshMachine(async (machine) => {
        const { simulator, bot, configFile } = machine;
        simulator.invite({ who: "Krill" });
        mkdirSync(dirname(configFile), { recursive: true });
        const config = {
          channels: { discord: { token: bot.token } },
          agents: { defaults: { model: "ollama/barnacle-script" } },
        };
        writeFileSync(configFile, JSON.stringify(config, undefined, 2), { mode: 0o600 });
        const running = machine.open(["run"]);
        await running.see(/Krill is ready/);
        const without = await machine.run(["dashboard"]);
        assert.deepEqual([without.code, without.stdout], [78, []]);
        const declined = machine.open(["dashboard"]);
        await declined.see(/The dashboard is off\. Turn it on in .*config\.jsonc\?/);
        declined.type(KEY.enter);
        await declined.see(/run `barnacle config set http\.dashboard true`/);
        assert.equal(await declined.exited, 78);
        assert.doesNotMatch(readFileSync(configFile, "utf8"), /"dashboard"/);
        const terminal = machine.open(["dashboard"]);
        await terminal.see(/Turn it on in/);
        terminal.type(`y${KEY.enter}`);
        await terminal.see(/^http:\/\/\S+\/dashboard#[\w-]{43}/m);
        assert.equal(await terminal.exited, 0);
        assert.match(readFileSync(configFile, "utf8"), /"dashboard": true/);
        running.type(KEY.interrupt);
        assert.equal(await running.exited, 0);
      });
    });

    it("prints the config with --dry-run, for the channels of --channels, and writes nothing", async () => {
      await onFreshMachine(async ({ simulator, bot, home, open }) => {
        simulator.invite({ who: "Krill" });
        const env = { DISCORD_BOT_TOKEN: bot.token };
        const terminal = open(["setup", "--dry-run", "--channels", "help"], env);
        await terminal.see(/Turn Message Content/);
        terminal.type(KEY.enter);
        await terminal.see(/#help: can read, answer, attach and react/);
        await terminal.see(/Are you @ada/);
        terminal.type(KEY.enter);
        await terminal.see(/Which model answers\?/);
        terminal.type(KEY.enter);
        await terminal.see(/Choose another one\?/);
        terminal.type("n");
        await terminal.see(/these channels only[^]*#help/);
        assert.equal(await terminal.exited, 0);
        assert.deepEqual(filesBelow(home), []);
      });
    });

    it("changes a config that exists, and keeps its comments", async () => {
      await onFreshMachine(async (machine) => {
        const file = join(machine.home, "mine.jsonc");
        writeFileSync(file, '{\n  // mine\n  "log": { "level": "warn" }\n}\n', { mode: 0o640 });
        const terminal = machine.open(["setup", "--config", file]);
        await toTheFiles(machine, terminal);
        assert.match(terminal.screen(), /will change .*mine\.jsonc .*other keys stay/);
        terminal.type(KEY.enter);
        await terminal.see(/Wrote .*mine\.jsonc; the previous one is mine\.jsonc\.bak/);
        await terminal.see(/How shall the bot run\?/);
        terminal.type(KEY.interrupt);
        assert.equal(await terminal.exited, 0);
        const written = readFileSync(file, "utf8");
        assert.match(written, /\/\/ mine\n {2}"log": \{ "level": "warn" \}/);
        assert.match(written, /"discord_token"/);
        assert.ok(!filesBelow(machine.home).some((path) => path.endsWith(".md")));
      });
    });

    it("offers every answer of the config that exists, and Enter keeps each", async () => {
      await onFreshMachine(async (machine) => {
        const first = machine.open(["setup"]);
        await toTheFiles(machine, first);
        first.type(KEY.enter);
        await first.see(/How shall the bot run\?/);
        first.type(KEY.interrupt);
        assert.equal(await first.exited, 0);
        const written = readFileSync(machine.configFile, "utf8");

        const again = machine.open(["setup"]);
        await again.see(/Token from the config/);
        const questions = [/In every channel/, /Are you @ada/, /Keep ollama\//, /Choose another/];
        for (const question of questions) {
          await again.see(question);
          again.type(KEY.enter);
        }
        await again.see(/config\.jsonc has these answers already/);
        await again.see(/How shall the bot run\?/);
        again.type(KEY.interrupt);
        assert.equal(await again.exited, 0);
        assert.doesNotMatch(again.screen(), /Paste/);
        assert.equal(readFileSync(machine.configFile, "utf8"), written);
      });
    });
  },
);

describe("[O3] barnacle setup without a terminal", () => {
  it("says that it needs one", async () => {
    await onFreshMachine(async ({ home, run }) => {
      const { code, stdout, stderr } = await run(["setup"]);
      assert.match(stderr.join("\n"), /setup asks its questions on a terminal/);
      assert.deepEqual([code, stdout], [2, []]);
      assert.deepEqual(filesBelow(home), []);
    });
  });

  it("asks nothing if the config that exists is broken", async () => {
    await onFreshMachine(async ({ bot, home, run }) => {
      const file = join(home, "broken.jsonc");
      writeFileSync(file, '{ "a": ');
      const env = { DISCORD_BOT_TOKEN: bot.token };
      const { code, stderr } = await run(["setup", "--config", file], env);
      assert.match(
        stderr.join("\n"),
        /broken\.jsonc:1:8: error: /,
      );
      assert.equal(code, 78);
    });
  });

  it("[C4] keeps a config that exists from an example", async () => {
    await onFreshMachine(async ({ bot, home, run }) => {
      const file = join(home, "mine.jsonc");
      writeFileSync(file, "{}", { mode: 0o600 });
      const env = { DISCORD_BOT_TOKEN: bot.token };
      const args = ["setup", "--config", file, "--example", "one-agent"];
      const { code, stderr } = await run(args, env);
      assert.match(
        stderr.join("\n"),
        /the example one-agent begins a new config, and .* exists; --config/,
      );
      assert.deepEqual([code, stderr.length], [2, 1]);
    });
  });
});
