/** Tests gateway faults, and their effect on people on Discord. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { GatewayFaults } from "../../../simulator/gateway/server.ts";
import { ended, type Scene, withSimulation, writeConfig } from "../../support/bot/e2e.ts";
import { passSpacing } from "../../support/bot/survival.ts";

/** A Discord that accepts an IDENTIFY soon after another, for tests that call `passSpacing()`. */
const QUICK = { identifyLimit: { spacingMs: 0 } };

/** Sends a message, and waits for its answer and for no second one. */
async function isAnswered({ say, mention, until, written }: Scene, name: string): Promise<void> {
  say("grace", "general", `${mention} ${name}.`);
  await until(name, () => written("general").some((text) => text.includes(`${name}.`)));
  assert.equal(written("general").filter((text) => text.includes(`${name}.`)).length, 1);
}

/** What ends a connection and leaves its session. */
const blows: Readonly<Record<string, (faults: GatewayFaults) => void>> = {
  "op 7": (faults) => faults.askReconnect(),
  "op 9, resumable": (faults) => faults.invalidate(true),
  "a lost connection": (faults) => faults.drop("reset"),
  "a connection that ends": (faults) => faults.drop("fin"),
  "close code 4000": (faults) => faults.drop(4000),
  "connections refused for a time"(faults) {
    Object.assign(faults, { welcome: "reset", welcomeTimes: 2 });
    faults.drop("reset");
  },
};

describe("[G1] [G2] [G5] the gateway connection", () => {
  it("[G3] resumes its session after each blow, and logs Discord's reason for a close", () =>
    withSimulation({}, async (scene) => {
      const { start, until, eventually, status, simulator } = scene;
      const bot = await start();
      await isAnswered(scene, "q0");
      await eventually(
        "no problem after a first start",
        async () => (await status(bot)).findings.every(({ status }) => status === "pass"),
      );
      assert.doesNotMatch(bot.lines.join("\n"), /Caught up/);
      const resumed = () =>
        simulator.account().resumes.filter(({ outcome }) => outcome === "resumed").length;
      for (const [index, [name, strike]] of Object.entries(blows).entries()) {
        strike(simulator.faults.gateway);
        await isAnswered(scene, `q${index + 1}`);
        await until(`one session after ${name}`, () => resumed() === index + 1);
        assert.equal(simulator.connected(), 1, name);
      }
      simulator.faults.gateway.sendRaw("<html>hunter2</html>");
      await isAnswered(scene, "after no JSON");
      assert.equal(simulator.connected(), 1);
      assert.equal(simulator.account().identifies.length, 1);
      const lines = bot.lines.filter((line) => line.includes("4000, unknown error"));
      assert.equal(lines.length, 1);
      assert.match(lines[0] ?? "", /"level":"info".*"reason":"Told to close\."/);
      assert.doesNotMatch(bot.lines.join("\n"), /hunter/);
    }));

  it("[D3] begins no turn once Discord has refused the token, and runs it at the next start", () =>
    withSimulation({ mayRefuse: ({ status }) => status === 401 }, async (scene) => {
      const { start, say, mention, simulator, model, until, rows, replies } = scene;
      const bot = await start();
      await isAnswered(scene, "q1");
      const asked = model.requests.length;
      const fault = { kind: "status", status: 401 } as const;
      const refusal = simulator.faults.rest.add({ fault });
      say("grace", "off-topic", `${mention} q2.`);
      assert.deepEqual(await ended(bot), { code: 77, signal: null });
      assert.equal(model.requests.length, asked);
      // On a busy machine, the preflight of the start also sees the refusal.
      const errors = bot.lines.filter((line) =>
        line.includes('"level":"error"') && !line.includes('"part":"preflight"')
      );
      assert.equal(errors.length, 1, errors.join("\n"));
      assert.doesNotMatch(bot.lines.join("\n"), /"stack"|Cannot read a channel's history/);
      const open = rows("SELECT 1 FROM inbox WHERE state NOT IN ('answered', 'declined')");
      assert.equal(open.length, 1);
      await until("the connection to end", () => simulator.connected() === 0);
      refusal.remove();
      await start();
      assert.match((await replies("off-topic", 1)).join(), /q2\./);
    }));

  it("[G9] continues without an intent that Discord does not grant, after one 4014", () =>
    withSimulation({}, async (scene) => {
      const { start, line, simulator, status } = scene;
      simulator.faults.gateway.closeOnIdentify.push(4014);
      const bot = await start();
      assert.match(await line(bot, /Content Intent: /), /portal|https:/);
      await isAnswered(scene, "q1");
      assert.equal(simulator.account().identifies.length, 2);
      const { findings } = await status(bot);
      const names = findings.filter((check) => check.status === "warn").map(({ id }) => id);
      assert.deepEqual(names.filter((name) => name.startsWith("discord.")), [
        "discord.intents.message_content",
      ]);
    }));

  it("[G9] begins a new session if the config wants other intents", () =>
    withSimulation({
      simulator: QUICK,
      discord: () => ({ gateway: { intents: ["guilds", "guild_messages", "message_content"] } }),
    }, async (scene) => {
      const { start, line, say, replies, configFile } = scene;
      const first = await start();
      await line(first, /is online/);
      first.kill("SIGTERM");
      await ended(first);
      passSpacing(scene);
      const { channels, ...rest } = JSON.parse(readFileSync(configFile, "utf8"));
      const { gateway: _, ...discord } = channels.discord;
      writeConfig(scene, { ...rest, channels: { discord } });
      const second = await start();
      await line(second, /it has other intents/);
      say("ada", "dm", "hello?");
      assert.match((await replies("dm", 1, "ada"))[0] ?? "", /hello/);
    }));

  for (const network of [false, true]) {
    it(`[O7] exits with 77 after one try if REST refuses the token, preflight: ${network}`, () =>
      withSimulation(
        { config: { preflight: { network } }, mayRefuse: ({ status }) => status === 401 },
        async ({ startBot, simulator }) => {
          const bot = startBot({ DISCORD_BOT_TOKEN: `${simulator.token.slice(0, -3)}xyz` });
          assert.deepEqual(await ended(bot), { code: 77, signal: null });
          assert.match(bot.lines.join("\n"), /does not accept the bot token of DISCORD_BOT_TOKEN/);
          const refused = simulator.requests.records().flatMap(({ status, path }) =>
            status === 401 ? [path] : []
          );
          // If Discord answers late, the preflight asks meanwhile, and once, too.
          const expected = network ? new Set(["/gateway/bot", ...refused]) : ["/gateway/bot"];
          assert.deepEqual(refused, [...expected]);
          assert.equal(simulator.account().identifies.length, 0);
        },
      ));
  }
});
