/** Tests the commands that need no bot, as a user types them. */

import assert from "node:assert/strict";
import { chmodSync, chownSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { type Ran, runCommand, stopBot, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const ENV = {
  PATH: process.env["PATH"],
  HOME: process.env["HOME"],
  DENO_DIR: process.env["DENO_DIR"],
};

function barnacle(...args: readonly string[]): Promise<Ran> {
  return runCommand(args, ENV);
}

describe("[O10] the command line", () => {
  /** The exit code and the JSON output of each command if no bot has ever run. */
  const USER = "123456789012345678";
  const empty: readonly [args: readonly string[], code: number, json: RegExp | undefined][] = [
    [["why", "1400000000000000001"], 75, undefined],
    [["outbox", "list"], 75, undefined],
    [["outbox", "drop", "1"], 75, undefined],
    [["pairing", "list"], 75, undefined],
    [["pairing", "approve", "K7XQ2MPR"], 75, undefined],
    [["pairing", "deny", "K7XQ2MPR"], 75, undefined],
    [["pairing", "revoke", USER], 75, undefined],
    [["status"], 75, undefined],
    [["config", "get", "channels.discord.dm.policy"], 0, /"value":"pairing"/],
    [["config", "get", "channels.discord.name"], 1, /"isWritten":false/],
    [["config", "set", "channels.discord.historyLimit", "9"], 0, /"wrote":true/],
    [["config", "unset", "channels.discord.historyLimit"], 0, /"wrote":true/],
    [["config", "set", "channels.discord.historyLimt", "9"], 78, /"ok":false/],
    [["config", "import", "openclaw.json", "--dry-run"], 0, /"ok":true/],
  ];
  it("[O7] [O10] commands have their exit codes and JSON output without any earlier run", async () => {
    using folder = tempDirectory();
    const config = join(folder.path, "config.jsonc");
    const rules = { dm: { allowFrom: [USER, "ada"] } };
    writeFileSync(config, JSON.stringify({ channels: { discord: rules } }), { mode: 0o600 });
    writeFileSync(join(folder.path, "openclaw.json"), "{ channels: { discord: {} } }");
    for (const [args, code, json] of empty) {
      const named = args.map((one) => /^openclaw/.test(one) ? join(folder.path, one) : one);
      const ran = await barnacle(...named, "--config", config, "--data", folder.path, "--json");
      assert.equal(
        ran.code,
        code,
        `${args.join(" ")}: ${[...ran.stdout, ...ran.stderr].join("\n")}`,
      );
      if (json === undefined) continue;
      assert.match(ran.stdout.join("\n"), json);
      JSON.parse(ran.stdout.join("\n"));
    }
  });
});

/** Another user than root; the account need not exist. */
const SERVICE = 64_998;

describe("[X2] a command without --data", () => {
  it("finds the directory of the running bot, and names it on stderr", () =>
    withSimulation({}, async ({ start, line, command, dataDir }) => {
      await line(await start(), /"Barnacle is running"/);
      for (const args of [["outbox"], ["pairing", "list"], ["status"]]) {
        const { code, stderr } = await command(args);
        const said = stderr.join("\n");
        assert.ok(said.includes(dataDir), said);
        // Other tests may run their bots at the same time: then the command asks for a choice.
        if (/several bots run/.test(said)) assert.equal(code, 75, said);
        else assert.match(said, /^Using .*, the data of the running bot \(pid \d+\)/);
      }
    }));

  const skip = process.getuid?.() !== 0
    ? "only root can start a command as root"
    : process.env["BARNACLE_BIN"]
    ? false
    : "the source needs files of its runtime, which belong to root";

  it(
    "leaves no file of root's in the directory of the service's user",
    { skip },
    () =>
      withSimulation({}, async ({ start, line, cli, dataDir }) => {
        const bot = await start();
        await line(bot, /"Barnacle is running"/);
        await stopBot(bot);
        const files = () => readdirSync(dataDir, { recursive: true, encoding: "utf8" });
        const owners = () =>
          new Set(["", ...files()].map((name) => statSync(join(dataDir, name)).uid));
        for (const name of ["", ...files()]) chownSync(join(dataDir, name), SERVICE, SERVICE);
        for (let at = dirname(dataDir); at !== "/"; at = dirname(at)) {
          chmodSync(at, statSync(at).mode | 0o011);
        }
        for (const args of [["pause"], ["outbox"], ["resume"]]) {
          const { code, stderr } = await cli(...args);
          assert.equal(code, 0, `${args.join(" ")}: ${stderr.join("\n")}`);
          assert.deepEqual([...owners()], [SERVICE], args.join(" "));
        }
      }),
  );
});

const PAUSED = "My owner has paused me. Ask again later.";

describe("[X4] barnacle pause", () => {
  const play = sharedBot({});

  it("stops a running bot's turns, shows in status and doctor, and ends by resume", () =>
    play(async (scene, bot) => {
      const { say, mention, replies, until, model, rows, eventually, cli, here } = scene;
      model.behave("hang", 1);
      say("grace", here, `${mention} one`);
      await until("the request", () => model.requests.length > 0);
      const paused = await cli("pause");
      assert.equal(paused.code, 0, paused.stderr.join("\n"));
      assert.match(paused.stdout.join("\n"), /^paused since \d{4}-.* UTC, by the command line$/);
      await scene.line(bot, /The bot is paused, by the command line/);
      await eventually(
        "the stop",
        () => Promise.resolve(rows("SELECT state FROM inbox")[0]?.["state"] === "stopped"),
      );
      say("grace", here, `${mention} two`);
      assert.deepEqual(await replies(here, 1), [PAUSED]);

      const again = await cli("pause", "--json");
      assert.equal(again.code, 0);
      const { accounts: [account] } = JSON.parse(again.stdout.join(""));
      assert.deepEqual(Object.keys(account), ["accountId", "pause", "isChanged"]);
      assert.deepEqual([account.pause.by, account.isChanged], ["cli", false]);
      await eventually(
        "the status",
        async () =>
          /Pause +since .* by the command line/.test((await cli("status")).stdout.join("\n")),
      );
      const { stdout } = await cli("doctor", "--only", "host", "--json");
      const found = JSON.parse(stdout.join("")).findings
        .find(({ id }: { readonly id: string }) => id === "bot.paused");
      assert.equal(found?.status, "warn");
      assert.match(found?.why, /answers no one: paused since .* by the command line/);

      const resumed = await cli("resume");
      assert.deepEqual([resumed.code, resumed.stdout], [0, ["goes on"]]);
      await scene.line(bot, /The bot goes on/);
      say("grace", here, `${mention} three`);
      assert.match((await replies(here, 2))[1] ?? "", /> three/);
      assert.deepEqual((await cli("resume")).stdout, ["is not paused"]);
      await eventually(
        "the status without the pause",
        async () => !(await cli("status")).stdout.join("\n").includes("Pause "),
      );
    }, { mayRefuse: ({ path }) => path.includes("/reactions/") }));

  it("pauses a bot that does not run, and `/pause` lets it go on", () =>
    withSimulation({}, async ({ start, say, mention, replies, cli }) => {
      const missing = await cli("pause");
      assert.equal(missing.code, 75, missing.stderr.join("\n"));
      const first = await start();
      say("grace", "general", `${mention} one`);
      await replies("general", 1);
      await stopBot(first);
      assert.equal((await cli("pause", "--account", "default")).code, 0);
      const unknown = await cli("pause", "--account", "work");
      assert.equal(unknown.code, 2, unknown.stderr.join("\n"));
      await start();
      say("grace", "general", `${mention} two`);
      assert.equal((await replies("general", 2))[1], PAUSED);
      say("ada", "dm", "/pause");
      assert.deepEqual(await replies("dm", 1, "ada"), ["I am back."]);
      say("grace", "general", `${mention} three`);
      assert.match((await replies("general", 3))[2] ?? "", /> three/);
    }));
});
