/**
 * Tests a bot with nothing but a token: it answers only in guilds of its owner, and asks the owner
 * about every other one.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RequestRecord } from "../../simulator/notes/request_log.ts";
import { addChannel, addGuild, addMember } from "../../simulator/world/create_world.ts";
import {
  killBot,
  type Scene,
  type SceneOptions,
  withSimulation,
  writeConfig,
} from "../support/bot/e2e.ts";
import { sharedBot } from "../support/bot/shared_bot.ts";

/** Ada owns the bot, and is a member of Krill & Co only. */
const HOME = "general";
const ELSEWHERE = "Elsewhere/#lounge";

const isLookUp = ({ method, path, status }: RequestRecord) =>
  method === "GET" && /^\/guilds\/\d+\/members\/\d+$/.test(path) && status === 404;

/** Runs a test with an empty config. */
function withoutConfig(
  play: (scene: Scene) => Promise<void>,
  options: SceneOptions = {},
): Promise<void> {
  return withSimulation({ mayRefuse: isLookUp, ...options }, (scene) => {
    writeConfig(scene, { http: { port: 0 } });
    return play(scene);
  });
}

/** The owner's direct messages from the bot about guilds. */
const asked = ({ written }: Scene) =>
  written("dm", "ada").filter((text) => text.includes("I don't answer in"));

describe("[P6] a bot with nothing but a token", () => {
  const play = sharedBot({ mayRefuse: isLookUp }, (scene) => {
    writeConfig(scene, { http: { port: 0 } });
  });
  const joined = sharedBot({ mayRefuse: isLookUp }, (scene) => {
    writeConfig(scene, { http: { port: 0 } });
    const [, elsewhere] = scene.simulator.world.guilds.values();
    assert.ok(elsewhere?.name === "Elsewhere");
    addMember(elsewhere, { userId: scene.user("ada").id, joinedAt: Date.now() });
  });

  it("answers in its owner's guild, and asks the owner nothing", () =>
    play(async (scene) => {
      const { say, mention, replies, decided, cli } = scene;
      const message = say("grace", HOME, `${mention} hello`);
      assert.match((await replies(HOME, 1))[0] ?? "", /hello/);
      assert.equal(await decided(message), "accept: mentioned");
      assert.match((await cli("why", message.id)).stdout.join(""), /ok\s+owner\s+an owner/);
      assert.deepEqual(asked(scene), []);
    }));

  it("stays silent in another guild, keeps the reason, and asks the owner once", () =>
    withoutConfig(async (scene) => {
      const { start, say, mention, written, decided, cli, until, rows, model } = scene;
      const bot = await start();
      const [first, chatter] = [
        say("edsger", ELSEWHERE, `${mention} hello`),
        say("edsger", ELSEWHERE, "a secret plan"),
      ];
      assert.equal(await decided(first), "ignore: owner-not-in-guild");
      assert.match(await decided(chatter), /^ignore: /);
      await until("the owner's message", () => asked(scene).length > 0);
      const [question = ""] = asked(scene);
      assert.match(question, /Elsewhere/);
      assert.match(question, /none of my owners is a member/);
      assert.match(question, /barnacle config set channels\.discord\.guilds\.\d+ '\{\}'/);

      const why = (await cli("why", first.id)).stdout.join("");
      assert.match(why, /NO\s+owner\s+no owner of the bot is a member of the guild/);
      assert.deepEqual(rows("SELECT 1 FROM message"), [], "no text of that guild is kept");

      const again = say("edsger", ELSEWHERE, `${mention} hello again`);
      assert.equal(await decided(again), "ignore: owner-not-in-guild");
      await killBot(bot);
      await start();
      const last = say("edsger", ELSEWHERE, `${mention} and again`);
      assert.equal(await decided(last), "ignore: owner-not-in-guild");
      say("grace", HOME, `${mention} done`);
      await scene.replies(HOME, 1);
      assert.equal(asked(scene).length, 1);
      assert.deepEqual(written(ELSEWHERE), []);
      assert.equal(model.requests.length, 1);
    }));

  it("does not answer where Discord does not tell, and asks the owner", () =>
    withoutConfig(async (scene) => {
      const { simulator, start, say, mention, written, decided, until } = scene;
      await start();
      simulator.faults.rest.add({
        method: "GET",
        route: "/guilds/:id/members/:id",
        fault: { kind: "status", status: 403 },
      });
      const message = say("grace", HOME, `${mention} hello`);
      assert.equal(await decided(message), "ignore: owner-unknown");
      await until("the owner's message", () => asked(scene).length > 0);
      assert.match(asked(scene)[0] ?? "", /I can't tell whether one of my owners is a member/);
      assert.deepEqual(written(HOME), []);
    }, { mayRefuse: ({ status }) => status === 403 || status === 404 }));

  it("decides a message after a kill that came before Discord's answer", () =>
    withoutConfig(async (scene) => {
      const { simulator, start, say, mention, replies, rows, eventually } = scene;
      const bot = await start();
      const held = simulator.faults.rest.add({
        method: "GET",
        route: "/guilds/:id/members/:id",
        fault: { kind: "hang" },
      });
      say("grace", HOME, `${mention} hello`);
      await eventually(
        "the stored message, and its question",
        () => Promise.resolve(held.hits() > 0 && rows("SELECT 1 FROM undecided").length === 1),
      );
      await killBot(bot);
      held.remove();
      await start();
      assert.match((await replies(HOME, 1))[0] ?? "", /hello/);
    }));

  it("answers in another guild that its owner has joined", () =>
    joined(async (scene) => {
      const { say, mention, replies } = scene;
      say("edsger", ELSEWHERE, `${mention} hello`);
      assert.match((await replies(ELSEWHERE, 1))[0] ?? "", /hello/);
      assert.deepEqual(asked(scene), []);
    }));

  it("asks the owner about a guild that adds it", () =>
    joined(async (scene) => {
      const { simulator, user, until, written } = scene;
      const guild = addGuild(simulator.world, {
        name: "Kelp ` @everyone",
        ownerId: user("edsger").id,
      }, Date.now());
      addChannel(simulator.world, guild, { name: "lobby" }, Date.now());
      simulator.invite({ who: "Barnacle", guild: guild.id });
      await until("the owner's message", () => asked(scene).length > 0);
      const [question = ""] = asked(scene);
      assert.ok(question.includes(`channels.discord.guilds.${guild.id} `), question);
      const withoutCode = question.replace(/(`+)(?!`).*?(?<!`)\1(?!`)/gs, "");
      assert.doesNotMatch(withoutCode, /@everyone/);
      assert.deepEqual(written("lobby"), []);
    }));

  it("answers in another guild after the command of the notice", () =>
    play(async (scene) => {
      const { say, mention, replies, until, eventually, decided } = scene;
      say("edsger", ELSEWHERE, `${mention} hello`);
      await until("the owner's message", () => asked(scene).length > 0);
      const [, path = "", value = ""] =
        /barnacle config set (\S+) '([^']+)'/.exec(asked(scene)[0] ?? "") ?? [];
      const { code } = await scene.command(
        ["config", "set", path, value, "--config", scene.configFile],
        { DISCORD_BOT_TOKEN: scene.simulator.token },
      );
      assert.equal(code, 0);
      let last = "";
      await eventually("an accepted message", async () => {
        last = await decided(say("edsger", ELSEWHERE, `${mention} hello`));
        return last.startsWith("accept");
      });
      await replies(ELSEWHERE, 1);
    }));
});
