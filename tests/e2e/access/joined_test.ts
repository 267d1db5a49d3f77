/** Tests a bot that is added to a guild while it runs. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addChannel, addGuild } from "../../../simulator/world/create_world.ts";
import type { Guild } from "../../../simulator/world/world.ts";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

function found({ simulator, user }: Scene, name: string): Guild {
  const guild = addGuild(simulator.world, { name, ownerId: user("edsger").id }, Date.now());
  addChannel(simulator.world, guild, { name: "lobby" }, Date.now());
  return guild;
}

describe("[P6a] a guild that adds the bot", () => {
  const play = sharedBot({});

  it("and is allowed: no notice is sent, and the bot answers there", () => {
    let id = "";
    return play(async (scene) => {
      const { simulator, say, mention, replies, written } = scene;
      simulator.invite({ who: "Barnacle", guild: id });
      say("edsger", "lobby", `${mention} hello`);
      await replies("lobby", 1);
      assert.deepEqual(written("dm", "ada"), []);
    }, (scene) => {
      id = found(scene, "Kelp Forest").id;
      return { discord: () => ({ guilds: { [id]: {}, "krill-co": {} } }) };
    });
  });

  it("and is not allowed: the owner reads the command that allows it, the guild nothing", () =>
    play(async (scene, bot) => {
      const { simulator, replies, say, mention, decided, written } = scene;
      const guild = found(scene, "Kelp ` @everyone ` **Forest**");
      simulator.invite({ who: "Barnacle", guild: guild.id });
      const [told = ""] = await replies("dm", 1, "ada");
      assert.ok(told.includes(guild.id), told);
      assert.match(told, new RegExp(`barnacle config set .*${guild.id}`));
      const withoutCode = told.replace(/(`+)(?!`).*?(?<!`)\1(?!`)/gs, "");
      assert.doesNotMatch(withoutCode, /@everyone|Forest/, told);
      assert.equal(
        await decided(say("edsger", "lobby", `${mention} hello`)),
        "ignore: guild-not-listed",
      );
      assert.deepEqual(written("lobby"), []);
      assert.equal(
        bot.lines.filter((line) => line.includes(guild.id) && /join|added/i.test(line)).length,
        1,
      );
      assert.deepEqual(
        simulator.posted().flatMap(({ pings }) => [...pings.users, ...pings.roles]),
        [],
      );
    }));

  it("is allowed by the command in the owner's notice, and causes none before the start", () =>
    withSimulation({}, async (scene) => {
      const { simulator, start, replies, cli, eventually, say, mention, decided, written } = scene;
      await start(); // it is in Elsewhere, which is not listed
      say("grace", "general", `${mention} hello`);
      await replies("general", 1);
      assert.deepEqual(written("dm", "ada"), []);
      const guild = found(scene, "Kelp Forest");
      simulator.invite({ who: "Barnacle", guild: guild.id });
      const [told = ""] = await replies("dm", 1, "ada");
      const [, path, value] = /barnacle config set '?([^'`\s]+)'? '([^']+)'/.exec(told) ?? [];
      assert.ok(path !== undefined && value !== undefined, told);
      const { code, stderr } = await cli("config", "set", path, value);
      assert.equal(code, 0, stderr.join("\n"));
      await eventually(
        "the guild to be open",
        async () =>
          await decided(say("edsger", "lobby", `${mention} now?`)) === "accept: mentioned",
      );
    }));
});
