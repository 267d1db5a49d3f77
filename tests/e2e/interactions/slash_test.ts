/** Tests slash commands from their registration to their answer. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COMMANDS, MESSAGE_COMMANDS } from "../../../src/interactions/registry.ts";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

const NAMES = [
  ...COMMANDS.filter(({ isOffered }) => !isOffered).map(({ name }) => name),
  ...MESSAGE_COMMANDS.map(({ name }) => name),
];
const BLOCKED_MS = 5_000;

function registered({ simulator }: Scene): readonly string[] {
  return simulator.application.commands.map(({ name }) => name);
}

/** The number of the bot's requests about commands. */
function requests({ simulator }: Scene, method: "GET" | "PUT"): number {
  return simulator.requests.records().filter((one) =>
    one.method === method && one.path.endsWith("/commands")
  ).length;
}

/** Polls for commands and ephemeral answers, which cause no event in the simulator's world. */
async function seen<Value>(
  { eventually }: Scene,
  what: string,
  look: () => Value | false | undefined,
): Promise<Value> {
  let found: Value | false | undefined;
  await eventually(what, () => Promise.resolve(Boolean(found = look())));
  assert.ok(found);
  return found;
}

const BLOCKING = { BARNACLE_FAULT: `block_main:${BLOCKED_MS}` };

/** Blocks the main thread, and gives a command, which is acknowledged meanwhile. */
async function giveWhileBlocked(scene: Scene, bot: SimulatedProcess): Promise<void> {
  await isRegistered(scene);
  bot.kill("SIGUSR2");
  const asked = scene.simulator.command({ as: "grace", in: scene.here, name: "status" });
  await seen(scene, "the deferral", () => asked.answer);
  assert.equal(asked.answer?.kind, "deferred", "the main thread is still blocked");
}

function isRegistered(scene: Scene): Promise<boolean> {
  return seen(scene, "the commands", () => registered(scene).length > 0);
}

describe("[K1] [K2] commands", () => {
  const play = sharedBot({ env: BLOCKING });

  it("are registered once, not again by the next start, and removed once the config disables them", () =>
    withSimulation({}, async (scene) => {
      const first = await scene.start();
      await isRegistered(scene);
      assert.deepEqual(registered(scene), NAMES);
      first.kill("SIGTERM");
      await first.exited;
      const looks = requests(scene, "GET");
      await scene.start();
      await seen(scene, "the next look", () => requests(scene, "GET") > looks);
      scene.rewrite({ config: { commands: { native: false, text: false } } });
      await seen(scene, "them to go", () => registered(scene).length === 0);
      assert.equal(requests(scene, "PUT"), 2);
      const said = scene.say("grace", "general", "/status");
      assert.equal(await scene.decided(said), "ignore: no-mention", "text commands are talk, too");
    }));

  it("[K3] /status answers the asker alone", () =>
    play(async (scene) => {
      const { simulator, here } = scene;
      await isRegistered(scene);
      simulator.command({ as: "grace", in: here, name: "status" });
      const told = await seen(scene, "the answer", () => simulator.ephemeral("grace")[0]);
      assert.match(
        told.content,
        /^Barnacle .+, answering with `.+`\. Online for \d+ \w+, heartbeat/,
      );
      assert.deepEqual(scene.written(here), []);
      assert.deepEqual(simulator.failedInteractions(), []);
    }));

  it("[K5] are answered before the process stops, and after a deferral that failed once", () =>
    withSimulation(
      { mayRefuse: ({ status }) => status === 502 },
      async (scene) => {
        const { simulator } = scene;
        const bot = await scene.start();
        await isRegistered(scene);
        simulator.faults.rest.add({
          method: "POST",
          route: "/interactions/:id/:token/callback",
          times: 1,
          fault: { kind: "status", status: 502 },
        });
        simulator.faults.rest.add({
          method: "PATCH",
          times: 1,
          fault: { kind: "delay", ms: 500 },
        });
        const asked = simulator.command({ as: "grace", in: "#general", name: "status" });
        await seen(scene, "the deferral", () => asked.answer);
        bot.kill("SIGTERM");
        await bot.exited;
        assert.match(simulator.ephemeral("grace")[0]?.content ?? "none", /^Barnacle /);
      },
    ));

  it("[K5] are answered if the stop begins before the main thread has them", () =>
    withSimulation({ env: BLOCKING }, async (scene) => {
      const { simulator, start } = scene;
      const bot = await start();
      await giveWhileBlocked(scene, bot);
      bot.kill("SIGTERM"); // the main thread gets this and the command at the same moment
      await bot.exited;
      assert.match(simulator.ephemeral("grace")[0]?.content ?? "none", /^Barnacle /);
    }));

  it("[K5] are acknowledged while the main thread is blocked, and answered after it", () =>
    play(async (scene, bot) => {
      const { simulator } = scene;
      await giveWhileBlocked(scene, bot);
      const told = await seen(scene, "the answer", () => simulator.ephemeral("grace")[0]);
      assert.match(told.content, /^Barnacle /);
      assert.deepEqual(simulator.failedInteractions(), []);
    }));

  it("[K6] of a message's menu starts a turn about that message", () =>
    play(async (scene) => {
      const { simulator, here } = scene;
      await isRegistered(scene);
      const bytes = new TextEncoder().encode("low at six");
      const target = simulator.say({
        as: "grace",
        in: here,
        text: "the tide is high at noon",
        attachments: [{
          filename: "tide.txt",
          title: "Tide at Åbo",
          bytes,
          sizeBytes: bytes.length,
        }],
        more: { poll: { question: { text: "Swim?" }, answers: [{ poll_media: { text: "yes" } }] } },
      });
      simulator.command({ as: "grace", in: here, name: "Ask Barnacle", target });
      const told = await seen(scene, "the answer", () => simulator.ephemeral("grace")[0]);
      assert.equal(told.content, "I'm on it. My answer will be in this channel.");
      const [reply] = await scene.replies(here, 1);
      assert.ok(reply);
      const asked = JSON.stringify(scene.model.requests.at(-1)?.messages);
      for (const part of ["high at noon", "Tide at Åbo.txt", "low at six", "[poll: Swim? (yes)]"]) {
        assert.ok(asked.includes(part), `${part} in ${asked}`);
      }
    }));
});
