/** Plays `barnacle setup` on a pseudo-terminal, as a newcomer does, and each of its refusals. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
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
  await terminal.see(/answered in \d+\.\d s \(first token \d+\.\d s\), tools: \w+, images: \w+/);
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
        await terminal.see(/Sent you a direct message/);
        await terminal.see(/Krill is ready/);
        const signal = AbortSignal.timeout(PATIENCE_MS);
        simulator.say({ as: "grace", in: "help", text: `<@${bot.userId}> hello` });
        await simulator.until(() => simulator.posted("help", bot)[0], signal);
        const seconds = (performance.now() - startedAt) / 1_000;
        console.log(`setup: ${terminal.keys()} keys, ${seconds.toFixed(1)} s to the first answer`);
        const texts = simulator.posted(undefined, bot).map(({ content }) => content);
        assert.ok(texts.some((text) => text.startsWith("Hi ada, I am Krill, and I am set up")));
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

    it("says that no server has joined in time, and waits again", async () => {
      await onFreshMachine(async (machine) => {
        const { simulator, bot } = machine;
        const terminal = machine.open(["setup", "--join-wait", "0.01"]);
        await terminal.see(/Paste the bot token/);
        terminal.type(bot.token, true);
        terminal.type(KEY.enter);
        await terminal.see(/Turn Message Content/);
        terminal.type(`n${KEY.enter}`);
        await terminal.see(/Unchanged\. Later: .*doctor --fix/s);
        await terminal.see(/No server has joined the bot within 1 s/);
        await terminal.see(/Go on without a server/);
        simulator.invite({ who: "Krill" });
        terminal.type(KEY.enter);
        await terminal.see(/On "Krill & Co"/);
        terminal.type(KEY.interrupt);
        assert.equal(await terminal.exited, 1);
      });
    });

    it("offers no hidden channel, names what the bot lacks, and suggests the nearest name", async () => {
      await onFreshMachine(async (machine) => {
        const { simulator, bot } = machine;
        simulator.permit({ to: "@everyone", what: "viewChannel", as: "denied", in: "general" });
        simulator.permit({ to: "@everyone", what: "sendMessages", as: "denied", in: "off-topic" });
        const terminal = machine.open(["setup", "--channels", "hepl", "--server", "krill & co"]);
        simulator.invite({ who: "Krill" });
        await terminal.see(/Paste the bot token/);
        terminal.type(bot.token, true);
        terminal.type(KEY.enter);
        await terminal.see(/Turn Message Content/);
        terminal.type(KEY.enter);
        await terminal.see(/The bot sees no channel called "hepl"; did you mean "help"\?/);
        await terminal.see(/In every channel that it can see \(1 of 2\)/);
        terminal.type(`${KEY.down}`);
        terminal.type(KEY.enter);
        await terminal.see(/#off-topic \(a permission is missing\)/);
        for (const key of [KEY.space, KEY.down, KEY.space, KEY.enter]) terminal.type(key);
        await terminal.see(/#help: can read, answer, attach and react/);
        await terminal.see(/#off-topic: the bot lacks Send Messages .*Grant it/s);
        terminal.type(KEY.interrupt);
        assert.equal(await terminal.exited, 1);
      });
    });

    it("has Ollama download a model that it lacks, and says why a model does not answer", async () => {
      await onFreshMachine(async (machine) => {
        const { simulator, bot, model } = machine;
        simulator.invite({ who: "Krill" });
        model.behave("not_found");
        const token = { DISCORD_BOT_TOKEN: bot.token };
        const flags = ["--server", "Krill & Co", "--channels", "all", "--owner", "me"];
        const terminal = machine.open(
          ["setup", ...flags, "--model", "ollama/no-such-model"],
          token,
        );
        await terminal.see(/Token from DISCORD_BOT_TOKEN/);
        await terminal.see(/Turn Message Content/);
        terminal.type(KEY.enter);
        await terminal.see(/Ollama has no model "no-such-model"/);
        await terminal.see(/Download it now \(ollama pull no-such-model\)\?/);
        terminal.type(KEY.enter);
        await terminal.see(/Not downloaded: pull model manifest: file does not exist/);
        await terminal.see(/Choose another model/);
        terminal.type(KEY.enter);
        await terminal.see(/Which model answers\?/);
        terminal.type(KEY.enter);
        await terminal.see(/Ollama has no model "another-script"/);
        await terminal.see(/Download it now/);
        terminal.type(KEY.enter);
        await terminal.see(/ollama\/another-script answered in/);
        assert.deepEqual(model.pulled, ["another-script"]);
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
        const flags = ["--server", "Krill & Co", "--channels", "all", "--owner", "me"];
        const terminal = machine.open(["setup", ...flags, "--model", "openai/gpt-5-mini"], env);
        await terminal.see(/Turn Message Content/);
        terminal.type(KEY.enter);
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

    it("goes on with the answers of a setup whose terminal was lost, and asks for the token", async () => {
      await onFreshMachine(async (machine) => {
        const { home, bot } = machine;
        const first = machine.open();
        await toTheFiles(machine, first);
        first.hangUp();
        await first.exited;
        const [kept = "", ...others] = filesBelow(home);
        assert.deepEqual(others, []);
        assert.equal(mode(kept), 0o600);
        assert.ok(!readFileSync(kept, "utf8").includes(bot.token));

        const second = machine.open();
        await second.see(/Paste the bot token/);
        second.type(bot.token, true);
        second.type(KEY.enter);
        await second.see(/was not finished\. Go on with its answers\?/);
        second.type(KEY.enter);
        await second.see(/Write these files\?/);
        second.type(KEY.enter);
        await second.see(/How shall the bot run\?/);
        second.type(KEY.down);
        second.type(KEY.enter);
        assert.equal(await second.exited, 0);
        assert.equal(existsSync(kept), false);
      });
    });

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
        const terminal = machine.open(["setup", "--example", "many-agents", "--owner", "me"], env);
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
        await terminal.see(/Which model answers\?/);
        terminal.type(KEY.enter);
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
        // Without it, the command takes the data of a bot that runs: perhaps that of another test.
        const shown = await machine.run(["agents", "show", "helper", "--data", data]);
        assert.match(
          shown.stdout.join("\n"),
          /You help members of the server[^]*# Instructions[^]*# Character/,
        );
        const agents = join(data, "agents", "helper");
        assert.deepEqual(readdirSync(agents).sort(), ["AGENTS.md", "SOUL.md"]);
      });
    });

    it("[O6] is followed by `dashboard`, which offers to turn the dashboard on", async () => {
      await onFreshMachine(async (machine) => {
        const { simulator, bot, configFile } = machine;
        simulator.invite({ who: "Krill" });
        const env = { DISCORD_BOT_TOKEN: bot.token };
        const { code } = await machine.run(["setup", "--yes", "--owner", "me"], env);
        assert.equal(code, 0);
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

    it("changes a config that exists, and keeps its comments", async () => {
      await onFreshMachine(async (machine) => {
        const file = join(machine.home, "mine.jsonc");
        writeFileSync(file, '{\n  // mine\n  "log": { "level": "warn" }\n}\n', { mode: 0o640 });
        const terminal = machine.open(["setup", "--config", file]);
        await terminal.see(/There is a config already: change it, or start anew\?/);
        terminal.type(KEY.enter);
        await toTheFiles(machine, terminal);
        assert.match(terminal.screen(), /channels\.discord\.guilds.*set to/);
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

    it("starts anew beside a config that exists, which stays as a backup", async () => {
      await onFreshMachine(async (machine) => {
        const file = join(machine.home, "mine.jsonc");
        const before = '{\n  // mine\n  "log": { "level": "warn" }\n}\n';
        writeFileSync(file, before, { mode: 0o640 });
        const terminal = machine.open(["setup", "--config", file]);
        await terminal.see(/change it, or start anew\?/);
        terminal.type(`${KEY.down}${KEY.enter}`);
        await toTheFiles(machine, terminal);
        assert.match(terminal.screen(), /will replace {2}.*mine\.jsonc/);
        terminal.type(KEY.enter);
        await terminal.see(/Wrote .*mine\.jsonc; the previous one is mine\.jsonc\.bak/);
        await terminal.see(/How shall the bot run\?/);
        terminal.type(KEY.interrupt);
        assert.equal(await terminal.exited, 0);
        assert.doesNotMatch(readFileSync(file, "utf8"), /mine|"log"/);
        assert.equal(readFileSync(`${file}.bak`, "utf8"), before);
      });
    });
  },
);

describe("[O3] barnacle setup without a terminal", () => {
  const ANSWERS = {
    intents: true,
    server: "Krill & Co",
    channels: ["help", "#general"],
    owner: "me",
    model: "ollama/barnacle-script",
  };

  it("takes all answers from a file, and the token from the environment", async () => {
    await onFreshMachine(async (machine) => {
      const { simulator, bot, home, configFile } = machine;
      simulator.invite({ who: "Krill" });
      const file = join(home, "answers.jsonc");
      writeFileSync(file, `// of this machine\n${JSON.stringify(ANSWERS)}`);
      const env = { DISCORD_BOT_TOKEN: bot.token };
      const dry = await machine.run(["setup", "--answers", file, "--dry-run"], env);
      assert.equal(dry.code, 0);
      assert.equal(existsSync(configFile), false);
      const { code, stdout, stderr } = await machine.run(
        ["setup", "--answers", file, "--json"],
        env,
      );
      assert.equal(code, 0, stderr.join("\n"));
      assert.deepEqual(JSON.parse(stdout.join("")), {
        ok: true,
        config: configFile,
        start: "later",
      });
      assert.equal(readFileSync(configFile, "utf8").trim(), dry.stdout.join("\n").trim());
      assert.ok(![...dry.stdout, ...stderr].join("\n").includes(bot.token));
      assert.match(
        stderr.join("\n"),
        /^Done\. {2}\S*barnacle run · \S*barnacle status · \S*barnacle dashboard · /m,
      );
      const other = ["--config", join(home, "other.jsonc"), "--data", join(home, "other")];
      const named = await machine.run(["setup", "--answers", file, ...other, "--yes"], env);
      assert.ok(
        named.stderr.some((line) =>
          /^Done\. {2}\S*barnacle run /.test(line) && line.includes(` run ${other.join(" ")} · `)
        ),
        named.stderr.join("\n"),
      );
      const checked = await machine.run(["config", "check"]);
      assert.match(checked.stdout.join(""), /config\.jsonc: valid/);
    });
  });

  /** `wrong_answers_test.ts` and `examples_test.ts` have each wrong answer. */
  const wrong: readonly (readonly [
    what: string,
    answers: object,
    code: number,
    words: RegExp,
    env?: Env,
  ])[] = [
    [
      "no token",
      {},
      2,
      /no terminal to ask "Paste the bot token[^"]*"; give --token-file, or DISCORD_BOT_TOKEN/,
      {},
    ],
    ["a refused token", {}, 77, /Discord does not accept this token/, {
      DISCORD_BOT_TOKEN: "MTQ5ODAwMDAwMDAwMDAwMDAw.GabcDe.abcdefghijklmnopqrstuvwxyz0123456789ab",
    }],
    ["a missing token file", { tokenFile: "/nowhere/token" }, 78, /\/nowhere\/token: it cannot be/],
    ["no word about intents", {}, 2, /Turn Message Content and Server Members on now.*--yes/],
    ["an unknown server", { intents: false, server: "Krill & C" }, 2, /did you mean "Krill & Co"/],
    ["an unknown owner", { ...ANSWERS, owner: "zoe" }, 2, /No member is called "zoe"/],
    ["no model's name", { ...ANSWERS, model: "llama" }, 2, /is not <provider>\/<model>/],
    ["an unknown provider", { ...ANSWERS, model: "x/y" }, 2, /"x" is no known provider/],
    [
      "a local server that is off",
      { ...ANSWERS, model: "lmstudio/x" },
      69,
      /LM Studio does not answer at http/,
    ],
    [
      "a model that cannot be reached",
      { ...ANSWERS, model: "local/x", baseUrl: "http://127.0.0.1:9/v1" },
      69,
      /^(?!.*local\/).*x at http:\/\/127\.0\.0\.1:9\/v1 could not be reached/m,
    ],
    [
      "an address as model",
      { ...ANSWERS, model: "http://127.0.0.1:9/v1" },
      2,
      /"http:\/\/127\.0\.0\.1:9\/v1" is an address\. Write it as "baseUrl" into the file of --answers/,
    ],
    [
      "an example without its channels",
      { ...ANSWERS, channels: undefined, example: "many-agents" },
      2,
      /no terminal to ask "The example answers in #research, which "Krill & Co" lacks.*--channels/,
    ],
    [
      "an example without a server",
      { ...ANSWERS, server: "none", example: "one-agent" },
      2,
      /the example one-agent has channels of a server; without a server, leave it out/,
    ],
    [
      "an unknown example",
      { example: "hooks" },
      2,
      /example: expected "one-agent" or "many-agents"/,
    ],
    ["a limit below 0", { ...ANSWERS, dailyLimit: -1 }, 2, /dailyLimit: This is no amount/],
  ];
  for (const [what, answers, expected, words, own] of wrong) {
    it(`ends with ${expected} for ${what}`, async () => {
      await onFreshMachine(async (machine) => {
        const { simulator, bot, home } = machine;
        simulator.invite({ who: "Krill" });
        const file = join(home, "answers.jsonc");
        writeFileSync(file, JSON.stringify(answers));
        const env = own ?? { DISCORD_BOT_TOKEN: bot.token };
        const { code, stdout, stderr } = await machine.run(["setup", "--answers", file], env);
        assert.match(stderr.join("\n"), words);
        assert.ok(stderr.filter((line) => words.test(line)).length < 2, "says it twice");
        assert.doesNotMatch(stderr.join("\n"), /^\s+at /m);
        assert.deepEqual([code, stdout], [expected, []]);
        assert.deepEqual(filesBelow(home), [file]);
      }, ({ status }) => status === 401);
    });
  }

  it("asks nothing if the config that exists is broken", async () => {
    await onFreshMachine(async ({ bot, home, run }) => {
      const file = join(home, "broken.jsonc");
      writeFileSync(file, '{ "a": ');
      const env = { DISCORD_BOT_TOKEN: bot.token };
      const { code, stderr } = await run(["setup", "--yes", "--config", file], env);
      assert.match(
        stderr.join("\n"),
        /broken\.jsonc cannot be changed: it is no JSON with comments/,
      );
      assert.deepEqual([code, stderr.length], [78, 1]);
    });
  });

  it("[C4] keeps a config that exists from an example", async () => {
    await onFreshMachine(async ({ bot, home, run }) => {
      const file = join(home, "mine.jsonc");
      writeFileSync(file, "{}", { mode: 0o600 });
      const env = { DISCORD_BOT_TOKEN: bot.token };
      const args = ["setup", "--yes", "--config", file, "--example", "one-agent"];
      const { code, stderr } = await run(args, env);
      assert.match(
        stderr.join("\n"),
        /the example one-agent begins a new config, and .* exists; --config/,
      );
      assert.deepEqual([code, stderr.length], [2, 1]);
    });
  });

  it("ends with 75 if no server joins in time", async () => {
    await onFreshMachine(async ({ bot, run }) => {
      const env = { DISCORD_BOT_TOKEN: bot.token };
      const { code, stderr } = await run(["setup", "--yes", "--join-wait", "0.01"], env);
      assert.match(
        stderr.join("\n"),
        /No server has joined .* open https:\/\/discord\.com\/oauth2/,
      );
      assert.equal(code, 75);
    });
  });
});
