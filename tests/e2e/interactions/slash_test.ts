/** Tests slash commands from their registration to their answer. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COMMANDS, MESSAGE_COMMANDS } from "../../../src/interactions/registry.ts";
import { addMember, addUser } from "../../../simulator/world/create_world.ts";
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

/** A new member of the guild. */
function join({ simulator: { world } }: Scene, username: string): string {
  const [krill] = world.guilds.values();
  assert.ok(krill);
  const { id } = addUser(world, { username }, Date.now());
  addMember(krill, { userId: id, joinedAt: Date.now() });
  return id;
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

  it("[K5] [K6] end as stopped, with a direct message, if Discord refuses the first answer", () =>
    play(async (scene) => {
      await isRegistered(scene);
      const { simulator, here } = scene;
      scene.model.behave("hang"); // a turn that has begun runs until the refusal ends it
      const fault = { kind: "status", status: 403, code: 50001 } as const;
      simulator.faults.rest.add({
        method: "POST",
        route: "/interactions/:id/:token/callback",
        times: 1,
        fault,
      });
      const target = scene.say("grace", here, "the tide is high at noon");
      simulator.command({ as: "grace", in: here, name: "Ask Barnacle", target });
      const [told = ""] = await scene.replies("dm", 1, "grace");
      assert.match(told, /^I may not write in this channel/);
      const rows = scene.rows("SELECT state, failure FROM inbox WHERE message ->> '$.asked'");
      // The refusal comes before the question is stored, or after it.
      if (rows.length === 0) assert.equal(scene.model.requests.length, 0);
      else {
        const reason = "Discord refuses answers in its place";
        assert.deepEqual(rows, [{ state: "stopped", failure: reason }]);
      }
      assert.deepEqual(scene.written(here), []);
    }, { mayRefuse: ({ path }) => /\/callback$|@original$/.test(path) }));

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

  it("[K3] refuse a user who may not talk to the bot, and answer once they are paired", () =>
    play(async (scene) => {
      const { simulator } = scene;
      await isRegistered(scene);
      simulator.command({ as: "mallory", in: "dm", name: "status" });
      const refused = await seen(scene, "the refusal", () => simulator.ephemeral("mallory")[0]);
      assert.equal(refused.content, "You are not authorized to do that.");
      scene.say("mallory", "dm", "let me in");
      await scene.replies("dm", 1, "mallory");
      const [request] = scene.rows("SELECT code FROM pairing_request");
      const { code, stderr } = await scene.cli("pairing", "approve", String(request?.code));
      assert.equal(code, 0, stderr.join("\n"));
      simulator.command({ as: "mallory", in: "dm", name: "status" });
      const told = await seen(scene, "the answer", () => simulator.ephemeral("mallory")[1]);
      assert.match(told.content, /^Barnacle /);
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

  it("[K2] give values to choose while the person types", () =>
    play(async (scene) => {
      const { simulator } = scene;
      await isRegistered(scene);
      const typing = simulator.command({
        as: "ada",
        in: "dm",
        name: "settings",
        options: [
          { type: 3, name: "name", value: "think" },
          { type: 3, name: "value", value: "def", focused: true },
        ],
        isTyping: true,
      });
      const found = await seen(
        scene,
        "the choices",
        () => typing.answer?.kind === "suggested" && typing.answer,
      );
      assert.deepEqual(found.choices, [
        { name: "default: as the model does by itself", value: "default" },
      ]);
    }));

  it("[K2] /settings shows the values, and changes one by two choices in its menus", () =>
    play(async (scene) => {
      const { simulator } = scene;
      await isRegistered(scene);
      const told = () => simulator.ephemeral("ada").at(-1);
      const before = told()?.id;
      simulator.command({ as: "ada", in: "dm", name: "settings" });
      const shown = await seen(scene, "the settings", () => told()?.id !== before && told());
      const choose = (customId: string, label: string) =>
        simulator.choose({ as: "ada", in: "dm", message: shown.id, customId, labels: [label] });
      choose("settings:", "think: default");
      await seen(scene, "the levels", () => told()?.content.startsWith("`think` is `default`"));
      choose("settings:think", "high");
      await seen(scene, "the new value", () => told()?.content.startsWith("`think` is `high`"));
      assert.deepEqual(told()?.components, []);
    }));

  it("[X5] /forget me removes the asker from the store, and the bot goes on", () =>
    play(async (scene) => {
      const { simulator, here } = scene;
      await isRegistered(scene);
      scene.say("grace", here, `${scene.mention} the tide is high`);
      await scene.replies(here, 1);
      const options = [{ type: 3, name: "who", value: "me" }];
      simulator.command({ as: "grace", in: here, name: "forget", options });
      const told = await seen(scene, "the answer", () => simulator.ephemeral("grace")[0]);
      assert.equal(told.content, "I have deleted everything that I had stored of you.");
      const { id } = scene.user("grace");
      const rows = scene.rows(`SELECT 1 FROM inbox WHERE message ->> '$.sender.id' = '${id}'`);
      assert.deepEqual(rows, []);
      scene.say("grace", here, `${scene.mention} are you there?`);
      await scene.replies(here, 2);
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

  it("[K6] [K3] of a user install follow the rules of direct messages", () =>
    play(async (scene) => {
      const { simulator, here } = scene;
      await isRegistered(scene);
      const target = scene.say("grace", here, "the tide is high at noon");
      const given = { in: here, name: "Ask Barnacle", target, isOwnInstall: true } as const;
      simulator.command({ as: "ada", ...given });
      const told = await seen(scene, "the answer", () => simulator.ephemeral("ada")[0]);
      assert.equal(told.content, "I'm on it. My answer will be in our direct messages.");
      assert.equal((await scene.replies("dm", 1, "ada")).length, 1);
      simulator.command({ as: "grace", ...given });
      const refused = await seen(scene, "the refusal", () => simulator.ephemeral("grace")[0]);
      assert.equal(refused.content, "You are not authorized to do that.");
      assert.deepEqual(scene.written(here), []);
    }));

  describe("[M4] given as text", () => {
    it("[K3] [X4] pause the bot for an owner, and tell others that they may not", () =>
      play(async (scene) => {
        const whelk = join(scene, "whelk"); // no one has refused this person yet
        const unclear = scene.say(whelk, scene.here, "/pause");
        assert.equal(await scene.decided(unclear), "ignore: not-owner");
        scene.say(whelk, scene.here, `${scene.mention} /pause`);
        const [told = ""] = await scene.replies(scene.here, 1);
        assert.equal(told, "You are not authorized to do that.");
        scene.say(whelk, scene.here, `${scene.mention} hello`);
        const [, answer = ""] = await scene.replies(scene.here, 2);
        assert.doesNotMatch(answer, /paused/);
        scene.say("ada", "dm", "/pause");
        const [paused = ""] = await scene.replies("dm", 1, "ada");
        assert.match(paused, /^I am paused everywhere/);
        scene.say(whelk, scene.here, `${scene.mention} are you there?`);
        const [, , reply] = await scene.replies(scene.here, 3);
        assert.equal(reply, "My owner has paused me. Ask again later.");
        scene.say("ada", "dm", "/pause");
        const [, resumed] = await scene.replies("dm", 2, "ada");
        assert.equal(resumed, "I am back.");
      }, { config: { commands: { ownerAllowFrom: ["1456074443980800000"] } } }));

    it("need no mention, and ask no model", () =>
      play(async (scene) => {
        const kept = () => scene.rows("SELECT COUNT(*) AS n FROM entry")[0]?.["n"];
        const before = kept();
        scene.say("grace", scene.here, "/status");
        const [text = ""] = await scene.replies(scene.here, 1);
        assert.match(text, /^Barnacle .+, answering with/);
        scene.say("grace", scene.here, `${scene.mention} /whoami`);
        const [, own = ""] = await scene.replies(scene.here, 2);
        assert.ok(own.includes(scene.user("grace").id), own);
        assert.equal(kept(), before, "the conversation keeps nothing of them");
      }));

    it("[K3] need the right to manage messages in a server, if they change the conversation", () =>
      play(async (scene) => {
        scene.simulator.invite({ who: "edsger" }); // no one has refused him yet
        scene.say("edsger", scene.here, "/reset");
        const [refused] = await scene.replies(scene.here, 1);
        assert.equal(refused, "You are not authorized to do that.");
        scene.say("ada", "dm", "the tide is high");
        await scene.replies("dm", 1, "ada");
        scene.say("ada", "dm", "/new");
        const [, text] = await scene.replies("dm", 2, "ada");
        assert.equal(text, "A new conversation begins here. I no longer see the old one.");
        const [row] = scene.rows("SELECT kind, cause FROM checkpoint");
        assert.deepEqual([row?.["kind"], row?.["cause"]], ["reset", "command"]);
      }));
  });
});
