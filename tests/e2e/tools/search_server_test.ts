/** Plays searches in a server's own messages as people on Discord see them (T17). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addChannel } from "../../../simulator/world/create_world.ts";
import { PERMISSION } from "../../../simulator/world/permissions.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import { type Scene, stopBot, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { give, registered } from "../../support/bot/slash.ts";

const NOW = Date.UTC(2026, 0, 2);
const search = (args: object) => `call: search_server ${JSON.stringify(args)}`;

/** Keeps messages of the server; those of one channel for look-ups, too. */
const withKnowledge = (auto?: string) => ({ world, channel }: Simulator) => {
  const [krill] = world.guilds.values();
  assert.ok(krill);
  const channels = { "*": {}, ...(auto && { [channel(auto).id]: { knowledge: "auto" } }) };
  return { guilds: { [krill.id]: { knowledge: "search", channels } } };
};

/** Adds a channel that helpers and the bot read. */
function addStaff({ simulator: { world } }: Scene): void {
  const [krill] = world.guilds.values();
  assert.ok(krill);
  const bits = PERMISSION.viewChannel | PERMISSION.readMessageHistory | PERMISSION.sendMessages;
  const open = [...krill.roles.values()].filter(({ name }) => name !== "@everyone")
    .map(({ id }) => ({ id, kind: "role" as const, allow: bits, deny: 0n }));
  const closed = { id: krill.id, kind: "role" as const, allow: 0n, deny: bits };
  addChannel(world, krill, { name: "staff", overwrites: [closed, ...open] }, NOW);
}

const kept = (scene: Scene) => scene.rows("SELECT text FROM known_message WHERE channel <> 0");

describe("[T17] search_server", () => {
  const play = sharedBot({}, addStaff);

  it("[SEC-R4] cites messages that each reader may read, also after a restart, and none of staff", () =>
    withSimulation({ discord: withKnowledge() }, async (scene) => {
      const { simulator, say, mention, replies, eventually } = scene;
      addStaff(scene);
      let bot = await scene.start();
      const open = say("ada", "help", "The Waschmaschine was repaired on Monday.");
      const secret = say("ada", "staff", "The Waschmaschine was too expensive.");
      await eventually("the messages", () => Promise.resolve(kept(scene).length === 2));
      assert.equal(simulator.channel("staff").messages.has(secret.id), true);
      const ask = `${mention}\n${search({ query: "Waschmaschinen" })}`;
      say("ada", "general", ask); // an owner of the bot and of the server
      const [first = ""] = await replies("general", 1);
      assert.ok(first.includes(`/${simulator.channel("help").id}/${open.id}`), first);
      assert.doesNotMatch(first, /expensive/);
      say("grace", "staff", ask);
      assert.match((await replies("staff", 1))[0] ?? "", /expensive/);

      await stopBot(bot);
      bot = await scene.start();
      simulator.delete({ as: "ada", in: "help", message: open.id });
      await eventually("the deletion", () => Promise.resolve(kept(scene).length < 4));
      say("grace", "general", ask);
      const [, second = ""] = await replies("general", 2);
      assert.ok(second !== "" && !second.includes(open.id), second);
    }));

  it("is in no turn and keeps nothing where the config has no `knowledge`", () =>
    play(async (scene) => {
      const { say, mention, replies, here } = scene;
      say("ada", "help", "The Waschmaschine was repaired on Monday.");
      say("grace", here, `${mention}\n${search({ query: "Waschmaschine" })}`);
      assert.match((await replies(here, 1))[0] ?? "", /search_server cannot be used here/);
      assert.deepEqual(kept(scene), []);
    }));

  describe("[T17] /search", () => {
    it("shows a person what they may read, and to no one else", () =>
      play(async (scene) => {
        const { say, eventually, here } = scene;

        await registered(scene);
        say("ada", "staff", "The Waschmaschine was too expensive.");
        await eventually("the message", () => Promise.resolve(kept(scene).length === 1));
        const given = { in: here, name: "search", options: { words: "waschmaschine" } };
        assert.match(await give(scene, { as: "grace", ...given }), /expensive/);
        assert.deepEqual(scene.written(here), []);
      }, { discord: withKnowledge() }));
  });
});

describe("[T17a] /catchup", () => {
  it("tells a person what they missed where they may read, and `why` explains it", () =>
    withSimulation({ discord: withKnowledge() }, async (scene) => {
      const { say, simulator, model, eventually, cli } = scene;
      addStaff(scene);
      simulator.setRoles({ who: "grace", roles: [] });
      await scene.start();
      await registered(scene);
      const away = say("grace", "general", "Back in an hour.");
      const secret = say("ada", "staff", "The ferry was too expensive.");
      const open = say("ada", "help", "The ferry leaves at nine.");
      await eventually("the messages", () => Promise.resolve(kept(scene).length === 3));
      const hers = await give(scene, { as: "grace", in: "#general", name: "catchup" });
      assert.ok(hers.endsWith(`/${open.id}`), hers);
      assert.ok(!hers.includes(secret.id) && !hers.includes(away.id), hers);
      const { body = "" } = model.requests.at(-1) ?? {};
      assert.ok(body.includes("leaves at nine") && !body.includes("expensive"), body);
      assert.doesNotMatch(hers, /message [23]/, "a line without a message");
      const options = { since: "1h" };
      const his = await give(scene, { as: "ada", in: "dm", name: "catchup", options });
      assert.ok(his.endsWith(`/${away.id}`), his);
      assert.deepEqual(scene.written("general"), []);
      assert.equal(kept(scene).length, 3);
      const [, id = ""] = /\/why (\d+)/.exec(hers) ?? [];
      const { stdout } = await cli("why", id);
      assert.match(stdout.join("\n"), /only its sender saw the answer/);
    }));
});

describe('[T17] knowledge: "auto"', () => {
  it("links an earlier answer before the model answers, and gives the model the replies, which it links", () => {
    let ahead = 0;
    const now = () => Date.now() + ahead;
    return withSimulation({ simulator: { now }, discord: withKnowledge("help") }, async (scene) => {
      const { model, say, mention, replies, eventually } = scene;
      await scene.start();
      const question = say("grace", "help", "Where is the lighthouse key?");
      const answer = say("ada", "help", "Below the mat, on a hook.", question.id);
      await eventually("the messages", () => Promise.resolve(kept(scene).length === 2));
      ahead = 20 * 60_000;
      say("grace", "help", `${mention} where is the lighthouse key?`);
      const [first = "", second = ""] = await replies("help", 2);
      assert.match(first, new RegExp(`Asked here before: https.*/${answer.id}`));
      assert.notEqual(second, "");
      const read = model.requests.at(-1)?.body ?? "";
      assert.match(read, /Found in this server's messages/);
      assert.match(read, /Below the mat/);
      say("grace", "help", `${mention} is the lighthouse key below the mat on a hook?`); // its answer says so
      const repeated = (await replies("help", 3)).at(-1) ?? "";
      assert.match(repeated, new RegExp(`\n-# From: https.*/${answer.id}$`));
    });
  });
});
