/** Tests `barnacle pause` and `barnacle resume`, with and without a running bot. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stopBot, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

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
          /Pause +since .* by the command line/.test(
            (await cli("status")).stdout.join("\n"),
          ),
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
    withSimulation({}, async (scene) => {
      const { start, say, mention, replies, cli } = scene;
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
